"""Text encoders of transformers: hidden states of one layer, pooled into a vector for each text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from embedlab.catalog.refs import EncoderRef
from embedlab.embedders.hf import card_of, layer_of, read_network, refuse
from embedlab.embedders.layers import NoSuchLayer
from embedlab.embedders.pooling import cls_pool, last_pool, mean_pool
from embedlab.embedders.text import TextEmbedder
from embedlab.weights import LocalWeights, untrusted

_POOLS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": mean_pool,
    "cls": cls_pool,
    "last": last_pool,
}
# Decoders read far more; a batch of that length does not fit into the memory of a laptop.
_LONGEST = 8192
# In these, places are counted from the padding token on.
_COUNT_FROM_PADDING = ("roberta", "camembert", "xlm-roberta", "longformer", "mpnet", "data2vec-text", "luke")


class EncoderEmbedder(TextEmbedder):
    """A transformers network for text behind the :class:`~embedlab.embedders.base.Embedder` protocol.

    Attributes
    ----------
    network : transformers model
        The encoder, for opening the box.
    tokenizer : transformers tokenizer
    layers : tuple of str
        ``hidden_states.0`` (the tokens themselves) to the last.
    """

    batches_per_call = 4

    def __init__(
        self, asked: EncoderRef, found: LocalWeights, network: Any, tokenizer: Any, pooling: str, why: str
    ) -> None:
        self.path = found.path
        self.network = network
        self.tokenizer = tokenizer
        tokenizer.padding_side = "right"  # the first token stays the first, the last can be counted
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.bos_token
        self.max_tokens = _longest(network.config, tokenizer, found)
        depth = int(network.config.num_hidden_layers)
        self.layers = tuple(f"hidden_states.{i}" for i in range(depth + 1))
        layer = layer_of(asked, depth)
        self._pool = _POOLS[pooling]
        with torch.inference_mode():
            states, _ = self._hidden(["x"])
            self.dim = int(states[self._depth_of(layer)].shape[-1])
        self.card = card_of(
            asked,
            found,
            network,
            modality="text",
            dim=self.dim,
            layer=layer,
            pooling=pooling,
            max_tokens=self.max_tokens,
            summary=f"{type(network).__name__} of transformers; pooling {pooling!r} {why}.",
        )

    def _compute(self, contents: list[Any], batch_size: int) -> np.ndarray:
        return self.compute_layers(contents, [self.card.layer], batch_size)[self.card.layer]

    @torch.inference_mode()
    def compute_layers(
        self, prepared: list[Any], layers: Sequence[str], batch_size: int
    ) -> dict[str, np.ndarray]:
        depths = {name: self._depth_of(name) for name in layers}
        parts: dict[str, list[Tensor]] = {name: [] for name in layers}
        for start in range(0, len(prepared), batch_size):
            states, mask = self._hidden(prepared[start : start + batch_size])
            for name, depth in depths.items():
                parts[name].append(self._pool(states[depth], mask))
        return {name: torch.cat(part).float().numpy() for name, part in parts.items()}

    def _hidden(self, texts: list[str]) -> tuple[list[Tensor], Tensor]:
        """Hidden states from the first to the last, each (n, tokens, width), and which tokens are real."""
        most = self.max_tokens
        padded = self.tokenizer.pad_token is not None and len(texts) > 1
        tokens = self.tokenizer(
            [text[:200_000] for text in texts],
            padding=padded,
            truncation=True,
            max_length=most,
            return_tensors="pt",
        )
        names = ("input_ids", "attention_mask", "token_type_ids")
        out = self.network(**{n: tokens[n] for n in names if n in tokens}, output_hidden_states=True)
        return [*out.hidden_states[:-1], out.last_hidden_state], tokens["attention_mask"]

    def _depth_of(self, layer: str) -> int:
        names = (*self.layers[:-1], "last_hidden_state")
        layer = "last_hidden_state" if layer == self.layers[-1] else layer
        if layer not in names:
            raise NoSuchLayer(f"There is no layer {layer!r}; there are {', '.join(self.layers)}.")
        return names.index(layer)

    def _token_ids(self, texts: list[str]) -> list[list[int]]:
        found: list[list[int]] = self.tokenizer(texts, truncation=False, padding=False, verbose=False)[
            "input_ids"
        ]
        return found


def _longest(config: Any, tokenizer: Any, found: LocalWeights) -> int:
    """How many tokens are read: what the repository says, else what there are places for."""
    stated = untrusted.read_json(found.path / "sentence_bert_config.json").get("max_seq_length")
    places = (
        getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or _LONGEST
    )
    if config.model_type in _COUNT_FROM_PADDING:
        places -= (config.pad_token_id or 0) + 1
    known = [
        n for n in (stated, tokenizer.model_max_length, places, _LONGEST) if isinstance(n, int) and n > 0
    ]
    return min(known)


def _pooling(asked: EncoderRef, found: LocalWeights, config: Any) -> tuple[str, str]:
    """The recipe and where it comes from."""
    from transformers.models.auto import modeling_auto as auto

    if asked.options.pooling is not None:
        if asked.options.pooling not in _POOLS:
            raise refuse(
                asked, f"pooling of a text is 'mean', 'cls' or 'last', not {asked.options.pooling!r}."
            )
        return asked.options.pooling, "was asked for"
    stated = untrusted.read_json(found.path / "1_Pooling" / "config.json")
    names = {"mean": "mean", "cls": "cls", "lasttoken": "last"}
    modes = {str(stated.get("pooling_mode", ""))} | {
        key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token")
        for key, on in stated.items()
        if on is True and key.startswith("pooling_mode_")
    }
    told = [names[mode] for mode in sorted(modes) if mode in names]
    if len(told) == 1:
        return told[0], "is in its configuration"
    if stated:
        raise refuse(
            asked, "its 1_Pooling is none of 'mean', 'cls', 'last': pass pooling=…, or load it as st:…"
        )
    kind = config.model_type
    bidirectional = kind in {
        *auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        *auto.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES,
    }
    if kind in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and not bidirectional:
        return "last", "as only the last token of a decoder has read them all"
    if bidirectional or config.is_encoder_decoder:
        return "mean", "is usual for encoders that state none"
    raise refuse(asked, f"how to pool a {kind!r} is not known: pass pooling='mean', 'cls' or 'last'.")


def load_text(asked: EncoderRef, found: LocalWeights, config: Any) -> EncoderEmbedder:
    """A text encoder from its folder; of an encoder-decoder, the encoder."""
    from transformers import AutoModel, AutoModelForTextEncoding, AutoTokenizer
    from transformers.models.auto import modeling_auto as auto

    pooling, why = _pooling(asked, found, config)
    alone = config.is_encoder_decoder and config.model_type in auto.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES
    model = AutoModelForTextEncoding if alone else AutoModel
    network, _ = read_network(model, found, str(asked), lambda key: "pooler" in key or "decoder" in key)
    if config.is_encoder_decoder:
        network = network.get_encoder()
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(found.path), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, ImportError, KeyError) as error:
        why = str(error).strip().split("\n")[0][:200]
        raise untrusted.NotAModel(f"{asked}: its tokenizer cannot be read: {why}") from error
    return EncoderEmbedder(asked, found, network, tokenizer, pooling, why)
