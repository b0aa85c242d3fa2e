"""The errors that embedlab raises on purpose, and the facts they carry.

::

    EmbedlabError
    ├── BadItem              items that cannot be used           .problems
    │   ├── HoldsEmbeddings  saved embeddings where items belong .path
    │   └── PageTooLarge     an HTML page above its limit        .size_mb, .limit_mb
    ├── UntrustedServer      a server named only by a file       .url
    ├── WrongModel           vectors of different models mixed
    ├── MissingExtra         an optional dependency is missing   .extra
    ├── CannotWrite          a file cannot be written            .path      (io.atomic)
    ├── UnknownModel, BadName, NoSuchLayer …                     .model
    ├── WeightsError …       weights cannot be had               .model     (weights.errors)
    ├── ServerError, ChatError  a server refused or is away      .status
    └── StoreError …         a vector store cannot do it                    (store.errors)

Code decides on types and attributes, never on the text. The text is composed once, from parts: words, and
:class:`Argument` for each argument that the message names. ``str(error)`` writes arguments as Python does;
the command line passes its own way of naming them to :meth:`EmbedlabError.text`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

OnError = Literal["raise", "skip"]


@dataclass(frozen=True)
class Argument:
    """An argument that a message names, for each front end to write in its own way.

    Attributes
    ----------
    name : str
        As the Python function spells it, for example ``"on_error"``.
    value : object
        What to pass, for example ``"skip"``; ``...`` leaves it to the reader.
    """

    name: str
    value: object = ...

    def __str__(self) -> str:
        """Write the argument as Python does: ``on_error="skip"``."""
        if self.value is ...:
            return f"{self.name}=…"
        return f'{self.name}="{self.value}"' if isinstance(self.value, str) else f"{self.name}={self.value!r}"


Part = str | Argument
Speaker = Callable[[Argument], str]


class ProblemCode(StrEnum):
    """Why an item, a line or a file cannot be used."""

    EMPTY = "empty"  # no text, no samples, no frames
    MISSING = "missing"  # no value, or nothing at the path
    NOT_A_FILE = "not_a_file"  # a folder, a device, an address
    FORBIDDEN = "forbidden"  # the system does not let us read it
    WRONG_KIND = "wrong_kind"  # readable, but not this modality
    DAMAGED = "damaged"  # cut short, or does not decode
    SILENT = "silent"  # sound without a signal
    TOO_LARGE = "too_large"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    ENCODING = "encoding"  # bytes that are not in the stated encoding
    MALFORMED = "malformed"  # a line that is not a record: fields, JSON
    NOT_READ = "not_read"  # skipped on purpose: hidden, linked, another kind of file
    CONFLICT = "conflict"  # another value under the same id
    REFUSED = "refused"  # a server or a model does not take it
    UNREADABLE = "unreadable"  # any other reason


@dataclass(frozen=True)
class Problem:
    """Why one item, line or file cannot be used, and the argument that would help.

    Attributes
    ----------
    code : ProblemCode
        To decide on.
    reason : str
        To read: no full stop at the end, no advice.
    option : str or None
        The Python argument that would help, for example ``"encoding"``.
    value : object
        What to pass for ``option``; ``...`` leaves it to the reader.
    """

    code: ProblemCode
    reason: str
    option: str | None = None
    value: object = ...

    @property
    def argument(self) -> Argument | None:
        """``option`` and ``value`` as an :class:`Argument`."""
        return Argument(self.option, self.value) if self.option else None

    def __str__(self) -> str:
        """Return the reason."""
        return self.reason


class EmbedlabError(Exception):
    """Base of every error that embedlab raises on purpose.

    Parameters
    ----------
    *parts : str or Argument
        The message: what is wrong with which item, why, and what to do.
    problems : mapping of str to Problem, optional
        By item id, by ``"line 7"`` or by file name.
    path : path, optional
        The file or folder concerned.
    model : str, optional
        The name of the model concerned.
    status : int, optional
        The HTTP status of a server's response.
    """

    problems: Mapping[str, Problem]
    path: Path | None
    model: str | None
    status: int | None

    def __init__(
        self,
        *parts: Part,
        problems: Mapping[str, Problem] | None = None,
        path: str | Path | None = None,
        model: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__("".join(map(str, parts)))
        self.parts = parts
        self.problems = dict(problems or {})
        self.path = None if path is None else Path(path)
        self.model = model
        self.status = status

    def text(self, speaker: Speaker = str) -> str:
        """Compose the message, with every argument as ``speaker`` writes it."""
        return compose(self.parts, speaker)

    def __str__(self) -> str:
        """Compose the message, with arguments as Python writes them."""
        return self.text()


def compose(parts: tuple[Part, ...], speaker: Speaker = str) -> str:
    """Join the parts of a message, with every argument as ``speaker`` writes it."""
    return "".join(speaker(part) if isinstance(part, Argument) else part for part in parts)


class BadItem(EmbedlabError, ValueError):
    """One or more items cannot be used; ``problems`` says why, by id."""


class HoldsEmbeddings(BadItem):
    """A file was read as items but holds saved embeddings; ``path`` names it."""


class PageTooLarge(BadItem):
    """An HTML page would exceed its size limit.

    Attributes
    ----------
    size_mb, limit_mb : float
        What the page would have, and what is allowed, in megabytes (10⁶ bytes).
    """

    size_mb: float
    limit_mb: float

    def __init__(self, *parts: Part, size_mb: float, limit_mb: float) -> None:
        super().__init__(*parts)
        self.size_mb = size_mb
        self.limit_mb = limit_mb


class UntrustedServer(EmbedlabError):
    """Texts were about to go to a server that only a file or a store names, not the user.

    Attributes
    ----------
    url : str
        The address of the server, without a password.
    """

    url: str

    def __init__(self, *parts: Part, url: str, model: str | None = None) -> None:
        super().__init__(*parts, model=model)
        self.url = url


class WrongModel(EmbedlabError, ValueError):
    """Vectors of two different models, revisions or dimensions were about to be mixed."""


class MissingExtra(EmbedlabError, ImportError):
    """An optional dependency is not installed; ``extra`` names what brings it."""

    extra: str
    path: Any  # ImportError has one of its own

    def __init__(self, *parts: Part, extra: str = "", **facts: Any) -> None:
        super().__init__(*parts, **facts)
        self.extra = extra


def require(module: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say how to install it.

    Parameters
    ----------
    module : str
        Name to import, for example ``"openai"``.
    extra : str
        The extra of this package that brings it.

    Raises
    ------
    MissingExtra
        With the exact ``pip install`` command.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f'This needs {module}. Install it with: pip install "embedlab[{extra}]"', extra=extra
        ) from error
