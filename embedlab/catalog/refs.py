"""References to models: how a name is written, and what each kind of name refers to.

``text/minilm``
    a model of the catalogue (:class:`CatalogRef`);
``st:org/name`` or ``st:./folder``
    a sentence-transformers model of the hub or in a folder (:class:`HubRef`, :class:`FolderRef`);
``hf:org/name`` or ``hf:./folder``
    an encoder that transformers knows, for text, images or sound (the same two classes);
``openai:model``
    a model behind a server that speaks OpenAI's protocol (:class:`ServerRef`).

``@`` names a branch, a tag or a commit of a repository: ``st:org/name@v1.0``. Options that change the vectors
are part of the name, written like the query of a web address: ``hf:org/name?pooling=cls&layer=-2``. The name
alone, stored with vectors, is therefore enough to load the same model again. Names come from untrusted files
too, so :func:`parse` checks every part before it is used in a path or an address.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from embedlab.catalog.ref_options import BadName as BadName
from embedlab.catalog.ref_options import (
    EncoderOptions,
    OptionValue,
    SentenceTransformerOptions,
    ServerOptions,
    merge_options,
)

PREFIXES = {
    "st": "st:org/name, a sentence-transformers model of the hub, or a folder, st:./folder",
    "hf": "hf:org/name, an encoder of the hub for text, pictures or sound, or a folder",
    "openai": "openai:model, a model behind a server that speaks OpenAI's protocol",
}
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})?")
_REVISION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/+-]{0,98}[A-Za-z0-9_+-])?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SERVER_MODEL = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@._:/+-]{0,199}")
_FOLDER = re.compile(r"\.{0,2}[/\\]|~|[A-Za-z]:[/\\]|\.{1,2}$")

OptionsT = TypeVar("OptionsT", SentenceTransformerOptions, EncoderOptions)


class ModelRef(ABC):
    """A parsed name; ``str(ref)`` is the one spelling that loads the same model again."""

    @abstractmethod
    def __str__(self) -> str: ...


@dataclass(frozen=True)
class CatalogRef(ModelRef):
    """A model of the catalogue, or one that was registered in this process."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class HubRef(ModelRef, Generic[OptionsT]):
    """A repository of the model hub.

    Attributes
    ----------
    repo : str
        ``"org/name"``.
    options : SentenceTransformerOptions or EncoderOptions
        Their type also says which library reads the repository.
    revision : str or None
        The branch, tag or commit after ``@``.
    """

    repo: str
    options: OptionsT
    revision: str | None = None

    @property
    def target(self) -> str:
        """The name without prefix, revision and options."""
        return self.repo

    @property
    def homepage(self) -> str:
        """Address of the page that describes the model."""
        return f"https://huggingface.co/{self.repo}"

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        return f"{self.options.prefix}:{self.repo}{revision}{self.options.query()}"


@dataclass(frozen=True)
class FolderRef(ModelRef, Generic[OptionsT]):
    """A folder on this machine that holds a model.

    Attributes
    ----------
    path : str
        As written, so that a relative path stays relative.
    options : SentenceTransformerOptions or EncoderOptions
        As for :class:`HubRef`.
    """

    path: str
    options: OptionsT

    @property
    def target(self) -> str:
        """The name without prefix and options."""
        return self.path

    @property
    def homepage(self) -> str:
        """Empty: a folder has no page."""
        return ""

    def __str__(self) -> str:
        return f"{self.options.prefix}:{self.path}{self.options.query()}"


@dataclass(frozen=True)
class ServerRef(ModelRef):
    """A model behind a server that speaks OpenAI's protocol.

    Attributes
    ----------
    model : str
        The server's name for the model.
    options : ServerOptions
    """

    model: str
    options: ServerOptions = field(default_factory=ServerOptions)

    def __str__(self) -> str:
        return f"openai:{self.model}{self.options.query(safe=':/[]')}"


SentenceTransformerRef = HubRef[SentenceTransformerOptions] | FolderRef[SentenceTransformerOptions]
EncoderRef = HubRef[EncoderOptions] | FolderRef[EncoderOptions]
AnyHubRef = HubRef[SentenceTransformerOptions] | HubRef[EncoderOptions]
AnyFolderRef = FolderRef[SentenceTransformerOptions] | FolderRef[EncoderOptions]


def is_commit(revision: str | None) -> bool:
    """Return whether this is a full commit hash, which never changes, unlike a branch or a tag."""
    return bool(revision and _COMMIT.fullmatch(revision))


def parse(
    name: str, chosen: Mapping[str, OptionValue | None] | None = None
) -> CatalogRef | AnyHubRef | AnyFolderRef | ServerRef:
    """Parse a model name and check every part of it.

    Parameters
    ----------
    name : str
    chosen : mapping of str to int or str, optional
        Options given beside the name, by parameter; None leaves an option out. If the name has the same
        option, both must agree.

    Raises
    ------
    BadName
        If the name is not valid, or has an option that this kind of model does not have.
    """
    if not isinstance(name, str):
        raise BadName(f"A model name must be a str, not {type(name).__name__}. Valid names: {_examples()}.")
    beside = {option: value for option, value in (chosen or {}).items() if value is not None}
    prefix, colon, rest = name.partition(":")
    if not colon:
        if beside:
            raise BadName(
                f"{name} has no options, but {', '.join(beside)} was passed. Options are for models with a "
                f"prefix: {_examples()}.",
                model=name,
            )
        return CatalogRef(name)
    if prefix not in PREFIXES:
        raise BadName(
            f"Unknown prefix {prefix[:40] + ':'!r} in {name[:200]!r}. Valid names: {_examples()}.", model=name
        )
    target, _, query = rest.partition("?")
    if prefix == ServerOptions.prefix:
        return _parse_server(target, merge_options(ServerOptions, name, beside, query), name)
    if prefix == EncoderOptions.prefix:
        return _parse_weights(target, merge_options(EncoderOptions, name, beside, query), name)
    return _parse_weights(target, merge_options(SentenceTransformerOptions, name, beside, query), name)


def _parse_server(target: str, options: ServerOptions, name: str) -> ServerRef:
    if not _SERVER_MODEL.fullmatch(target):
        raise BadName(
            f"{name[:200]!r} is not the name of a model behind a server. Write it like "
            "openai:text-embedding-3-small.",
            model=name,
        )
    return ServerRef(target, options)


def _parse_weights(target: str, options: OptionsT, name: str) -> HubRef[OptionsT] | FolderRef[OptionsT]:
    if _FOLDER.match(target):
        return FolderRef(target, options)
    repo, at, revision = target.partition("@")
    if not _REPOSITORY.fullmatch(repo) or ".." in repo or "--" in repo:
        raise BadName(
            f"{name[:200]!r} is not the name of a repository. Write {options.prefix}:org/name, or for a "
            f"folder its path: {options.prefix}:./folder.",
            model=name,
        )
    if at and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise BadName(f"{name[:200]!r} has no valid branch, tag or commit after its @.", model=name)
    return HubRef(repo, options, revision or None)


def _examples() -> str:
    return "text/minilm (el.models() lists those); " + "; ".join(PREFIXES.values())
