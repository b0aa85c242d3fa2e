"""CLIP and SigLIP: two towers that were trained to meet, from the Hugging Face hub."""

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
_TEXTS_AT_ONCE = 32


class TwoTowers(DualEmbedder):
    """CLIP or SigLIP behind the :class:`~embedlab.embedders.protocol.Embedder` protocol.

    Attributes
    ----------
    network : transformers.CLIPModel or transformers.SiglipModel
        Both towers, for opening the box.
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
        self._most = int(card.max_tokens or 77)

    def tokens(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """What the text tower reads; a text that is too long loses its end, and keeps its last token."""
        found = self.tokenizer(
            list(texts),
            padding=self._padding,
            truncation=True,
            max_length=self._most,
            return_tensors="pt",
        )
        wanted = ("input_ids", "attention_mask") if self._padding is True else ("input_ids",)
        return {name: found[name] for name in wanted}

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        parts = [texts[i : i + _TEXTS_AT_ONCE] for i in range(0, len(texts), _TEXTS_AT_ONCE)]
        return unit_rows(
            np.concatenate([_out(self.network.get_text_features(**self.tokens(p))) for p in parts])
        )

    @torch.inference_mode()
    def embed_pixels(self, pixels: list[np.ndarray]) -> np.ndarray:
        tensor = self.preprocess.tensor(pixels).contiguous()
        return unit_rows(_out(self.network.get_image_features(pixel_values=tensor)))

    def _preprocessing(self) -> dict[str, Any]:
        return dataclasses.asdict(self.preprocess)

    def _truncated(self, contents: list[Any]) -> list[bool]:
        cut = [False] * len(contents)
        for row, text in enumerate(contents):
            if isinstance(text, str) and len(text) > self._most - 2:
                cut[row] = len(self.tokenizer(text, truncation=False)["input_ids"]) > self._most
        return cut


def _out(features: Any) -> np.ndarray:
    """The projected vectors; transformers 5 hands them over inside of an output object."""
    vectors: np.ndarray = getattr(features, "pooler_output", features).numpy()
    return vectors


def load_clip(card: ModelCard, found: LocalWeights) -> TwoTowers:
    """CLIP from a folder of weights."""
    from transformers import CLIPModel, CLIPTokenizer

    with quiet_loading():
        network = CLIPModel.from_pretrained(
            str(found.path), local_files_only=True, use_safetensors=False, weights_only=True
        )
    tokenizer = CLIPTokenizer.from_pretrained(str(found.path), local_files_only=True)
    return TwoTowers(card, found, network, tokenizer, CLIP_PIXELS, padding=True)


def load_siglip(card: ModelCard, found: LocalWeights) -> TwoTowers:
    """SigLIP from a folder of weights; its text tower was trained on texts filled up to 64 tokens."""
    from transformers import SiglipModel, SiglipTokenizer

    with quiet_loading():
        network = SiglipModel.from_pretrained(str(found.path), local_files_only=True, use_safetensors=True)
    tokenizer = SiglipTokenizer.from_pretrained(str(found.path), local_files_only=True)
    return TwoTowers(card, found, network, tokenizer, SIGLIP_PIXELS, padding="max_length")
