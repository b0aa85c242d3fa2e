"""Read a server's responses: vectors, or an error with a code."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import numpy as np

from embedlab.embedders.openai.endpoint import Endpoint
from embedlab.embedders.openai.errors import ServerError, ServerErrorCode
from embedlab.errors import Argument, Part

_TOO_LONG = re.compile(
    r"context.{0,20}length|maximum context|too (?:long|many tokens)|physical batch size|larger than the max|"
    r"(?:max\w*|exceeds?) .{0,40}tokens",
    re.IGNORECASE,
)
_TOO_MANY = re.compile(r"batch|too many inputs|array (?:must|is)|at most \d+ (?:inputs|items)", re.IGNORECASE)
# llama.cpp: the tokens of one text do not fit into the "physical batch".
_ONE_TEXT = re.compile(r"physical", re.IGNORECASE)
_ADDRESS_ADVICE = "base_url usually ends in /v1."


@dataclass(frozen=True)
class Answer:
    """The vectors of one request.

    Attributes
    ----------
    vectors : ndarray, shape (n_texts, dim), float32
        In the order of the texts.
    tokens : int
        As the server counted them; 0 if it does not say.
    """

    vectors: np.ndarray
    tokens: int


@dataclass(frozen=True)
class Failure:
    """A request without an answer: the error, and how long the server asks to wait (seconds).

    Failures are returned, not raised: the traceback of an exception would lead to the request and its key.
    """

    error: ServerError
    wait: float | None = None


def read_answer(endpoint: Endpoint, response: Any, n_texts: int) -> Answer | Failure:
    """Read the vectors of a response, and check that there is one for each text."""
    rows = list(response.data)
    if len(rows) != n_texts:
        return bad_answer(endpoint, f"returned {len(rows)} vectors for {n_texts} texts, in an unknown order")
    indices = [row.index for row in rows]
    if sorted(indices) != list(range(n_texts)):
        return bad_answer(endpoint, f"numbered its {n_texts} vectors {indices[:5]}…, an unknown order")
    lengths = {len(row.embedding) for row in rows}
    if len(lengths) != 1 or lengths == {0}:
        return bad_answer(endpoint, f"returned vectors of different lengths ({sorted(lengths)[:5]})")
    vectors = np.empty((n_texts, lengths.pop()), np.float32)
    for row in rows:
        vectors[row.index] = row.embedding
    usage = getattr(response, "usage", None)
    return Answer(vectors, int(getattr(usage, "total_tokens", 0) or 0))


def bad_answer(endpoint: Endpoint, reason: str) -> Failure:
    """Make the failure for a response that does not contain the vectors."""
    advice = f"Check that it is an embeddings server; {_ADDRESS_ADVICE}"
    error = ServerError(
        f"{endpoint} {reason}. {advice}", code=ServerErrorCode.BAD_ANSWER, model=endpoint.model
    )
    return Failure(error)


def no_response(endpoint: Endpoint, reason: str) -> Failure:
    """Make the failure for a server that does not respond."""
    advice = (
        "Check that it is running, and its address."
        if endpoint.is_local
        else "Check the address, the connection and the proxy."
    )
    error = ServerError(
        f"{endpoint} {reason}. {advice} Vectors received so far are cached.",
        code=ServerErrorCode.GONE,
        model=endpoint.model,
    )
    return Failure(error)


def read_status(
    endpoint: Endpoint, status: int, headers: Mapping[str, str], body: object, message: str
) -> Failure:
    """Read a response with an error status.

    Parameters
    ----------
    endpoint : Endpoint
    status : int
        The HTTP status, 400 or more.
    headers : mapping of str to str
    body : object
        The error object of the response, if it is JSON.
    message : str
        The client's own message, used when the body has none.
    """
    details = body if isinstance(body, dict) else {}
    kind = str(details.get("code") or details.get("type") or "")
    detail = endpoint.redact(str(details.get("message") or message))
    code = read_code(status, kind, detail, sent_key=endpoint.key_from is not None)
    wait = _read_wait(headers) if code is ServerErrorCode.BUSY else None
    reason = _describe(endpoint, code, f"HTTP {status}: {detail}", wait)
    error = ServerError(
        f"{endpoint} ", *reason, code=code, model=endpoint.model, status=status, detail=detail
    )
    return Failure(error, wait)


def read_code(status: int, kind: str, message: str, *, sent_key: bool) -> ServerErrorCode:
    """Translate an error status and the server's words to a code.

    Servers that speak this protocol agree on the status, but not on the error codes in the body, so a text
    that is too long and a request with too many texts differ only in the words. They are read here and
    nowhere else.
    """
    if status in (401, 403):
        return ServerErrorCode.KEY_REFUSED if sent_key else ServerErrorCode.KEY_MISSING
    if status == 404:
        return ServerErrorCode.NO_MODEL
    if status == 429 and "quota" in kind + message.lower():
        return ServerErrorCode.QUOTA
    if status == 413:
        return ServerErrorCode.TOO_MANY
    if status in (400, 422):
        if _TOO_MANY.search(message) and not _ONE_TEXT.search(message):
            return ServerErrorCode.TOO_MANY
        if _TOO_LONG.search(kind + message) or _TOO_MANY.search(message):
            return ServerErrorCode.TOO_LONG
    return ServerErrorCode.BUSY if status in (408, 409, 429) or status >= 500 else ServerErrorCode.REFUSED


def _describe(
    endpoint: Endpoint, code: ServerErrorCode, response: str, wait: float | None
) -> tuple[Part, ...]:
    """Say what is wrong and what to do, for an error status."""
    match code:
        case ServerErrorCode.KEY_REFUSED:
            return (
                f"did not accept the key in {endpoint.key_from} ({response}). "
                "Check the key in that environment variable.",
            )
        case ServerErrorCode.KEY_MISSING:
            return (
                f"asks for a key, and none was sent ({response}). Put the key into an "
                "environment variable and pass its name: ",
                Argument("key_from", "NAME"),
                ".",
            )
        case ServerErrorCode.NO_MODEL:
            return (
                f"has no model {endpoint.model!r}, or no embeddings at this address ({response}). "
                f"Check the name; {_ADDRESS_ADVICE}",
            )
        case ServerErrorCode.QUOTA:
            return (f"says that the account has no quota left ({response}). Add credit, or wait.",)
        case ServerErrorCode.BUSY:
            asks = f" It asks to wait {wait:.0f} s." if wait and wait >= 1 else ""
            return (
                f"is busy or broken ({response}).{asks} Try again later: vectors received so far are cached.",
            )
        case ServerErrorCode.TOO_LONG:
            return (f"finds a text too long ({response}). Shorten it, or split it with el.chunk.",)
        case _:
            return (f"does not accept the request ({response}).",)


def _read_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait: given in milliseconds, in seconds or as a date."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            try:
                seconds = parsedate_to_datetime(value).timestamp() - time()
            except ValueError:
                continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None
