"""How many tokens texts have at most, and what a server asks for them.

Tokens cannot be counted without OpenAI's vocabulary, which would be a download. A text has at most as many
tokens as it has bytes in UTF-8; English text has about a quarter of that.
"""

from __future__ import annotations

from collections.abc import Iterable

from embedlab.embedders.openai.known_models import PRICES_FROM, OpenAIModel

_SPECIAL_TOKENS = 2
_BYTES_PER_TOKEN = 4  # in English
_SMALL_SUM = 0.001  # USD


def max_tokens_of(text: str) -> int:
    """Return an upper bound of a text's tokens: one per byte, and two special tokens."""
    return len(text.encode("utf-8")) + _SPECIAL_TOKENS


def max_tokens_of_all(texts: Iterable[str]) -> int:
    """Return an upper bound of the tokens of all texts together."""
    return sum(map(max_tokens_of, texts))


def describe_cost(model: str, texts: list[str], known: OpenAIModel | None) -> str:
    """Say how many tokens texts have and, if the price is known, what they cost."""
    most = max_tokens_of_all(texts)
    usual = most / _BYTES_PER_TOKEN
    return (
        f"{len(texts):,} texts for {model} are about {_format_tokens(usual)} tokens if they are English, and "
        f"never more than {_format_tokens(most)}{_format_price(usual, most, known)}."
    )


def _format_price(usual: float, most: float, known: OpenAIModel | None) -> str:
    if known is None:
        return ""
    cost, highest = (tokens / 1e6 * known.price for tokens in (usual, most))
    amount = f"about {cost:.2g} USD, at most {highest:.2g} USD"
    if highest < _SMALL_SUM:
        amount = f"less than {_SMALL_SUM} USD"
    return f": {amount}, at {known.price} USD for a million ({PRICES_FROM}; check your provider)"


def _format_tokens(tokens: float) -> str:
    return f"{tokens / 1e6:.1f} million" if tokens >= 1e5 else f"{tokens:,.0f}"
