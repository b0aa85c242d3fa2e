"""Any repository of the model hub: which commit, and where its files are on this machine.

They are looked for in ``EMBEDLAB_MODELS`` (``org/name/``), in embedlab's own cache, in that of Hugging Face
and on the hub. What a name led to the first time is remembered, so that a branch which moves on does not
change a model behind anybody's back; ``@main`` asks anew. The sha256 of every file is recorded when it first
arrives, and other bytes at the same commit are refused from then on.
"""

from __future__ import annotations

import dataclasses
import logging
import tempfile
from pathlib import Path
from typing import Any

from embedlab import settings
from embedlab.catalog.pins import WeightFile, Weights
from embedlab.catalog.refs import is_commit
from embedlab.weights import errors, hub, untrusted, verify
from embedlab.weights.cache_slot import CacheSlot
from embedlab.weights.folder import identity_of, open_model_folder
from embedlab.weights.ledger import Ledger
from embedlab.weights.local import LocalWeights
from embedlab.weights.subprocess_download import Progress

log = logging.getLogger("embedlab")

_DESCRIPTIONS = ("config.json", "modules.json", "sentence_bert_config.json")
_PATIENCE = 10.0  # seconds for the hub's list of files


def download_bytes(repo: str, asked: str | None = None) -> int | None:
    """Return how many bytes fetching a repository would move, or None if the hub cannot be asked.

    Raises
    ------
    WeightsUnavailable, NotAModel
        If the hub answers that it has no such repository, or none that can be loaded.
    """
    return None if hub.unreachable() else _Repository(repo, asked).listed_bytes()


def locate(repo: str, asked: str | None = None) -> LocalWeights | None:
    """A repository, where it is on this machine; the hub is not asked."""
    return _Repository(repo, asked).here(asked if is_commit(asked) else None, [])


def fetch(
    repo: str, asked: str | None = None, commit: str | None = None, progress: Progress | None = None
) -> LocalWeights:
    """A repository, from this machine or from the hub.

    Parameters
    ----------
    repo : str
        ``org/name``, checked.
    asked : str, optional
        Branch, tag or commit; by default what was taken before on this machine, else the main branch.
    commit : str, optional
        The commit itself, where it is known already.
    progress : callable, optional
        As for :func:`embedlab.weights.fetch`.

    Raises
    ------
    WeightsUnavailable
        With a line for each place that was tried.
    WeightsMismatch
        When the hub now serves other bytes at a commit than it did before.
    NeedsCode, NotAModel, CacheUnusable
    """
    return _Repository(repo, asked).fetch(commit or (asked if is_commit(asked) else None), progress)


