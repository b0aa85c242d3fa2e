"""Any repository of the model hub: which commit a name means, and where its files are on this machine.

They are looked for in ``EMBEDLAB_MODELS`` (``org/name/``), in embedlab's own cache, in that of Hugging Face
and on the hub. The commit that a name without ``@`` led to is recorded, so that a branch which moves on does
not change a model unnoticed; ``@main`` asks again. The sha256 of every file is recorded when it first
arrives, and other bytes at the same commit are refused from then on.

huggingface_hub keeps the files. What it does not do is done here: it never compares the bytes with a sha256,
it would download code and pickles, and its downloads have no time limit.
"""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

from embedlab import settings
from embedlab.catalog.refs import is_commit
from embedlab.weights import hub, untrusted, verify
from embedlab.weights.cache_slot import locked
from embedlab.weights.errors import (
    FailureCode,
    SourceAttempt,
    SourceFailed,
    WeightsMismatch,
    WeightsUnavailable,
    attempt_of,
)
from embedlab.weights.folder import identity_of, open_model_folder
from embedlab.weights.hub_listing import Listing, list_repository
from embedlab.weights.ledger import Ledger
from embedlab.weights.local import LocalWeights
from embedlab.weights.snapshots import Snapshot, SnapshotCache
from embedlab.weights.subprocess_download import Progress

log = logging.getLogger("embedlab")

_DESCRIPTIONS = ("config.json", "modules.json", "sentence_bert_config.json")


def download_bytes(repo: str, revision: str | None = None) -> int | None:
    """Return how many bytes downloading a repository would move, or None if the hub cannot be asked.

    Raises
    ------
    WeightsUnavailable, NotAModel
        If the hub answers that it has no such repository, or none that can be loaded.
    """
    return None if hub.unreachable() else _Repository(repo, revision).listed_bytes()


def locate(repo: str, revision: str | None = None) -> LocalWeights | None:
    """Look for a repository on this machine; the hub is not asked."""
    return _Repository(repo, revision).locate(revision if is_commit(revision) else None, [])


def fetch(
    repo: str, revision: str | None = None, commit: str | None = None, progress: Progress | None = None
) -> LocalWeights:
    """Return a repository, from this machine or from the hub.

    Parameters
    ----------
    repo : str
        ``org/name``, checked.
    revision : str, optional
        Branch, tag or commit; by default the commit that was used before on this machine, otherwise the main
        branch.
    commit : str, optional
        The commit, if it is known already.
    progress : callable, optional
        As for :func:`embedlab.weights.fetch`.

    Raises
    ------
    WeightsUnavailable
        If no source can serve it, or the hub serves other bytes at a commit than before; ``tried`` says why.
    NeedsCode, NotAModel
        If it cannot be loaded without running code from it, or has no weights that can be read.
    CacheUnusable
        If the disk is full or read-only.
    """
    return _Repository(repo, revision).fetch(commit or (revision if is_commit(revision) else None), progress)


