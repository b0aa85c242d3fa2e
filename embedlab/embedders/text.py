"""What text embedders share: checks of texts, batches by length, and the count of truncated texts."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.checks import text_problem
from embedlab.errors import Problem

# Far more than any text model here reads; tokenising a whole book to keep its first page takes seconds.
MAX_CHARS = 200_000
_SPECIAL_TOKENS = 2  # [CLS] and [SEP]


class TextEmbedder(CachedEmbedder):
    """Base of the embedders that run a text network in this process.

    Attributes
    ----------
    path : Path
        The folder that the weights and the tokenizer were loaded from.
    network : torch.nn.Module
        The network itself, for opening the box.
    max_tokens : int
        The longest text that the model reads, in tokens, special tokens included.
    """

    batches_per_call = 4
    path: Path
    network: Any
    max_tokens: int
    _prompt = ""  # goes before every text

    @abstractmethod
    def _token_ids(self, texts: list[str]) -> list[list[int]]:
        """Tokenise each text completely, without truncation."""

    def _problem(self, content: Any) -> Problem | None:
        return text_problem(content)

    def _length(self, content: Any) -> float:
        return float(len(content))

    def _truncated(self, contents: list[Any]) -> list[bool]:
        # A token has at least one character, so short texts need no count.
        budget = self.max_tokens - _SPECIAL_TOKENS
        long = [row for row, text in enumerate(contents) if len(self._prompt + text) > budget]
        truncated = [False] * len(contents)
        if long:
            texts = [self._prompt + contents[row][:MAX_CHARS] for row in long]
            for row, token_ids in zip(long, self._token_ids(texts), strict=True):
                truncated[row] = len(token_ids) > self.max_tokens
        return truncated
