"""CLIP and SigLIP, two towers trained on pairs, from the Hugging Face hub."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from embedlab.catalog.cards import ModelCard
from embedlab.embedders.dual import DualEmbedder
from embedlab.embedders.preprocess import Preprocess
from embedlab.embedders.quiet import quiet_loading
from embedlab.embeddings import unit_rows
from embedlab.weights import LocalWeights

_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_HALF = (0.5, 0.5, 0.5)
CLIP_PIXELS = Preprocess(resize=224, crop=224, mean=_CLIP_MEAN, std=_CLIP_STD)
SIGLIP_PIXELS = Preprocess(resize=(224, 224), crop=None, mean=_HALF, std=_HALF)
_TEXT_BATCH = 32
_DEFAULT_MAX_TOKENS = 77


class TwoTowers(DualEmbedder):
    """CLIP or SigLIP behind the :class:`~embedlab.embedders.protocol.Embedder` protocol.

    Attributes
    ----------
    network : transformers.CLIPModel or transformers.SiglipModel
        Both towers.
    tokenizer : transformers tokenizer
    path : Path
        The folder the weights were loaded from.
    """

    def __init__(
        self,
        card: ModelCard,
        found: LocalWeights,
        network: Any,
        tokenizer: Any,
        preprocess: Preprocess,
        padding: bool | str,
    ) -> None:
        self.card = dataclasses.replace(card, source=found.source, sha256=found.sha256)
        self.path: Path = found.path
        self.dim = card.dim
        self.network = network.eval()
        self.tokenizer = tokenizer
        self.preprocess = preprocess
        self._padding = padding
        self._max_tokens = int(card.max_tokens or _DEFAULT_MAX_TOKENS)

    def tokenize(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Tokenize texts for the text tower; long ones lose their end, but not the last token.

        Returns
        -------
        dict of str to Tensor, each of shape (n_texts, n_tokens)
            ``input_ids``, and ``attention_mask`` if texts are padded to the longest one.
        """
        tokens = self.tokenizer(
            list(texts),
            padding=self._padding,
            truncation=True,
            max_length=self._max_tokens,
            return_tensors="pt",
        )
        wanted = ("input_ids", "attention_mask") if self._padding is True else ("input_ids",)
        return {name: tokens[name] for name in wanted}

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts as unit vectors, shape (n, dim), float32."""
        batches = [texts[i : i + _TEXT_BATCH] for i in range(0, len(texts), _TEXT_BATCH)]
        parts = [_to_array(self.network.get_text_features(**self.tokenize(batch))) for batch in batches]
        return unit_rows(np.concatenate(parts))

    @torch.inference_mode()
    def embed_pixels(self, pixels: list[np.ndarray]) -> np.ndarray:
        """Embed a few prepared images as unit vectors, shape (n, dim), float32."""
        tensor = self.preprocess.tensor(pixels).contiguous()
        return unit_rows(_to_array(self.network.get_image_features(pixel_values=tensor)))

    def _preprocessing(self) -> dict[str, Any]:
        return dataclasses.asdict(self.preprocess)

    def _truncated(self, contents: list[Any]) -> list[bool]:
        truncated = [False] * len(contents)
        for row, text in enumerate(contents):
            if isinstance(text, str) and len(text) > self._max_tokens - 2:
                n_tokens = len(self.tokenizer(text, truncation=False)["input_ids"])
                truncated[row] = n_tokens > self._max_tokens
        return truncated


def _to_array(features: Any) -> np.ndarray:
    """Return the projected vectors, which transformers 5 wraps in an output object."""
    vectors: np.ndarray = getattr(features, "pooler_output", features).numpy()
    return vectors


def load_clip(card: ModelCard, found: LocalWeights) -> TwoTowers:
    """Load CLIP from a folder of weights."""
    from transformers import CLIPModel, CLIPTokenizer

    with quiet_loading():
        network = CLIPModel.from_pretrained(
            str(found.path), local_files_only=True, use_safetensors=False, weights_only=True
        )
    tokenizer = CLIPTokenizer.from_pretrained(str(found.path), local_files_only=True)
    return TwoTowers(card, found, network, tokenizer, CLIP_PIXELS, padding=True)


def load_siglip(card: ModelCard, found: LocalWeights) -> TwoTowers:
    """Load SigLIP from a folder of weights.

    Its text tower was trained on texts padded to 64 tokens.
    """
    from transformers import SiglipModel, SiglipTokenizer

    with quiet_loading():
        network = SiglipModel.from_pretrained(str(found.path), local_files_only=True, use_safetensors=True)
    tokenizer = SiglipTokenizer.from_pretrained(str(found.path), local_files_only=True)
    return TwoTowers(card, found, network, tokenizer, SIGLIP_PIXELS, padding="max_length")
