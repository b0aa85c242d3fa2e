"""Text models that sentence-transformers runs: MiniLM, MPNet."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from embedlab.catalog.cards import ModelCard
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.checks import text_problem
from embedlab.embedders.quiet import quiet_loading
from embedlab.errors import Problem
from embedlab.weights import LocalWeights

# Far more than any text model here reads; tokenising a whole book to keep its first page takes seconds.
_LONGEST_READ = 200_000


class TextEmbedder(CachedEmbedder):
    """A sentence-transformers model behind the :class:`~embedlab.embedders.base.Embedder` protocol.

    Attributes
    ----------
    path : Path
        The folder the weights and the tokenizer were loaded from.
    network : SentenceTransformer
        The torch module itself, for opening the box.
    """

    batches_per_call = 4
    path: Path
    network: Any
    max_tokens: int
    _prompt = ""  # put before every text

    def __init__(self, card: ModelCard, found: LocalWeights) -> None:
        self.card = dataclasses.replace(card, source=found.source, sha256=found.sha256)
        self.path = found.path
        self.network = read_network(found.path)
        self.dim = card.dim
        self.max_tokens = int(self.network.max_seq_length or card.max_tokens or 512)

    def _compute(self, contents: list[Any], batch_size: int) -> np.ndarray:
        texts = [text[:_LONGEST_READ] for text in contents]
        with torch.inference_mode():
            vectors = self.network.encode(
                texts,
                batch_size=batch_size,
                show_progress_bar=False,
                normalize_embeddings=self.card.normalized,
                prompt=self._prompt,
            )
        return np.asarray(vectors, np.float32)

    def _problem(self, content: Any) -> Problem | None:
        return text_problem(content)

    def _length(self, content: Any) -> float:
        return float(len(content))

    def _truncated(self, contents: list[Any]) -> list[bool]:
        # A token has at least one character and two places go to [CLS] and [SEP]: short texts need no count.
        long = [i for i, text in enumerate(contents) if len(self._prompt + text) > self.max_tokens - 2]
        cut = [False] * len(contents)
        if long:
            texts = [self._prompt + contents[i][:_LONGEST_READ] for i in long]
            for i, ids in zip(long, self._token_ids(texts), strict=True):
                cut[i] = len(ids) > self.max_tokens
        return cut

    def _token_ids(self, texts: list[str]) -> list[list[int]]:
        """The tokens of each text, none cut off."""
        found = self.network.tokenizer(texts, truncation=False, padding=False, verbose=False)
        return list(found["input_ids"])


def read_network(folder: Path, safetensors: bool = True) -> Any:
    """A sentence-transformers model from a folder; what is not safetensors is read as weights only."""
    with quiet_loading():
        return SentenceTransformer(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            # The folder has a file with settings of its own: without the second one it could ask for pickles.
            model_kwargs={"use_safetensors": safetensors, "weights_only": True, "dtype": torch.float32},
        ).eval()


def load(card: ModelCard, found: LocalWeights) -> TextEmbedder:
    """Load a text model from a folder of weights."""
    return TextEmbedder(card, found)
