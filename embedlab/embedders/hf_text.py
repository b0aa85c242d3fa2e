"""Text encoders of transformers: the hidden states of one layer, pooled to one vector per text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from embedlab.catalog.refs import EncoderRef
from embedlab.embedders.hf import chosen_layer, describe, read_network, unfit_option
from embedlab.embedders.layers import no_such_layer
from embedlab.embedders.pooling import cls_pool, last_pool, mean_pool
from embedlab.embedders.text import MAX_CHARS, TextEmbedder
from embedlab.errors import Argument
from embedlab.io.text import first_line
from embedlab.weights import LocalWeights, untrusted

_POOLS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": mean_pool,
    "cls": cls_pool,
    "last": last_pool,
}
# Decoders read far more, but a batch of that length does not fit into a laptop's memory.
_TOKEN_LIMIT = 8192
# In these, positions are counted from the padding token on.
_POSITIONS_AFTER_PADDING = (
    "roberta",
    "camembert",
    "xlm-roberta",
    "longformer",
    "mpnet",
    "data2vec-text",
    "luke",
)


class EncoderEmbedder(TextEmbedder):
    """A transformers network for text behind the :class:`~embedlab.embedders.protocol.Embedder` protocol.

    Attributes
    ----------
    network : transformers model
        The encoder, for opening the box.
    tokenizer : transformers tokenizer
    layers : tuple of str
        ``hidden_states.0`` (the token embeddings) to the last.
    """

    def __init__(
        self, ref: EncoderRef, found: LocalWeights, network: Any, tokenizer: Any, pooling: str, origin: str
    ) -> None:
        self.path = found.path
        self.network = network
        self.tokenizer = tokenizer
        tokenizer.padding_side = "right"  # the first token stays first, and the mask counts to the last
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.bos_token
        self.max_tokens = _max_tokens(network.config, tokenizer, found)
        depth = int(network.config.num_hidden_layers)
        self.layers = tuple(f"hidden_states.{i}" for i in range(depth + 1))
        layer = chosen_layer(ref, depth)
        self._pool = _POOLS[pooling]
        with torch.inference_mode():
            states, _ = self._hidden_states(["x"])
            self.dim = int(states[self._depth_of(layer)].shape[-1])
        self.card = describe(
            ref,
            found,
            network,
            modality="text",
            dim=self.dim,
            layer=layer,
            pooling=pooling,
            max_tokens=self.max_tokens,
            summary=f"{type(network).__name__} of transformers; pooling {pooling!r} {origin}.",
        )

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        return self.compute_layers(prepared, [self.card.layer], batch_size)[self.card.layer]

    @torch.inference_mode()
    def compute_layers(
        self, prepared: list[Any], layers: Sequence[str], batch_size: int
    ) -> dict[str, np.ndarray]:
        """Read layers by name; see :meth:`CachedEmbedder.compute_layers`."""
        depths = {name: self._depth_of(name) for name in layers}
        parts: dict[str, list[Tensor]] = {name: [] for name in layers}
        for start in range(0, len(prepared), batch_size):
            states, mask = self._hidden_states(prepared[start : start + batch_size])
            for name, depth in depths.items():
                parts[name].append(self._pool(states[depth], mask))
        return {name: torch.cat(part).float().numpy() for name, part in parts.items()}

    def _hidden_states(self, texts: list[str]) -> tuple[list[Tensor], Tensor]:
        """Return all hidden states, each (n_texts, n_tokens, width), and the attention mask."""
        padding = self.tokenizer.pad_token is not None and len(texts) > 1
        tokens = self.tokenizer(
            [text[:MAX_CHARS] for text in texts],
            padding=padding,
            truncation=True,
            max_length=self.max_tokens,
            return_tensors="pt",
        )
        names = ("input_ids", "attention_mask", "token_type_ids")
        out = self.network(**{n: tokens[n] for n in names if n in tokens}, output_hidden_states=True)
        return [*out.hidden_states[:-1], out.last_hidden_state], tokens["attention_mask"]

    def _depth_of(self, layer: str) -> int:
        names = (*self.layers[:-1], "last_hidden_state")
        layer = "last_hidden_state" if layer == self.layers[-1] else layer
        if layer not in names:
            raise no_such_layer(self.card.name, layer, self.layers)
        return names.index(layer)

    def _token_ids(self, texts: list[str]) -> list[list[int]]:
        tokens = self.tokenizer(texts, truncation=False, padding=False, verbose=False)
        return list(tokens["input_ids"])


def _max_tokens(config: Any, tokenizer: Any, found: LocalWeights) -> int:
    """Return how many tokens are read: as the repository states, otherwise as many as there are positions."""
    stated = untrusted.read_json(found.path / "sentence_bert_config.json").get("max_seq_length")
    positions = (
        getattr(config, "max_position_embeddings", None)
        or getattr(config, "n_positions", None)
        or _TOKEN_LIMIT
    )
    if config.model_type in _POSITIONS_AFTER_PADDING:
        positions -= (config.pad_token_id or 0) + 1
    limits = (stated, tokenizer.model_max_length, positions, _TOKEN_LIMIT)
    return min(limit for limit in limits if isinstance(limit, int) and limit > 0)


def _choose_pooling(ref: EncoderRef, found: LocalWeights, config: Any) -> tuple[str, str]:
    """Return the pooling and, in words for the card, where it comes from."""
    from transformers.models.auto import modeling_auto as auto

    chosen = ref.options.pooling
    if chosen is not None:
        if chosen not in _POOLS:
            raise unfit_option(ref, f"pooling of a text must be 'mean', 'cls' or 'last', not {chosen!r}.")
        return chosen, "was asked for"
    stated = untrusted.read_json(found.path / "1_Pooling" / "config.json")
    names = {"mean": "mean", "cls": "cls", "lasttoken": "last"}
    modes = {str(stated.get("pooling_mode", ""))} | {
        key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token")
        for key, on in stated.items()
        if on is True and key.startswith("pooling_mode_")
    }
    known = [names[mode] for mode in sorted(modes) if mode in names]
    if len(known) == 1:
        return known[0], "is in its configuration"
    if stated:
        raise unfit_option(
            ref,
            "its 1_Pooling is not 'mean', 'cls' or 'last'. Pass ",
            Argument("pooling"),
            ", or load it as st:….",
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
    raise unfit_option(
        ref, f"the pooling of a {kind!r} is unknown. Pass ", Argument("pooling"), ": 'mean', 'cls' or 'last'."
    )


def load_text(ref: EncoderRef, found: LocalWeights, config: Any) -> EncoderEmbedder:
    """Load a text encoder from its folder; of an encoder-decoder, the encoder."""
    from transformers import AutoModel, AutoModelForTextEncoding, AutoTokenizer
    from transformers.models.auto import modeling_auto as auto

    pooling, origin = _choose_pooling(ref, found, config)
    separate = config.is_encoder_decoder and config.model_type in auto.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES
    model = AutoModelForTextEncoding if separate else AutoModel
    network, _ = read_network(model, found, str(ref), lambda key: "pooler" in key or "decoder" in key)
    if config.is_encoder_decoder:
        network = network.get_encoder()
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(found.path), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise untrusted.NotAModel(
            f"{ref}: transformers cannot read its tokenizer: {first_line(error)}", model=str(ref)
        ) from error
    return EncoderEmbedder(ref, found, network, tokenizer, pooling, origin)