class _Repository:
    def __init__(self, repo: str, asked: str | None) -> None:
        self.repo, self.asked = repo, asked
        self.root = verify.weights_root() / "repositories" / repo.replace("/", "--")
        self.ledger = Ledger(self.root)
        self._may_ask = False

    # -- on this machine ---------------------------------------------------------------------------------

    def here(self, commit: str | None, tried: list[str]) -> LocalWeights | None:
        return self._brought(tried) or self._kept(commit, tried)

    def _brought(self, tried: list[str]) -> LocalWeights | None:
        """A folder brought by hand: it has no commit, so it stands for the name without one."""
        models = settings.models_folder()
        folder = models / self.repo if models else None
        if folder is None or not folder.is_dir() or self.asked:
            tried.append(f"folder: {f'no {folder}' if folder else 'EMBEDLAB_MODELS is not set'}")
            return None
        return open_model_folder(folder, self.repo)

    def _kept(self, commit: str | None, tried: list[str]) -> LocalWeights | None:
        commit = commit or self.ledger.commit_of(self.asked) or self._hugging_face_ref()
        if commit is None:
            tried.append(f"cache: no {self.repo} in {self.root}, nor in the Hugging Face cache")
            return None
        return self._own(commit, tried) or self._hugging_face(commit, tried)

    def _own(self, commit: str, tried: list[str]) -> LocalWeights | None:
        slot = CacheSlot(self.repo, Weights((), "", revision=commit), self.root)
        noted = slot.receipt().get("files")
        if not isinstance(noted, dict) or not any(map(untrusted.is_weights, noted)):
            tried.append(f"cache: nothing whole in {slot.folder}")
            return None
        files = tuple(WeightFile(path, 0, sha256) for path, sha256 in noted.items())
        spec = Weights(files, untrusted.main_file(noted), revision=commit)
        try:
            verify.check(slot.folder, spec, {})
        except (errors.WeightsMismatch, OSError) as error:
            tried.append(f"cache: {error}; the next download will replace it")
            return None
        untrusted.check_code(slot.folder, self.repo)
        return LocalWeights(
            slot.folder,
            untrusted.identity(noted),
            "cache",
            commit,
            cache="embedlab",
            delivered_by="hub",
        )

    def _hugging_face(self, commit: str, tried: list[str]) -> LocalWeights | None:
        folder = self._hugging_face_folder() / "snapshots" / commit
        if not folder.is_dir():
            tried.append(f"Hugging Face cache: no {self.repo} at commit {commit[:8]}")
            return None
        told = (folder / "modules.json", folder.parents[1] / ".no_exist" / commit / "modules.json")
        if self._may_ask and not any(path.exists() for path in told) and hub.reachable():
            # Whoever loaded a part of it did not look for this file; the hub has all of it.
            tried.append(f"Hugging Face cache: {folder} may hold only a part of {self.repo}")
            return None
        try:
            paths = untrusted.chosen(untrusted.listing(folder))
            _whole(folder, paths)
            self.ledger.compare(
                commit, {p: verify.sha256_kept(folder / p) for p in paths if untrusted.is_weights(p)}
            )
        except (untrusted.NotAModel, errors.WeightsMismatch) as error:
            tried.append(f"Hugging Face cache: {folder}: {error}")
            return None
        untrusted.check_code(folder, self.repo)
        return LocalWeights(folder, identity_of(folder, paths), "cache", commit, cache="huggingface")

    def _hugging_face_folder(self) -> Path:
        from huggingface_hub import constants

        return Path(constants.HF_HUB_CACHE) / f"models--{self.repo.replace('/', '--')}"

    def _hugging_face_ref(self) -> str | None:
        try:
            ref = (self._hugging_face_folder() / "refs" / (self.asked or "main")).read_text("utf-8").strip()
        except OSError:
            return None
        return ref if is_commit(ref) else None

    # -- from the hub ------------------------------------------------------------------------------------

    def fetch(self, commit: str | None, progress: Progress | None) -> LocalWeights:
        tried: list[str] = []
        self._may_ask, stated = True, commit is not None
        if commit is None and self.asked and hub.reachable():
            commit = self._listed(None).revision  # a branch or a tag may have moved
        found = self.here(commit, tried)
        if found is None:
            reason = hub.unreachable()
            if reason:
                tried.append(f"hub: {hub.out_of_reach(reason)}")
                raise self._unavailable(tried)
            found = self._download(commit, tried, progress)
        if found.revision and not stated:
            self.ledger.remember(self.asked, found.revision)
        log.info(
            "%s: commit %s from %s, sha256 %s…", self.repo, found.revision, found.origin, found.sha256[:12]
        )
        return found

    def _unavailable(self, tried: list[str]) -> errors.WeightsUnavailable:
        lines = "".join(f"\n  - {line}." for line in tried)
        return errors.WeightsUnavailable(
            f"{self.repo}{f'@{self.asked}' if self.asked else ''} is not on this machine and cannot be "
            f"fetched:{lines}"
        )

    def _download(self, commit: str | None, tried: list[str], progress: Progress | None) -> LocalWeights:
        spec = self._listed(commit)
        assert spec.revision is not None
        slot = CacheSlot(self.repo, spec, self.root)
        with slot.locked():
            found = self._own(spec.revision, [])  # another process may have fetched it while this one waited
            if found is None:
                try:
                    self._look_first(slot)
                    slot.install(hub.download(slot, progress), "hub")
                except (errors.SourceFailed, errors.WeightsMismatch) as error:
                    tried.append(f"hub: {error}")
                    raise self._unavailable(tried) from None
                self.ledger.compare(spec.revision, slot.receipt().get("files") or {})  # type: ignore[arg-type]
                found = self._own(spec.revision, tried)
        if found is None:
            raise self._unavailable(tried)
        return dataclasses.replace(found, source="hub", cache=None)

    def _look_first(self, slot: CacheSlot) -> None:
        """The descriptions alone, so that a model that cannot be run is refused before its weights move."""
        from huggingface_hub import HfApi

        small = [f.path for f in slot.spec.files if f.path in _DESCRIPTIONS]
        api = HfApi(endpoint=hub.endpoint(), library_name="embedlab")
        with tempfile.TemporaryDirectory() as folder:
            try:
                for path in small:
                    api.hf_hub_download(self.repo, path, revision=slot.spec.revision, local_dir=folder)
            except Exception as error:
                # As in hub.py: the errors of the HTTP library share no base class that could be named here.
                raise errors.SourceFailed(hub.out_of_reach(f"{type(error).__name__}: {small}")) from error
            untrusted.check_code(Path(folder), self.repo)

    def listed_bytes(self) -> int:
        """Bytes of the files at the commit that :meth:`fetch` would take; nothing is downloaded."""
        commit = self.asked if is_commit(self.asked) else None
        return self._listed(commit or self.ledger.commit_of(self.asked)).folder_bytes

    def _listed(self, commit: str | None) -> Weights:
        """The commit and its files, as the hub lists them."""
        from huggingface_hub import HfApi
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

        where, wanted = hub.endpoint(), commit or self.asked
        try:
            info = HfApi(endpoint=where, library_name="embedlab").model_info(
                self.repo, revision=wanted, files_metadata=True, timeout=_PATIENCE
            )
        except GatedRepoError:
            why = f"{self.repo} has terms to accept: do so at {where}/{self.repo}, then set HF_TOKEN"
        except RepositoryNotFoundError:
            why = f"{where} has no repository {self.repo}; check the name, or set HF_TOKEN if it is private"
        except RevisionNotFoundError:
            why = f"{self.repo} has no branch, tag or commit {wanted!r}"
        except Exception as error:
            # As in hub.py: the errors of the HTTP library share no base class that could be named here.
            why = hub.out_of_reach(f"{type(error).__name__} while listing {self.repo}")
        else:
            if commit is None or info.sha == commit:
                return self._spec(info)
            why = f"{where} answers with commit {info.sha} where {commit} was asked for"
        raise errors.WeightsUnavailable(f"{why}.")

    def _spec(self, info: Any) -> Weights:
        if not is_commit(info.sha):
            raise errors.WeightsUnavailable(
                f"{hub.endpoint()} does not say which commit of {self.repo} it serves."
            )
        there = {s.rfilename: s for s in info.siblings or []}
        try:
            paths = untrusted.chosen({path: int(s.size or 0) for path, s in there.items()})
        except untrusted.NotAModel as error:
            raise untrusted.NotAModel(f"{self.repo} at {info.sha[:8]} cannot be loaded: {error}.") from None
        known = self.ledger.sha256_at(info.sha)
        files = tuple(
            WeightFile(
                path, int(there[path].size or 0), known.get(path) or getattr(there[path].lfs, "sha256", None)
            )
            for path in paths
        )
        return Weights(files, untrusted.main_file(paths), repo=self.repo, revision=info.sha)


def _whole(folder: Path, paths: list[str]) -> None:
    """Raise unless all pieces of weights are there; Hugging Face's cache may hold only some."""
    for index in (p for p in folder.glob("*.index.json")):
        parts = set(untrusted.read_json(index).get("weight_map", {}).values())
        kind = ".safetensors" if ".safetensors." in index.name else ".bin"
        if any(p.endswith(kind) for p in paths if untrusted.is_weights(p)) and not parts <= set(paths):
            raise untrusted.NotAModel(
                f"{len(parts - set(paths))} of {len(parts)} parts of the weights are missing"
            )
