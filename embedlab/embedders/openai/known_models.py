"""What is known about OpenAI's models before anything is asked and paid for."""

from __future__ import annotations

from dataclasses import dataclass

PRICES_FROM = "November 2026"
MAX_TOKENS = 8192


@dataclass(frozen=True)
class OpenAIModel:
    """A model behind OpenAI's own server.

    Attributes
    ----------
    dim : int
        Length of a vector.
    price : float
        US dollars for a million tokens.
    shortens : bool
        Whether the model can give shorter vectors.
    """

    dim: int
    price: float
    shortens: bool


# developers.openai.com/api/docs/models; prices change, so estimates say when they were looked up.
OPENAI_MODELS = {
    "text-embedding-3-small": OpenAIModel(1536, 0.02, shortens=True),
    "text-embedding-3-large": OpenAIModel(3072, 0.13, shortens=True),
    "text-embedding-ada-002": OpenAIModel(1536, 0.10, shortens=False),
}
