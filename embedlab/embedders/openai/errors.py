"""Errors of a server that speaks OpenAI's embeddings protocol."""

from __future__ import annotations

from enum import StrEnum

from embedlab.errors import EmbedlabError, Part


class ServerErrorCode(StrEnum):
    """Why a server gave no vectors."""

    KEY_MISSING = "key_missing"  # the server needs one, and none was found or sent
    KEY_REFUSED = "key_refused"
    KEY_MALFORMED = "key_malformed"  # not a name of a variable, or a character that no key has
    NO_MODEL = "no_model"  # or the address is not that of an embeddings server
    QUOTA = "quota"  # the account has no credit left
    TOO_LONG = "too_long"  # a text has more tokens than the model reads
    TOO_MANY = "too_many"  # more texts than one request may have
    REFUSED = "refused"  # any other request that the server does not accept
    BUSY = "busy"  # too many requests, or broken for the moment
    GONE = "gone"  # no response
    BAD_ANSWER = "bad_answer"  # a response without usable vectors
    OFFLINE = "offline"  # EMBEDLAB_OFFLINE is set
    OVER_LIMIT = "over_limit"  # one call would send more tokens than token_limit


class ServerError(EmbedlabError):
    """A server gave no vectors.

    Attributes
    ----------
    code : ServerErrorCode
        Why; the message says what to do.
    status : int or None
        The HTTP status, if the server sent one.
    detail : str
        The server's own words, in one line and without the key; empty if it sent none.
    model : str or None
        What the server calls the model.
    """

    def __init__(
        self,
        *parts: Part,
        code: ServerErrorCode,
        model: str | None = None,
        status: int | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(*parts, model=model, status=status)
        self.code = code
        self.detail = detail
