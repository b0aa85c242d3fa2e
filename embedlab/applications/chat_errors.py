"""Errors of the chat client: codes to decide on, and messages that say what to do."""

from __future__ import annotations

from enum import StrEnum

from embedlab.errors import EmbedlabError, Part


class ChatErrorCode(StrEnum):
    """Why a chat server gave no answer."""

    BAD_SETTING = "bad_setting"  # timeout, max_retries or base_url is out of range
    NO_KEY = "no_key"  # the server needs one, and none belongs to it
    KEY_REFUSED = "key_refused"
    TIMEOUT = "timeout"
    NO_SERVER = "no_server"
    UNKNOWN_MODEL = "unknown_model"  # or the address is not that of a chat server
    RATE_LIMIT = "rate_limit"  # too many requests, or no credit left
    SERVER_FAULT = "server_fault"  # any other status
    BAD_RESPONSE = "bad_response"  # not OpenAI's chat protocol
    NO_TEXT = "no_text"  # the protocol is right, the answer is empty


class ChatError(EmbedlabError):
    """A chat server gave no answer.

    Attributes
    ----------
    code : ChatErrorCode
        Why; the message says what to do.
    status : int or None
        The HTTP status, if the server sent one.
    """

    def __init__(
        self, *parts: Part, code: ChatErrorCode, model: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(*parts, model=model, status=status)
        self.code = code
