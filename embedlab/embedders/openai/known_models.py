"""Models behind OpenAI's server: what is known of them before anything is asked, and paid for."""

from __future__ import annotations

from dataclasses import dataclass

LOOKED_UP = "November 2026"
MAX_TOKENS = 8192


@dataclass(frozen=True)
class Known:
    """Numbers per vector, US dollars for a million tokens, and whether the model can give fewer numbers."""

    dim: int
    price: float
    shortens: bool


# developers.openai.com/api/docs/models; prices change: the estimates say when they were looked up.
KNOWN = {
    "text-embedding-3-small": Known(1536, 0.02, shortens=True),
    "text-embedding-3-large": Known(3072, 0.13, shortens=True),
    "text-embedding-ada-002": Known(1536, 0.10, shortens=False),
}
