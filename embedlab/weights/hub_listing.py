"""What the hub lists about a repository: the commit of a branch or tag, and the files at that commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedlab.catalog.pins import WeightFile
from embedlab.catalog.refs import is_commit
from embedlab.weights import hub, untrusted
from embedlab.weights.errors import FailureCode, SourceFailed, WeightsUnavailable, attempt_of

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class Listing:
    """The files of a repository at one commit that are downloaded.

    Attributes
    ----------
    commit : str
    files : tuple of WeightFile
        With the recorded sha256, otherwise the one that the hub states, otherwise None.
    """

    commit: str
    files: tuple[WeightFile, ...]

    @property
    def n_bytes(self) -> int:
        """Size of all files."""
        return sum(file.size for file in self.files)


def list_repository(
    repo: str,
    revision: str | None,
    commit: str | None,
    recorded: Callable[[str], Mapping[str, str]],
) -> Listing:
    """Ask the hub which commit a revision is, and which files it has.

    Parameters
    ----------
    repo : str
    revision : str or None
        Branch, tag or commit; None is the main branch.
    commit : str or None
        The commit, if it is known; the hub must then answer with it.
    recorded : callable
        Returns path and sha256 of the files recorded at a commit.

    Raises
    ------
    WeightsUnavailable
        If the hub cannot be asked or does not have it; ``tried`` says why.
    NotAModel
        If the repository has no weights that can be read.
    """
    try:
        info = _ask(repo, commit or revision)
        if not is_commit(info.sha):
            raise SourceFailed(f"{hub.endpoint()} does not say which commit of {repo} it serves")
        if commit is not None and info.sha != commit:
            raise SourceFailed(f"{hub.endpoint()} answers with commit {info.sha}, but {commit} was asked for")
    except SourceFailed as error:
        name = f"{repo}@{revision}" if revision else repo
        raise WeightsUnavailable(
            f"{name} cannot be downloaded", tried=(attempt_of("hub", error),), model=name
        ) from error
    return _listing(repo, info, recorded(str(info.sha)))


def _ask(repo: str, revision: str | None) -> ModelInfo:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    address = hub.endpoint()
    try:
        return HfApi(endpoint=address, library_name="embedlab").model_info(
            repo, revision=revision, files_metadata=True, timeout=_TIMEOUT
        )
    except GatedRepoError as error:
        raise SourceFailed(
            f"{repo} has terms to accept: do so at {address}/{repo}, then set HF_TOKEN", FailureCode.NO_ACCESS
        ) from error
    except RepositoryNotFoundError as error:
        raise SourceFailed(
            f"{address} has no repository {repo}; check the name, or set HF_TOKEN if it is private",
            FailureCode.NOT_FOUND,
        ) from error
    except RevisionNotFoundError as error:
        raise SourceFailed(
            f"{repo} has no branch, tag or commit {revision!r}", FailureCode.NOT_FOUND
        ) from error
    except Exception as error:
        # As in hub.py: the errors of the HTTP library share no base class that could be named here.
        problem = hub.Unreachable(FailureCode.NO_CONNECTION, f"{type(error).__name__} while listing {repo}")
        raise hub.explain(problem) from error


def _listing(repo: str, info: ModelInfo, recorded: Mapping[str, str]) -> Listing:
    commit = str(info.sha)
    listed = {file.rfilename: file for file in info.siblings or []}
    try:
        paths = untrusted.select_files({path: int(file.size or 0) for path, file in listed.items()})
    except untrusted.NotAModel as error:
        raise untrusted.NotAModel(
            f"{repo} at commit {commit[:8]} cannot be loaded: {error}.", model=repo
        ) from None
    files = tuple(
        WeightFile(
            path,
            int(listed[path].size or 0),
            recorded.get(path) or getattr(listed[path].lfs, "sha256", None),
        )
        for path in paths
    )
    return Listing(commit, files)
