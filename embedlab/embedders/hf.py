"""Any encoder that transformers knows: ``hf:org/name``. Which kind it is, its configuration tells.

Text models are read in ``encoder_text.py``, networks for pictures in ``encoder_image.py``, those for sound in
``encoder_audio.py``. What cannot be told from the configuration is not guessed: the error says what to pass.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import torch

from embedlab.catalog.cards import ModelCard
from embedlab.catalog.refs import BadName, EncoderRef
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.quiet import hide_loading_report, quiet_loading
from embedlab.weights import LocalWeights, untrusted

# Networks that take the wave itself; others want a spectrogram made in their own way.
WAVE_NETWORKS = {
    *("wav2vec2", "wav2vec2-conformer", "hubert", "wavlm", "unispeech", "unispeech-sat", "data2vec-audio"),
    *("sew", "sew-d"),
}
_TOWERS = {"clip", "siglip"}
_NEITHER = {"perceiver", "llama4", "mllama", "emu3", "imagegpt", "fuyu", "git"}


def kind_of(config: Any, name: str) -> str:
    """What an architecture reads: ``"text"``, ``"image"``, ``"wave"``, ``"whisper"`` or ``"towers"``.

    Raises
    ------
    NotAModel
        When it is none of these.
    """
    from transformers.models.auto import modeling_auto as auto

    kind = str(config.model_type)
    several = hasattr(config, "vision_config") or hasattr(config, "audio_config")
    if kind in _TOWERS:
        return "towers"
    if kind == "whisper":
        return "whisper"
    if kind in WAVE_NETWORKS:
        return "wave"
    if not several and kind not in _NEITHER:
        pictures = {*auto.MODEL_FOR_IMAGE_MAPPING_NAMES, *auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES}
        texts = {
            *auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
            *auto.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES,
            *auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
            *auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        }
        if kind in pictures:
            return "image"
        if kind in texts:
            return "text"
    raise untrusted.NotAModel(
        f"{name} is of the kind {kind!r}, and what of it would be an embedding cannot be told. Encoders of "
        "texts, "
        "of pictures (classifiers or backbones), of sound (Whisper, wav2vec 2.0 and its relatives), CLIP "
        "and SigLIP "
        "are read. Load it yourself and hand it over: el.from_module(network, preprocess, layer=…)."
    )


def read_network(
    model: Any, found: LocalWeights, name: str, unused: Callable[[str], bool]
) -> tuple[Any, set[str]]:
    """A transformers network from a folder, in float32, and the unused weights that the folder lacks.

    Parameters
    ----------
    model : class with ``from_pretrained``
    found : LocalWeights
    name : str
    unused : callable
        Whether a weight of this name may be missing: it takes no part in the embedding.

    Raises
    ------
    NotAModel
        When other weights are missing: they would be random numbers.
    """
    safe = any(found.path.glob("*.safetensors"))
    with quiet_loading(), hide_loading_report():
        network, info = model.from_pretrained(
            str(found.path),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=safe,
            weights_only=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    missing = set(info["missing_keys"])
    needed = sorted(key for key in missing if not unused(key))
    if needed:
        raise untrusted.NotAModel(
            f"The weights of {name} lack {len(needed)} parts of {type(network).__name__} (among them "
            f"{', '.join(needed[:3])}), which would be random numbers. It was saved for another architecture."
        )
    return network.eval(), missing


def card_of(
    asked: EncoderRef, found: LocalWeights, network: Any, *, modality: str, dim: int, layer: str,
    pooling: str,
    normalized: bool = False, max_tokens: int | None = None, summary: str = "",
) -> ModelCard:  # fmt: skip
    """The card of a network that was loaded by its repository."""
    return ModelCard(
        name=str(asked),
        modality=modality,
        dim=dim,
        params=sum(p.numel() for p in network.parameters()),
        licence=untrusted.licence_of(found.path),
        summary=summary or f"{type(network).__name__} of transformers, read at {layer}.",
        layer=layer,
        pooling=pooling,
        normalized=normalized,
        max_tokens=max_tokens,
        homepage=asked.homepage,
        revision=found.revision,
        sha256=found.sha256,
        source=found.source,
    )


def refuse(asked: EncoderRef, why: str) -> BadName:
    """The error for an option that does not fit a model."""
    return BadName(f"{asked}: {why}")


def layer_of(asked: EncoderRef, depth: int) -> str:
    """The layer that was chosen, in words: numbers count as in ``hidden_states``, from either end."""
    wanted = -1 if asked.options.layer is None else asked.options.layer
    named = re.fullmatch(r"hidden_states\.(\d+)", str(wanted))
    number = int(named[1]) if named else depth if wanted == "last_hidden_state" else wanted
    if not isinstance(number, int) or not -(depth + 1) <= number <= depth:
        raise refuse(
            asked, f"layer must be a number from {-(depth + 1)} to {depth}, or 'hidden_states.0' and so on."
        )
    number %= depth + 1
    return "last_hidden_state" if number == depth else f"hidden_states.{number}"


def load(asked: EncoderRef, found: LocalWeights) -> CachedEmbedder:
    """Load any encoder from its folder."""
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(str(found.path), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        why = str(error).strip().split("\n")[0][:200]
        raise untrusted.NotAModel(f"{asked}: transformers cannot read its config.json: {why}") from error
    kind = kind_of(config, str(asked))
    place = {"wave": "audio", "whisper": "audio", "towers": "image"}.get(kind, kind)
    module = importlib.import_module(f"embedlab.embedders.hf_{place}")
    embedder: CachedEmbedder = getattr(module, f"load_{kind}")(asked, found, config)
    return embedder
