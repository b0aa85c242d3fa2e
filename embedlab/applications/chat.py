"""A language model behind any server that speaks OpenAI's chat protocol, through the official client."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from embedlab.errors import EmbedlabError, require

OPENAI = "https://api.openai.com/v1"


class ChatError(EmbedlabError):
    """The chat server gave no answer; the message says why, and what to do."""


class Chat:
    """A chat model.

    Parameters
    ----------
    model : str
        The name that the server knows it by.
    base_url : str, optional
        Address of the server, for example ``http://localhost:11434/v1``; by default that in the environment
        variable ``OPENAI_BASE_URL``, or else OpenAI's own.
    timeout : float
        Seconds that a try may take without a byte from the server.
    max_retries : int
        Further tries after a timeout, a lost connection, a rate limit, or a fault of the server. The server
        may ask for a pause of up to a minute before each.

    Raises
    ------
    MissingExtra
        When ``openai`` is not installed.
    ChatError
        When the address is not one.

    Notes
    -----
    The key is that in the environment variable ``OPENAI_API_KEY``. It is read when a question is asked, never
    kept nor shown, and belongs to the server in ``OPENAI_BASE_URL`` (OpenAI's own where that is not set): it
    is sent to no other. What you ask, and the passages found, do go to the server.
    """

    def __init__(
        self, model: str, *, base_url: str | None = None, timeout: float = 60.0, max_retries: int = 2
    ) -> None:
        require("openai", "openai")
        if not 0 < timeout <= 600 or not 0 <= max_retries <= 10:
            raise ChatError("timeout must be above 0 and at most 600 s, max_retries from 0 to 10.")
        self.model, self.timeout, self.max_retries = model, float(timeout), int(max_retries)
        self.base_url = base_url or _home()
        address = urlsplit(self.base_url)
        if address.scheme not in ("http", "https") or not address.hostname or "@" in address.netloc:
            raise ChatError("base_url is an http(s):// address without a password in it; the key is not.")

    def complete(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The server's answer to some messages.

        Parameters
        ----------
        messages : sequence of dict
            Each with ``role`` (``"system"`` or ``"user"``) and ``content``.

        Raises
        ------
        ChatError
            For a wrong key, no server, an unknown model, a rate limit, a fault, or an answer without text.
        """
        openai: Any = require("openai", "openai")
        ours = _same(self.base_url, _home())
        key = (os.environ.get("OPENAI_API_KEY") or "") if ours else ""
        if not key and _same(self.base_url, OPENAI):
            raise ChatError("No key: set the environment variable OPENAI_API_KEY, or base_url= to a server.")
        with openai.OpenAI(
            api_key=key or "none",
            base_url=self.base_url,
            timeout=self.timeout,
            max_retries=self.max_retries,
        ) as client:
            try:
                told = client.chat.completions.create(model=self.model, messages=list(messages))
                text = told.choices[0].message.content
            except openai.OpenAIError as error:
                raise ChatError(self._why(openai, error, ours and bool(key), key)) from None
            except (ValueError, AttributeError, IndexError, TypeError, KeyError):
                raise ChatError(f"{self.base_url} does not speak OpenAI's chat protocol.") from None
        if not isinstance(text, str) or not text.strip():
            raise ChatError(f"{self.model} at {self.base_url} answered without a text.")
        return text.strip()

    def _why(self, openai: Any, error: Exception, had_key: bool, key: str) -> str:
        where = self.base_url
        if isinstance(error, openai.APITimeoutError):
            return f"{where} did not answer within {self.timeout:g} s. Raise timeout=, or ask it less."
        if isinstance(error, openai.APIConnectionError):
            return f"No server answers at {where}. Is it running, and is the address right?"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            if had_key:
                return f"{where} does not accept the key in OPENAI_API_KEY."
            return (
                f"{where} asks for a key. Set OPENAI_API_KEY, and OPENAI_BASE_URL to this address: a key is "
                "sent only to the server that it belongs to."
            )
        if isinstance(error, openai.NotFoundError):
            return f"{where} has no model {self.model!r}, or is no chat server (its address ends in /v1)."
        if isinstance(error, openai.RateLimitError):
            return f"{where} says: too many requests, or the credit is used up. Wait, or look at the account."
        if isinstance(error, openai.APIStatusError):
            said = str(error.message).replace(key, "…") if key else str(error.message)
            return f"{where} failed with status {error.status_code}: {said[:300]}"
        return f"{where} gave an answer that cannot be read ({type(error).__name__})."

    def __repr__(self) -> str:
        return f"Chat({self.model!r} at {self.base_url})"


def _home() -> str:
    """The server that the key in the environment belongs to."""
    return os.environ.get("OPENAI_BASE_URL") or OPENAI


def _same(one: str, other: str) -> bool:
    a, b = urlsplit(one), urlsplit(other)
    ports = {"http": 80, "https": 443}
    return (a.scheme, a.hostname, a.port or ports.get(a.scheme)) == (
        b.scheme,
        b.hostname,
        b.port or ports.get(b.scheme),
    )
