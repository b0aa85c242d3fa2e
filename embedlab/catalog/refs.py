"""How a model is named: ``text/minilm`` of the catalogue, or a prefix and what it reaches.

``st:org/name``
    a sentence-transformers repository of the model hub, or a folder, ``st:./folder``;
``hf:org/name``
    any encoder that transformers knows, for text, pictures or sound, in the same two ways;
``openai:model``
    a model behind a server that speaks OpenAI's protocol.

``@`` names a branch, a tag or a commit of a repository: ``st:org/name@v1.0``. Whatever else changes the
vectors is part of the name too, in the form of a web address's query: ``hf:org/name?pooling=cls&layer=-2``.
So a name alone, in a store or a file, is enough to have the same model again. Names come from strangers: what
does not look like one is refused here, before it gets near a path or an address.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit

from embedlab.errors import EmbedlabError

PREFIXES = {
    "st": "st:org/name, a sentence-transformers model of the hub, or a folder, st:./folder",
    "hf": "hf:org/name, an encoder of the hub for text, pictures or sound, or a folder",
    "openai": "openai:model, a model behind a server that speaks OpenAI's protocol",
}
_OPTIONS = {
    "st": ("query_prompt", "document_prompt"),
    "hf": ("pooling", "layer"),
    "openai": ("dimensions", "base_url"),
}
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})?")
_REVISION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/+-]{0,98}[A-Za-z0-9_+-])?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_API_MODEL = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@._:/+-]{0,199}")
_FOLDER = re.compile(r"\.{0,2}[/\\]|~|[A-Za-z]:[/\\]|\.{1,2}$")


class BadName(EmbedlabError, ValueError):
    """What was given cannot name a model; the message says how names look."""


@dataclass(frozen=True)
class Options:
    """What may be chosen of a model that is reached by prefix; None leaves it to the model.

    Attributes
    ----------
    pooling : str or None
        ``hf:`` — how the activations of one item become one vector: ``"mean"``, ``"cls"``, ``"last"`` or, for
        pictures, ``"pooler"``.
    layer : int, str or None
        ``hf:`` — which activations: a number as in ``hidden_states`` (-1 is the last), or a layer's name.
    query_prompt, document_prompt : str or None
        ``st:`` — words put before each query, and before each document.
    dimensions : int or None
        ``openai:`` — how many numbers to ask for, where a model can be asked.
    base_url : str or None
        ``openai:`` — the server, ``"http://127.0.0.1:8080/v1"``.
    """

    pooling: str | None = None
    layer: int | str | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None
    dimensions: int | None = None
    base_url: str | None = None

    def given(self) -> dict[str, int | str]:
        """Those that were chosen."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}


@dataclass(frozen=True)
class ModelName:
    """A name taken apart; ``str()`` puts it together again, always in the same way.

    Attributes
    ----------
    prefix : str
        ``"st"``, ``"hf"``, ``"openai"``, or empty for a name of the catalogue.
    target : str
        What comes after it: a repository, a folder, a model of a server.
    revision : str or None
        What stood after ``@``.
    options : Options
    """

    prefix: str
    target: str
    revision: str | None = None
    options: Options = Options()

    @property
    def is_folder(self) -> bool:
        """Whether a folder of this machine is meant, and not a repository."""
        return self.prefix in ("st", "hf") and bool(_FOLDER.match(self.target))

    def __str__(self) -> str:
        if not self.prefix:
            return self.target
        safe = ":/[]" if self.prefix == "openai" else ""
        chosen = [f"{name}={quote(str(value), safe)}" for name, value in self.options.given().items()]
        at = f"@{self.revision}" if self.revision else ""
        return f"{self.prefix}:{self.target}{at}" + (f"?{'&'.join(chosen)}" if chosen else "")


def has_prefix(name: str) -> bool:
    """Whether a name reaches beyond the catalogue."""
    return name.partition(":")[0] in PREFIXES and ":" in name


def is_commit(revision: str | None) -> bool:
    """Whether this is a whole commit, which never changes, and no branch or tag, which may."""
    return bool(revision and _COMMIT.fullmatch(revision))


