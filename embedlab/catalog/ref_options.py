"""Options of model names, and how they are written, merged and checked.

Options come from two places: the query of a name (``hf:org/name?pooling=cls``) and the arguments of
:func:`embedlab.load_model`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from embedlab.errors import Argument, EmbedlabError

OptionValue = int | str
_NUMBERS = ("layer", "dimensions")


class BadName(EmbedlabError, ValueError):
    """The name, or an option given with it, cannot name a model; the message shows valid names."""


@dataclass(frozen=True)
class RefOptions:
    """Options of one kind of reference; None leaves the choice to the model."""

    prefix: ClassVar[str]

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all options."""
        return tuple(option.name for option in dataclasses.fields(cls))

    def given(self) -> dict[str, OptionValue]:
        """Return the options that were chosen, by name."""
        return {name: value for name in self.names() if (value := getattr(self, name)) is not None}

    def query(self, safe: str = "") -> str:
        """Write the chosen options as the query of a name, empty without any; ``safe`` stays unquoted."""
        pairs = "&".join(f"{name}={quote(str(value), safe)}" for name, value in self.given().items())
        return f"?{pairs}" if pairs else ""


@dataclass(frozen=True)
class SentenceTransformerOptions(RefOptions):
    """Options of ``st:``.

    Attributes
    ----------
    query_prompt, document_prompt : str or None
        Text put before each query, and before each document.
    """

    prefix: ClassVar[str] = "st"
    query_prompt: str | None = None
    document_prompt: str | None = None


@dataclass(frozen=True)
class EncoderOptions(RefOptions):
    """Options of ``hf:``.

    Attributes
    ----------
    pooling : str or None
        How the activations of one item become one vector: ``"mean"``, ``"cls"``, ``"last"`` or, for images,
        ``"pooler"``.
    layer : int, str or None
        Which activations: an index into ``hidden_states`` (-1 is the last), or the name of a layer.
    """

    prefix: ClassVar[str] = "hf"
    pooling: str | None = None
    layer: int | str | None = None


@dataclass(frozen=True)
class ServerOptions(RefOptions):
    """Options of ``openai:``.

    Attributes
    ----------
    dimensions : int or None
        Length of the vectors to ask for, if the model offers a choice.
    base_url : str or None
        The server, ``"http://127.0.0.1:8080/v1"``.
    """

    prefix: ClassVar[str] = "openai"
    dimensions: int | None = None
    base_url: str | None = None


_KINDS: tuple[type[RefOptions], ...] = (SentenceTransformerOptions, EncoderOptions, ServerOptions)
_ALL_NAMES = tuple(name for kind in _KINDS for name in kind.names())


def _parse_query(query: str, name: str) -> dict[str, OptionValue]:
    """Return the options written in a name, by option."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        raise BadName(
            f"{name[:200]!r} has no option=value after its ?. Write it like hf:org/name?pooling=cls.",
            model=name,
        ) from None
    values: dict[str, OptionValue] = {}
    for option, value in pairs:
        if option not in _ALL_NAMES or option in values:
            problem = "twice" if option in values else "which is unknown"
            raise BadName(f"{name[:200]!r} has the option {option!r}, {problem}.", model=name)
        is_number = option in _NUMBERS and re.fullmatch(r"-?\d{1,6}", value)
        values[option] = int(value) if is_number else value
    return values


OptionsT = TypeVar("OptionsT", bound=RefOptions)


def merge_options(kind: type[OptionsT], name: str, beside: Mapping[str, OptionValue], query: str) -> OptionsT:
    """Merge the options of a name's query with those given beside it.

    Raises
    ------
    BadName
        If both places disagree, or this kind of model does not have the option or the value.
    """
    merged = _parse_query(query, name)
    for option, value in beside.items():
        if merged.setdefault(option, value) != value:
            raise BadName(
                f"{name!r} says {option}={merged[option]}, but ", Argument(option, value), " was passed. ",
                "Give the option only once.",
                model=name,
            )  # fmt: skip
    unsupported = [option for option in merged if option not in kind.names()]
    if unsupported:
        raise BadName(
            f"{kind.prefix}: has no option {', '.join(unsupported)} ({name!r}). "
            f"It has {', '.join(kind.names())}.",
            model=name,
        )
    _check_values(merged, name)
    if "base_url" in merged:
        merged["base_url"] = normalise_url(str(merged["base_url"]))
    return kind(**merged)


def _check_values(options: Mapping[str, object], name: str) -> None:
    layer, dimensions = options.get("layer"), options.get("dimensions")
    if isinstance(layer, bool) or not isinstance(layer, int | str | None):
        raise BadName(f"layer must be a number or the name of a layer, not {layer!r}.", model=name)
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise BadName(f"dimensions must be a whole number of at least 1, not {dimensions!r}.", model=name)


def normalise_url(url: str) -> str:
    """Return the address of a server in one spelling, so that one server has one name.

    Raises
    ------
    BadName
        If it is not an address of a server, or contains a password or a query. Those must not become part of
        a name, which is stored with the vectors.
    """
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port else ""
    except (ValueError, AttributeError):
        raise BadName("base_url is not a valid address. Write it like http://127.0.0.1:8080/v1.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadName(f"base_url must begin with http:// or https:// and a host, not {url[:60]!r}.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadName(
            "base_url contains a password, a query or a fragment, and it is stored with the vectors. Leave "
            "it out. Put a key into an environment variable and pass ",
            Argument("key_from", "NAME"),
            ".",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{quote(parts.path.rstrip('/'), '/%')}"