class _Repository:
    def __init__(self, repo: str, revision: str | None) -> None:
        self.repo, self.revision = repo, revision
        self.cache = SnapshotCache.own()
        self.folder = self.cache.repository_folder(repo)
        self.ledger = Ledger(self.folder)
        self._may_ask_hub = False

    # -- on this machine ---------------------------------------------------------------------------------

    def locate(self, commit: str | None, tried: list[SourceAttempt]) -> LocalWeights | None:
        return self._in_models_folder(tried) or self._in_caches(commit, tried)

    def _in_models_folder(self, tried: list[SourceAttempt]) -> LocalWeights | None:
        """Look for a folder brought by hand; it has no commit, so it serves only the bare name."""
        models = settings.models_folder()
        folder = models / self.repo if models else None
        if folder is None:
            reason = "EMBEDLAB_MODELS is not set"
            tried.append(SourceAttempt("folder", FailureCode.NOT_CONFIGURED, reason))
            return None
        if self.revision or not folder.is_dir():
            tried.append(SourceAttempt("folder", FailureCode.NOT_FOUND, f"no {folder}"))
            return None
        return open_model_folder(folder, self.repo)

    def _in_caches(self, commit: str | None, tried: list[SourceAttempt]) -> LocalWeights | None:
        user = SnapshotCache.of_user()
        commit = commit or self.ledger.commit_of(self.revision) or user.commit_of(self.repo, self.revision)
        if commit is None:
            reason = f"no {self.repo} in {self.cache.folder}, nor in the Hugging Face cache"
            tried.append(SourceAttempt("cache", FailureCode.NOT_FOUND, reason))
            return None
        return self._in_own_cache(commit, tried) or self._in_user_cache(user, commit, tried)

    def _in_own_cache(self, commit: str, tried: list[SourceAttempt]) -> LocalWeights | None:
        snapshot = self.cache.find(self.repo, commit)
        # Files of a download that was interrupted before it was checked are not in the ledger.
        if snapshot is None or snapshot.missing or not set(snapshot.files) <= set(self._recorded(commit)):
            reason = f"no complete {self.repo} at commit {commit[:8]} in {self.folder}"
            tried.append(SourceAttempt("cache", FailureCode.NOT_FOUND, reason))
            return None
        try:
            self._check(snapshot, commit)
        except WeightsMismatch as error:
            tried.append(attempt_of("cache", error, "; the next download will replace it"))
            return None
        return self._weights_of(snapshot, commit, self.cache)

    def _in_user_cache(
        self, cache: SnapshotCache, commit: str, tried: list[SourceAttempt]
    ) -> LocalWeights | None:
        try:
            snapshot = cache.find(self.repo, commit)
        except untrusted.NotAModel as error:
            tried.append(SourceAttempt("huggingface_cache", FailureCode.NOT_OFFERED, str(error)))
            return None
        if snapshot is None:
            reason = f"no {self.repo} at commit {commit[:8]}"
            tried.append(SourceAttempt("huggingface_cache", FailureCode.NOT_FOUND, reason))
            return None
        if snapshot.missing or (not snapshot.is_listed and self._may_be_partial(snapshot, commit)):
            reason = f"{snapshot.folder} may hold only a part of {self.repo}"
            tried.append(SourceAttempt("huggingface_cache", FailureCode.INCOMPLETE, reason))
            return None
        try:
            self._check(snapshot, commit)
        except WeightsMismatch as error:
            tried.append(attempt_of("huggingface_cache", error, ". Delete that copy"))
            return None
        return self._weights_of(snapshot, commit, cache)

    def _may_be_partial(self, snapshot: Snapshot, commit: str) -> bool:
        """Return whether the hub should be preferred to single files that somebody loaded.

        Whoever loaded a whole sentence-transformers model also looked for ``modules.json``.
        """
        file = "modules.json"
        looked_for = (snapshot.folder / file, snapshot.folder.parents[1] / ".no_exist" / commit / file)
        return self._may_ask_hub and not any(path.exists() for path in looked_for) and hub.reachable()

    def _recorded(self, commit: str) -> dict[str, str]:
        return self.ledger.sha256_at(commit)

    def _check(self, snapshot: Snapshot, commit: str) -> None:
        """Compare the files with the ledger; those that it does not have yet are recorded."""
        sha256 = {file: verify.cached_sha256(snapshot.folder / file) for file in snapshot.files}
        self.ledger.record_files(commit, sha256)

    def _weights_of(self, snapshot: Snapshot, commit: str, cache: SnapshotCache) -> LocalWeights:
        untrusted.check_code(snapshot.folder, self.repo)
        return LocalWeights(
            snapshot.folder,
            identity_of(snapshot.folder, snapshot.files),
            "cache",
            commit,
            cache=cache.owner,
            delivered_by="hub" if cache.owner == "embedlab" else None,
        )

    # -- from the hub ------------------------------------------------------------------------------------

    def fetch(self, commit: str | None, progress: Progress | None) -> LocalWeights:
        tried: list[SourceAttempt] = []
        self._may_ask_hub, is_stated = True, commit is not None
        if commit is None and self.revision and hub.reachable():
            commit = self._list(None).commit  # a branch or a tag may have moved
        found = self.locate(commit, tried)
        if found is None:
            problem = hub.unreachable()
            if problem:
                tried.append(attempt_of("hub", hub.explain(problem)))
                raise self._unavailable(tried)
            found = self._download(commit, tried, progress)
        if found.revision and not is_stated:
            self.ledger.record_commit(self.revision, found.revision)
        log.info(
            "%s: commit %s from %s, sha256 %s…", self.repo, found.revision, found.origin, found.sha256[:12]
        )
        return found

    def listed_bytes(self) -> int:
        """Return the bytes of the files at the commit that :meth:`fetch` would use."""
        commit = self.revision if is_commit(self.revision) else None
        return self._list(commit or self.ledger.commit_of(self.revision)).n_bytes

    def _list(self, commit: str | None) -> Listing:
        return list_repository(self.repo, self.revision, commit, self._recorded)

    def _unavailable(self, tried: list[SourceAttempt]) -> WeightsUnavailable:
        name = f"{self.repo}{f'@{self.revision}' if self.revision else ''}"
        return WeightsUnavailable(
            f"{name} is not on this machine and cannot be downloaded", tried=tuple(tried), model=name
        )

    def _download(
        self, commit: str | None, tried: list[SourceAttempt], progress: Progress | None
    ) -> LocalWeights:
        listing = self._list(commit)
        with locked(self.folder, self.repo):
            # Another process may have downloaded it while this one waited.
            found = self._in_own_cache(listing.commit, [])
            if found is None:
                try:
                    self._download_checked(listing, progress)
                except (SourceFailed, WeightsMismatch) as error:
                    tried.append(attempt_of("hub", error))
                    raise self._unavailable(tried) from error
                found = self._in_own_cache(listing.commit, tried)
        if found is None:
            raise self._unavailable(tried)
        return dataclasses.replace(found, source="hub", cache=None)

    def _download_checked(self, listing: Listing, progress: Progress | None) -> None:
        """Download a commit into the cache; whatever is not as expected is removed again.

        Raises
        ------
        SourceFailed
            If the hub cannot serve it.
        WeightsMismatch
            If other bytes arrived than listed or recorded.
        NeedsCode
            If it needs code of its own. Nothing large is downloaded then.
        """
        folder = self.folder / "snapshots" / listing.commit
        for file in listing.files:
            if self._is_damaged(folder / file.path, file.sha256):
                log.warning("%s: the damaged %s in %s is replaced.", self.repo, file.path, folder)
                _remove(folder / file.path)
        descriptions = [file.path for file in listing.files if file.path in _DESCRIPTIONS]
        self._download_files(listing, descriptions)
        untrusted.check_code(folder, self.repo)
        self._download_files(listing, [file.path for file in listing.files], progress)
        try:
            sha256 = verify.check_download(folder, listing.files)
            self.ledger.record_files(listing.commit, sha256)
        except WeightsMismatch as error:
            _remove(folder / error.file)
            raise
        for path, value in sha256.items():
            verify.write_stamp(folder / path, value)

    def _download_files(self, listing: Listing, files: list[str], progress: Progress | None = None) -> None:
        n_bytes = sum(file.size for file in listing.files if file.path in files)
        hub.download_snapshot(
            self.repo, listing.commit, files, self.cache.folder, self.folder, n_bytes, progress
        )

    def _is_damaged(self, path: Path, expected: str | None) -> bool:
        return path.is_file() and expected is not None and verify.cached_sha256(path) != expected


def _remove(path: Path) -> None:
    """Remove a file of a snapshot, and the file in the cache that it may be a link to."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
