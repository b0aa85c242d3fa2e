"""One model at one address, and the environment variable with the key for it."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
_LOOKS_LIKE_A_KEY = re.compile(r"\b(?:sk|pk|key|token)[-_][\w*.-]{4,}|Bearer\s+\S+", re.IGNORECASE)
_MAX_CHARS = 200  # of a server's words in a message


@dataclass(frozen=True)
class Endpoint:
    """Where a model is.

    Attributes
    ----------
    model : str
        What the server calls the model.
    base_url : str
    key_from : str or None
        The environment variable with the key; None sends no key.
    """

    model: str
    base_url: str
    key_from: str | None

    def __str__(self) -> str:
        return f"The server {self.base_url} ({self.model})"

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(self.base_url)

    def read_key(self) -> str | None:
        """Return the key that is in the environment now, or None."""
        return (os.environ.get(self.key_from) or "").strip() or None if self.key_from else None

    def redact(self, text: str) -> str:
        """Shorten a server's words to one line, without the key or anything that looks like one."""
        key = self.read_key()
        if key:
            text = text.replace(key, "…")
        text = _LOOKS_LIKE_A_KEY.sub("…", " ".join(text.split()))
        return "".join(char for char in text if char.isprintable())[:_MAX_CHARS].rstrip(".")


def is_loopback(url: str) -> bool:
    """Return whether a server is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