def parse(name: str, options: Options | None = None) -> ModelName:
    """Take a name apart and check every part of it.

    Parameters
    ----------
    name : str
    options : Options, optional
        Chosen beside the name; what both choose must be the same.

    Raises
    ------
    BadName
        For a name that is none, and for an option that a prefix does not have.
    """
    options = options or Options()
    if not isinstance(name, str):
        raise BadName(f"A model is named by a text, not by {type(name).__name__}: {_example()}.")
    prefix, colon, rest = name.partition(":")
    if not colon:
        if options.given():
            raise BadName(
                f"{name} comes as it is: {_listed(options.given())} can be chosen only for models with a "
                f"prefix: {_example()}."
            )
        return ModelName("", name)
    if prefix not in PREFIXES:
        raise BadName(f"No prefix {prefix[:40] + ':'!r} in {name[:200]!r}. There are: {_example()}.")
    target, _, query = rest.partition("?")
    target, revision = _split(prefix, target, name)
    merged = _merged(_read(query, name), options, name)
    wrong = [key for key in merged.given() if key not in _OPTIONS[prefix]]
    if wrong:
        raise BadName(f"{prefix}: has no {_listed(wrong)}; it has {_listed(_OPTIONS[prefix])} ({name!r}).")
    return ModelName(prefix, target, revision, _checked(merged, name))


def _split(prefix: str, target: str, name: str) -> tuple[str, str | None]:
    if prefix == "openai":
        if not _API_MODEL.fullmatch(target):
            raise BadName(
                f"{name[:200]!r} does not name a model of a server, as openai:text-embedding-3-small does."
            )
        return target, None
    if _FOLDER.match(target):
        return target, None
    target, at, revision = target.partition("@")
    if not _REPOSITORY.fullmatch(target) or ".." in target or "--" in target:
        raise BadName(
            f"{name[:200]!r} does not name a repository, as {prefix}:org/name does. A folder is written "
            "with its "
            f"path: {prefix}:./folder."
        )
    if at and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise BadName(f"{name[:200]!r} has no branch, tag or commit after its @.")
    return target, revision or None


def _read(query: str, name: str) -> Options:
    """The options in a name."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        raise BadName(
            f"After the ? of {name[:200]!r}, option=value is expected, as in hf:org/name?pooling=cls."
        ) from None
    values: dict[str, int | str] = {}
    for key, value in pairs:
        if key not in Options.__dataclass_fields__ or key in values:
            raise BadName(f"{name[:200]!r} has an option that is unknown or stands there twice: {key!r}.")
        number = key in ("layer", "dimensions") and re.fullmatch(r"-?\d{1,6}", value)
        values[key] = int(value) if number else value
    return Options(**values)  # type: ignore[arg-type]


def _merged(inside: Options, beside: Options, name: str) -> Options:
    both = inside.given()
    for key, value in beside.given().items():
        if both.setdefault(key, value) != value:
            raise BadName(f"{name!r} says {key}={both[key]}, and {key}={value} was passed. Say it once.")
    return Options(**both)  # type: ignore[arg-type]


def _checked(options: Options, name: str) -> Options:
    layer, dimensions = options.layer, options.dimensions
    if isinstance(layer, bool) or not isinstance(layer, int | str | None):
        raise BadName(f"layer is a number or the name of a layer, not {layer!r}.")
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise BadName(f"dimensions must be a whole number of at least 1, not {dimensions!r}.")
    if options.base_url is not None:
        return dataclasses.replace(options, base_url=address(options.base_url))
    return options


def address(url: str) -> str:
    """The address of a server in one spelling, so that one server has one name.

    Raises
    ------
    BadName
        When it is none, or carries a password or a query: those do not belong into a name, which is stored.
    """
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port else ""
    except (ValueError, AttributeError):
        raise BadName("base_url is not the address of a server, as http://127.0.0.1:8080/v1 is.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadName(f"base_url must begin with http:// or https:// and a host, not {url[:60]!r}.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadName(
            "base_url holds a password, a query or a fragment. It is stored with the vectors: leave those "
            "out, and "
            "put a key into an environment variable, key_from='NAME'."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{quote(parts.path.rstrip('/'), '/%')}"


def _listed(names: object) -> str:
    return ", ".join(names)  # type: ignore[arg-type]


def _example() -> str:
    return "text/minilm (el.models() lists those); " + "; ".join(PREFIXES.values())
