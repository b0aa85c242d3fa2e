"""Load models behind a server: ``openai:text-embedding-3-small``, or any server that speaks that protocol.

A server is trusted once somebody in this process has named it; a file with vectors cannot decide where texts
are sent. ``OPENAI_API_KEY`` goes to OpenAI or the server in ``OPENAI_BASE_URL``, and to no other.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
from functools import lru_cache

from embedlab import settings
from embedlab.catalog.ref_options import BadName, normalise_url
from embedlab.catalog.refs import ServerRef
from embedlab.embedders.openai.client import EmbeddingsClient
from embedlab.embedders.openai.embedder import ServerEmbedder
from embedlab.embedders.openai.endpoint import OPENAI_KEY, OPENAI_URL, Endpoint, is_loopback
from embedlab.embedders.openai.errors import ServerError, ServerErrorCode
from embedlab.embedders.openai.known_models import OPENAI_MODELS
from embedlab.errors import Argument, UntrustedServer, require

TOKEN_LIMIT = 2_000_000  # of one call, unless the server is on this machine

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")

_trusted: set[str] = set()  # servers that were named in this process
_keys: dict[str, str] = {}  # server → the variable that was named for it


def load(ref: ServerRef, key_from: str | None = None, token_limit: int | None = None) -> ServerEmbedder:
    """Make an embedder for a server's model; see :func:`embedlab.load_model`.

    A model that is not one of OpenAI's is asked once how long its vectors are.

    Raises
    ------
    BadName
        For a token limit or a number of dimensions that is not possible.
    ServerError
        When ``key_from`` does not name an environment variable that is set, or the server gives no answer.
    MissingExtra
        When the client is not installed.
    """
    require("openai", "openai")
    if token_limit is not None and (type(token_limit) is not int or token_limit < 1):
        raise BadName(f"token_limit must be a whole number of at least 1, not {token_limit!r}.")
    url, ref = _resolve(ref)
    _trusted.add(url)
    if key_from is not None:
        _check_variable(key_from)
        _keys[url] = key_from
    # The server in OPENAI_BASE_URL may need no key; OpenAI itself always does.
    has_default = url == OPENAI_URL or (url == _default_url() and os.environ.get(OPENAI_KEY))
    return _build(ref, url, _keys.get(url, OPENAI_KEY if has_default else None), token_limit)


def usable(ref: ServerRef) -> bool:
    """Return whether a model could be asked: there are a client and a key, or another server."""
    if importlib.util.find_spec("openai") is None:
        return False
    url, _ = _resolve(ref)
    if settings.offline() and not is_loopback(url):
        return False
    return url != OPENAI_URL or bool(os.environ.get(_keys.get(url, OPENAI_KEY)))


def check_trusted(ref: ServerRef) -> None:
    """Refuse a server that only a file or a store names.

    Raises
    ------
    UntrustedServer
        With the call that names it.
    """
    url, _ = _resolve(ref)
    if not (url in (OPENAI_URL, _default_url()) or url in _trusted or is_loopback(url)):
        raise UntrustedServer(
            f"These vectors were made by the server {url}, which you have not named in this session. If your "
            f"texts may go there, name it once: el.load_model({str(ref)!r}).",
            url=url,
            model=str(ref),
        )


def _check_variable(name: str) -> None:
    """Refuse a name that is not a variable which is set; it is repeated only if it cannot be a key."""
    if os.environ.get(name):
        return
    if not _VARIABLE.fullmatch(name):
        raise ServerError(
            Argument("key_from"),
            " must be the name of an environment variable, in capital letters (OPENAI_API_KEY). What was "
            "passed is not repeated, as it may be a key. Put the key into a variable, and pass its name.",
            code=ServerErrorCode.KEY_MALFORMED,
        )
    raise ServerError(
        f"The environment variable {name!r} is not set. Put the key into it, or name another one with ",
        Argument("key_from"),
        ".",
        code=ServerErrorCode.KEY_MISSING,
    )


@lru_cache(maxsize=16)
def _build(ref: ServerRef, url: str, key_from: str | None, token_limit: int | None) -> ServerEmbedder:
    known = OPENAI_MODELS.get(ref.model) if url == OPENAI_URL else None
    dimensions = ref.options.dimensions
    if known and dimensions and (not known.shortens or dimensions > known.dim):
        possible = f"from 1 to {known.dim}" if known.shortens else f"always {known.dim}"
        raise BadName(
            f"{ref.model} gives {possible} numbers, not {dimensions}. Change ",
            Argument("dimensions"),
            ", or leave it out.",
            model=str(ref),
        )
    if token_limit is None and not is_loopback(url):
        token_limit = TOKEN_LIMIT
    client = EmbeddingsClient(Endpoint(ref.model, url, key_from), dimensions)
    return ServerEmbedder(ref, client, known, token_limit)


def _default_url() -> str:
    """Return the server in ``OPENAI_BASE_URL``, or OpenAI's own."""
    return normalise_url(os.environ.get("OPENAI_BASE_URL") or OPENAI_URL)


def _resolve(ref: ServerRef) -> tuple[str, ServerRef]:
    """Return the server's address, and the name that contains it unless it is OpenAI's own."""
    url = ref.options.base_url or _default_url()
    options = dataclasses.replace(ref.options, base_url=None if url == OPENAI_URL else url)
    return url, dataclasses.replace(ref, options=options)
