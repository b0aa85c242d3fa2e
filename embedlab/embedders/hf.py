"""Any encoder that transformers knows: ``hf:org/name``.

The configuration says which kind of network it is: ``hf_text.py`` reads those for text, ``hf_image.py`` those
for images, and ``hf_audio.py`` those for sound. What the configuration does not say is not guessed: the error
says what to pass.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any, Literal

import torch

from embedlab.catalog.cards import ModelCard
from embedlab.catalog.refs import BadName, EncoderRef
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.quiet import hide_loading_report, quiet_loading
from embedlab.errors import Part
from embedlab.io.text import first_line
from embedlab.weights import LocalWeights, untrusted

# Networks that take the waveform; others want a spectrogram, each made in its own way.
WAVE_NETWORKS = {
    *("wav2vec2", "wav2vec2-conformer", "hubert", "wavlm", "unispeech", "unispeech-sat", "data2vec-audio"),
    *("sew", "sew-d"),
}
Kind = Literal["text", "image", "towers", "wave", "whisper"]
# kind → the module with its load_… function; imported only when needed
_MODULES: dict[Kind, str] = {
    "text": "hf_text",
    "image": "hf_image",
    "towers": "hf_image",
    "wave": "hf_audio",
    "whisper": "hf_audio",
}
_TOWERS = {"clip", "siglip"}
_UNSUPPORTED = {"perceiver", "llama4", "mllama", "emu3", "imagegpt", "fuyu", "git"}


def kind_of(config: Any, name: str) -> Kind:
    """Return the kind of network that a configuration describes.

    Raises
    ------
    NotAModel
        When it is none that embedlab can read.
    """
    from transformers.models.auto import modeling_auto as auto

    architecture = str(config.model_type)
    several = hasattr(config, "vision_config") or hasattr(config, "audio_config")
    if architecture in _TOWERS:
        return "towers"
    if architecture == "whisper":
        return "whisper"
    if architecture in WAVE_NETWORKS:
        return "wave"
    if not several and architecture not in _UNSUPPORTED:
        image_networks = {
            *auto.MODEL_FOR_IMAGE_MAPPING_NAMES,
            *auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
        }
        text_networks = {
            *auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
            *auto.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES,
            *auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
            *auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        }
        if architecture in image_networks:
            return "image"
        if architecture in text_networks:
            return "text"
    raise untrusted.NotAModel(
        f"{name} is a {architecture!r}, and which of its activations are an embedding is unknown: "
        "embedlab reads encoders of text, of images (classifiers or backbones), of sound (Whisper, wav2vec "
        "2.0 and relatives), CLIP and SigLIP. "
        "Load the network yourself and pass it: el.from_module(network, preprocess, layer=…).",
        model=name,
    )


def read_network(
    model: Any, found: LocalWeights, name: str, unused: Callable[[str], bool]
) -> tuple[Any, set[str]]:
    """Read a transformers network from a folder, in float32, for evaluation.

    Parameters
    ----------
    model : class with ``from_pretrained``
    found : LocalWeights
    name : str
    unused : callable
        Whether a weight of this name may be missing because it takes no part in the embedding.

    Returns
    -------
    network : torch.nn.Module
    missing : set of str
        The unused weights that the folder lacks.

    Raises
    ------
    NotAModel
        When other weights are missing; they would be random numbers.
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
            f"{', '.join(needed[:3])}), which would be random numbers. It was saved for another "
            "architecture. Choose another repository, or save the model again.",
            model=name,
        )
    return network.eval(), missing


def describe(
    ref: EncoderRef, found: LocalWeights, network: Any, *, modality: str, dim: int, layer: str, pooling: str,
    normalized: bool = False, max_tokens: int | None = None, summary: str = "",
) -> ModelCard:  # fmt: skip
    """Make the card of a network that was loaded from its repository."""
    return ModelCard(
        name=str(ref),
        modality=modality,
        dim=dim,
        params=sum(p.numel() for p in network.parameters()),
        licence=untrusted.licence_of(found.path),
        summary=summary or f"{type(network).__name__} of transformers, read at {layer}.",
        layer=layer,
        pooling=pooling,
        normalized=normalized,
        max_tokens=max_tokens,
        homepage=ref.homepage,
        revision=found.revision,
        sha256=found.sha256,
        source=found.source,
    )


def unfit_option(ref: EncoderRef, *reason: Part) -> BadName:
    """Make the error for an option that does not fit a model."""
    return BadName(f"{ref}: ", *reason, model=str(ref))


def chosen_layer(ref: EncoderRef, depth: int) -> str:
    """Return the name of the chosen layer; numbers count as in ``hidden_states``, from either end."""
    wanted = -1 if ref.options.layer is None else ref.options.layer
    named = re.fullmatch(r"hidden_states\.(\d+)", str(wanted))
    number = int(named[1]) if named else depth if wanted == "last_hidden_state" else wanted
    if not isinstance(number, int) or not -(depth + 1) <= number <= depth:
        raise unfit_option(
            ref,
            f"layer must be a number from {-(depth + 1)} to {depth}, or a name such as 'hidden_states.0'.",
        )
    number %= depth + 1
    return "last_hidden_state" if number == depth else f"hidden_states.{number}"


def load(ref: EncoderRef, found: LocalWeights) -> CachedEmbedder:
    """Load any encoder from its folder.

    Raises
    ------
    NotAModel
        When transformers cannot read the configuration, or the network is of an unknown kind.
    BadName
        When an option does not fit the model.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(str(found.path), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise untrusted.NotAModel(
            f"{ref}: transformers cannot read its config.json: {first_line(error)}", model=str(ref)
        ) from error
    kind = kind_of(config, str(ref))
    module = importlib.import_module(f"embedlab.embedders.{_MODULES[kind]}")
    embedder: CachedEmbedder = getattr(module, f"load_{kind}")(ref, found, config)
    return embedder
