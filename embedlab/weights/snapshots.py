"""Repositories in a cache with Hugging Face's layout: embedlab's own, and the one of the user.

huggingface_hub resolves branches, lists what a commit should hold, and shares files between commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from embedlab.catalog.refs import is_commit
from embedlab.weights import untrusted, verify
from embedlab.weights.local import Cache


@dataclass(frozen=True)
class Snapshot:
    """One commit of a repository in a cache, not yet checked.

    Attributes
    ----------
    folder : Path
        The model folder.
    is_listed : bool
        Whether the cache knows which files the commit has. If not, somebody loaded single files, and the
        folder may lack some.
    files : tuple of str
        Paths of the files that are used.
    missing : tuple of str
        Those of ``files`` that are not in the folder.
    """

    folder: Path
    is_listed: bool
    files: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class SnapshotCache:
    """A cache with Hugging Face's layout.

    Attributes
    ----------
    folder : Path
    owner : {"embedlab", "huggingface"}
    """

    folder: Path
    owner: Cache

    @classmethod
    def own(cls) -> SnapshotCache:
        """Return embedlab's own cache of repositories."""
        return cls(verify.weights_root() / "repositories", "embedlab")

    @classmethod
    def of_user(cls) -> SnapshotCache:
        """Return the cache that transformers and others on this machine share."""
        from huggingface_hub import constants

        return cls(Path(constants.HF_HUB_CACHE), "huggingface")

    def repository_folder(self, repo: str) -> Path:
        """Return the folder of a repository."""
        return self.folder / f"models--{repo.replace('/', '--')}"

    def commit_of(self, repo: str, revision: str | None) -> str | None:
        """Return the commit that a branch or tag (by default the main branch) led to, or None."""
        folder = self._local_folder(repo, revision or "main")
        return folder.name if folder and is_commit(folder.name) else None

    def find(self, repo: str, commit: str) -> Snapshot | None:
        """Return what the cache has of a commit, or None if it has nothing.

        Raises
        ------
        NotAModel
            If the repository has no weights in a format that is read.
        """
        from huggingface_hub import get_cached_repo_tree
        from huggingface_hub.errors import CachedRepoTreeNotFoundError

        folder = self._local_folder(repo, commit)
        if folder is None:
            return None
        try:
            listing = get_cached_repo_tree(repo, revision=commit, cache_dir=self.folder)
        except CachedRepoTreeNotFoundError:
            files = untrusted.select_files(untrusted.list_files(folder))
            return Snapshot(folder, False, tuple(files), tuple(_missing_parts(folder, files)))
        files = untrusted.select_files({file.path: int(file.size or 0) for file in listing})
        missing = [file for file in files if not (folder / file).is_file()]
        return Snapshot(folder, True, tuple(files), tuple(missing))

    def _local_folder(self, repo: str, revision: str) -> Path | None:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError

        try:
            return Path(
                snapshot_download(repo, revision=revision, cache_dir=self.folder, local_files_only=True)
            )
        except IncompleteSnapshotError as error:  # expected: only the files that are used are downloaded
            return Path(error.snapshot_path)
        except LocalEntryNotFoundError:
            return None


def _missing_parts(folder: Path, files: list[str]) -> list[str]:
    """Return the parts of split weights that an index names and that are not among ``files``."""
    missing: set[str] = set()
    for index in folder.glob("*.index.json"):
        parts = {str(part) for part in untrusted.read_json(index).get("weight_map", {}).values()}
        kind = ".safetensors" if ".safetensors." in index.name else ".bin"
        if any(file.endswith(kind) for file in files if untrusted.is_weights(file)):
            missing |= parts - set(files)
    return sorted(missing)
