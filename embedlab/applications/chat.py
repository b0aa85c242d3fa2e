"""A chat client for any server that speaks OpenAI's chat protocol, built on the official package."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from embedlab.applications.chat_errors import ChatError, ChatErrorCode
from embedlab.errors import Argument, Part, require

OPENAI_URL = "https://api.openai.com/v1"
MAX_TIMEOUT, MAX_RETRIES = 600, 10  # seconds, tries
_MAX_REPLY_CHARS = 300  # of a server's own words in a message


class Chat:
    """A chat model on a server.

    Parameters
    ----------
    model : str
        Its name on the server.
    base_url : str, optional
        Address of the server, for example ``http://localhost:11434/v1``; by default the one in the
        environment variable ``OPENAI_BASE_URL``, otherwise OpenAI's own.
    timeout : float
        Seconds without a byte from the server after which a try is given up; at most 600.
    max_retries : int
        Further tries after a timeout, a lost connection, a rate limit or a server error, from 0 to 10. The
        server may ask for a pause of up to a minute before each.

    Raises
    ------
    MissingExtra
        If ``openai`` is not installed.
    ChatError
        If a parameter is out of range or the address is not valid.

    Notes
    -----
    The key is read from the environment variable ``OPENAI_API_KEY`` for each request and never stored or
    shown. It belongs to the server in ``OPENAI_BASE_URL`` (OpenAI's own by default) and is sent to no other.
    Your questions and the passages found for them are sent to the server.
    """

    def __init__(
        self, model: str, *, base_url: str | None = None, timeout: float = 60.0, max_retries: int = 2
    ) -> None:
        require("openai", "openai")
        if not 0 < timeout <= MAX_TIMEOUT or not 0 <= max_retries <= MAX_RETRIES:
            raise ChatError(
                f"timeout is {timeout:g} s and max_retries is {max_retries}. Pass a timeout above 0 and at "
                f"most {MAX_TIMEOUT} s, and max_retries from 0 to {MAX_RETRIES}.",
                code=ChatErrorCode.BAD_SETTING,
                model=model,
            )
        self.model, self.timeout, self.max_retries = model, float(timeout), int(max_retries)
        self.base_url = base_url or _key_owner()
        address = urlsplit(self.base_url)
        if address.scheme not in ("http", "https") or not address.hostname or "@" in address.netloc:
            raise ChatError(  # the address may contain a password, so it is not repeated
                "base_url is not a valid address. Pass one that begins with http:// or https:// and contains "
                "no password.",
                code=ChatErrorCode.BAD_SETTING,
                model=model,
            )

    def complete(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return the server's answer to a list of messages.

        Parameters
        ----------
        messages : sequence of dict
            Each with ``role`` (``"system"`` or ``"user"``) and ``content``.

        Raises
        ------
        ChatError
            If the server refuses the key, cannot be reached, does not know the model, limits the rate, fails,
            or answers without text.
        """
        openai: Any = require("openai", "openai")
        owns_key = _is_same_server(self.base_url, _key_owner())
        key = (os.environ.get("OPENAI_API_KEY") or "") if owns_key else ""
        if not key and _is_same_server(self.base_url, OPENAI_URL):
            raise self._error(
                ChatErrorCode.NO_KEY,
                "There is no key. Set the environment variable OPENAI_API_KEY, or pass ",
                Argument("base_url"),
                " for another server.",
            )
        with openai.OpenAI(
            api_key=key or "none",
            base_url=self.base_url,
            timeout=self.timeout,
            max_retries=self.max_retries,
        ) as client:
            try:
                response = client.chat.completions.create(model=self.model, messages=list(messages))
                text = response.choices[0].message.content
            except openai.OpenAIError as error:
                # The cause holds the request with its headers, and so the key.
                raise self._translate(openai, error, key) from None
            except (ValueError, AttributeError, IndexError, TypeError, KeyError):
                raise self._error(
                    ChatErrorCode.BAD_RESPONSE, f"{self.base_url} does not speak OpenAI's chat protocol."
                ) from None
        if not isinstance(text, str) or not text.strip():
            raise self._error(
                ChatErrorCode.NO_TEXT, f"{self.model} at {self.base_url} answered without a text."
            )
        return text.strip()

    def _translate(self, openai: ModuleType, error: Exception, key: str) -> ChatError:
        """Turn an exception of the client into an error with a code."""
        status = getattr(error, "status_code", None)
        code = _code_of(openai, error, has_key=bool(key))
        if code is ChatErrorCode.SERVER_FAULT:
            reply = str(getattr(error, "message", ""))
            reply = (reply.replace(key, "…") if key else reply)[:_MAX_REPLY_CHARS]
            return self._error(code, f"{self.base_url} failed with status {status}: {reply}", status=status)
        if code is ChatErrorCode.BAD_RESPONSE:
            name = type(error).__name__
            return self._error(code, f"{self.base_url} gave an answer that cannot be read ({name}).")
        return self._error(code, *self._advice(code), status=status)

    def _advice(self, code: ChatErrorCode) -> tuple[Part, ...]:
        """Compose the message of a code that needs no words of the server."""
        server = self.base_url
        texts: dict[ChatErrorCode, tuple[Part, ...]] = {
            ChatErrorCode.TIMEOUT: (
                f"{server} did not answer within {self.timeout:g} s. Pass a larger ",
                Argument("timeout"),
                ", or ask for less.",
            ),
            ChatErrorCode.NO_SERVER: (
                f"No server answers at {server}. Is it running, and is the address right?",
            ),
            ChatErrorCode.KEY_REFUSED: (f"{server} does not accept the key in OPENAI_API_KEY.",),
            ChatErrorCode.NO_KEY: (
                f"{server} asks for a key. Set OPENAI_API_KEY, and OPENAI_BASE_URL to this address: a key is "
                "sent only to the server it belongs to.",
            ),
            ChatErrorCode.UNKNOWN_MODEL: (
                f"{server} has no model {self.model!r}, or is not a chat server (its address ends in /v1).",
            ),
            ChatErrorCode.RATE_LIMIT: (
                f"{server} reports too many requests, or no credit is left. Wait, or check the account.",
            ),
        }
        return texts[code]

    def _error(self, code: ChatErrorCode, *parts: Part, status: int | None = None) -> ChatError:
        return ChatError(*parts, code=code, model=self.model, status=status)

    def __repr__(self) -> str:
        return f"Chat({self.model!r} at {self.base_url})"


def _code_of(openai: ModuleType, error: Exception, *, has_key: bool) -> ChatErrorCode:
    """Map an exception of the client to a code."""
    if isinstance(error, openai.APITimeoutError):  # a subclass of APIConnectionError
        return ChatErrorCode.TIMEOUT
    if isinstance(error, openai.APIConnectionError):
        return ChatErrorCode.NO_SERVER
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return ChatErrorCode.KEY_REFUSED if has_key else ChatErrorCode.NO_KEY
    if isinstance(error, openai.NotFoundError):
        return ChatErrorCode.UNKNOWN_MODEL
    if isinstance(error, openai.RateLimitError):
        return ChatErrorCode.RATE_LIMIT
    if isinstance(error, openai.APIStatusError):
        return ChatErrorCode.SERVER_FAULT
    return ChatErrorCode.BAD_RESPONSE


def _key_owner() -> str:
    """Return the address of the server that the key in the environment belongs to."""
    return os.environ.get("OPENAI_BASE_URL") or OPENAI_URL


def _is_same_server(url: str, other_url: str) -> bool:
    return _origin(url) == _origin(other_url)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port, with the default port filled in."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
