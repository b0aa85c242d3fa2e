"""What can go wrong with weights, as data and as text.

::

    WeightsError
    ├── WeightsUnavailable   no source could serve them          .tried
    ├── WeightsMismatch      a file is not the expected one      .file .expected .actual
    ├── UnsafeArchive        an archive would write elsewhere    .path
    ├── SourceFailed         one source could not serve them     .code
    ├── NotAModel            no weights that can be read         (weights.untrusted)
    └── NeedsCode            only runs with code of its own      (weights.untrusted)

A full or read-only cache is :class:`embedlab.io.disk.CacheUnusable`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from embedlab.errors import EmbedlabError

TriedSource = Literal[
    "folder", "shipped", "cache", "huggingface_cache", "torch_cache", "hub", "torchhub", "wheels", "network"
]
_LABELS: dict[TriedSource, str] = {
    "folder": "folder",
    "shipped": "with embedlab",
    "cache": "cache",
    "huggingface_cache": "Hugging Face cache",
    "torch_cache": "torch's cache",
    "hub": "hub",
    "torchhub": "Torch Hub",
    "wheels": "package index",
    "network": "hub and package index",
}


class FailureCode(StrEnum):
    """Why a source could not serve the weights."""

    NOT_CONFIGURED = "not_configured"  # a setting names no folder
    NOT_OFFERED = "not_offered"  # the source does not have this model at all
    NOT_FOUND = "not_found"  # nothing at the path or address
    INCOMPLETE = "incomplete"  # some files are missing
    MISMATCH = "mismatch"  # a file is not the pinned or recorded one
    UNSAFE = "unsafe"  # an archive that would write outside of its folder
    DAMAGED = "damaged"  # an archive that cannot be read
    OFFLINE = "offline"  # an environment variable forbids the network
    NO_ANSWER = "no_answer"  # within the time limit
    NO_CONNECTION = "no_connection"
    NOT_A_HUB = "not_a_hub"  # something else answers, such as a login page
    HTTP_ERROR = "http_error"
    NO_ACCESS = "no_access"  # terms to accept, or a private repository
    STALLED = "stalled"  # the download stopped arriving
    NO_PIP = "no_pip"
    FAILED = "failed"  # any other reason


@dataclass(frozen=True)
class SourceAttempt:
    """One source that was tried, and why it could not serve the weights.

    Attributes
    ----------
    source : str
    code : FailureCode
        To decide on.
    reason : str
        To read, with what would help; no full stop at the end.
    error : Exception or None
        What ended the attempt, for example a :class:`WeightsMismatch` with both sha256.
    """

    source: TriedSource
    code: FailureCode
    reason: str
    error: Exception | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        """Name the source and the reason."""
        return f"{_LABELS[self.source]}: {self.reason}"


class WeightsError(EmbedlabError):
    """Base of all errors about weights."""


class WeightsUnavailable(WeightsError):
    """No source could serve the weights.

    Parameters
    ----------
    message : str
        What is missing, without a full stop if ``tried`` is given.
    tried : tuple of SourceAttempt
        Each becomes one line of the text.
    model : str, optional
    """

    def __init__(
        self, message: str, *, tried: tuple[SourceAttempt, ...] = (), model: str | None = None
    ) -> None:
        lines = "".join(f"\n  - {attempt}." for attempt in tried)
        super().__init__(f"{message}:{lines}" if tried else message, model=model)
        self.tried = tried


class WeightsMismatch(WeightsError):
    """A file is missing, or its bytes are not the pinned or recorded ones.

    Parameters
    ----------
    message : str
    file : str
        Path inside the model folder.
    expected, actual : str or None
        sha256; ``actual`` is None for a missing file.
    path : Path, optional
        The model folder.
    """

    def __init__(
        self, message: str, *, file: str, expected: str | None, actual: str | None, path: Path | None = None
    ) -> None:
        super().__init__(message, path=path)
        self.file, self.expected, self.actual = file, expected, actual


class UnsafeArchive(WeightsError):
    """An archive has an entry that would be written outside of the target folder; ``path`` is the archive."""


class SourceFailed(WeightsError):
    """One source could not serve the weights; ``code`` says why, and the next source is tried.

    The message has no full stop: it becomes one line of :class:`WeightsUnavailable`.
    """

    def __init__(self, reason: str, code: FailureCode = FailureCode.FAILED, path: Path | None = None) -> None:
        super().__init__(reason, path=path)
        self.code = code


def attempt_of(
    source: TriedSource, error: SourceFailed | UnsafeArchive | WeightsMismatch | OSError, advice: str = ""
) -> SourceAttempt:
    """Describe the error that ended an attempt, followed by ``advice``."""
    code = FailureCode.FAILED
    if isinstance(error, SourceFailed):
        code = error.code
    elif isinstance(error, UnsafeArchive):
        code = FailureCode.UNSAFE
    elif isinstance(error, WeightsMismatch):
        code = FailureCode.INCOMPLETE if error.actual is None else FailureCode.MISMATCH
    return SourceAttempt(source, code, f"{error}{advice}", error)
