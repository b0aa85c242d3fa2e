"""Networks for images from transformers: classifiers without their head, backbones, CLIP and SigLIP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from embedlab.catalog.refs import EncoderRef
from embedlab.embedders.clip import TwoTowers
from embedlab.embedders.hf import describe, read_network, unfit_option
from embedlab.embedders.hf_preprocess import read_preprocess
from embedlab.embedders.image import ImageEmbedder
from embedlab.embedders.layers import capture, penultimate
from embedlab.embedders.pooling import spatial_mean
from embedlab.embedders.preprocess import Preprocess
from embedlab.errors import Argument
from embedlab.weights import LocalWeights

# In these, the first token represents the whole image.
_FIRST_TOKEN = {
    *("vit", "deit", "beit", "dinov2", "dinov2_with_registers", "dinov3_vit"),
    *("vit_mae", "vit_msn", "data2vec-vision"),
}
Read = Callable[[Tensor], Tensor]


def load_image(ref: EncoderRef, found: LocalWeights, config: Any) -> ImageEmbedder:
    """Load a classifier or a backbone from its folder."""
    preprocess = read_preprocess(found.path, str(ref))
    architectures = [str(name) for name in (getattr(config, "architectures", None) or [])]
    classifies = any(name.endswith("ForImageClassification") for name in architectures)
    classes = None
    if classifies and ref.options.pooling is None and not isinstance(ref.options.layer, int):
        network, read, layer, pooling = _load_classifier(ref, found, preprocess)
        labels = getattr(config, "id2label", None) or {}
        if set(labels) == set(range(len(labels))):
            classes = [str(labels[number]) for number in range(len(labels))]
    else:
        network, read, layer, pooling = _load_backbone(ref, found, config)
    with torch.inference_mode():
        dim = int(read(_grey(preprocess)).shape[1])
    card = describe(ref, found, network, modality="image", dim=dim, layer=layer, pooling=pooling)
    return ImageEmbedder(
        card, found, network, preprocess, layers=_stages(network), class_names=classes,
        first_token=config.model_type in _FIRST_TOKEN, read=read,
    )  # fmt: skip


def _grey(preprocess: Preprocess) -> Tensor:
    """Return a batch of one grey image, to try a network on."""
    return preprocess(Image.new("RGB", (320, 240), (128, 128, 128)))[None]


def _load_classifier(
    ref: EncoderRef, found: LocalWeights, preprocess: Preprocess
) -> tuple[Any, Read, str, str]:
    """Return a classifier, how it is read, and the names of layer and pooling."""
    from transformers import AutoModelForImageClassification

    network, _ = read_network(AutoModelForImageClassification, found, str(ref), lambda key: False)
    if isinstance(ref.options.layer, str):
        return network, _layer_mean(network, ref.options.layer), ref.options.layer, "mean"
    head = penultimate(network)
    with torch.inference_mode():
        head(_grey(preprocess))  # which layer is the last, only a run shows
    return network, head, f"into {head.name}", "none"


def _layer_mean(network: Any, layer: str) -> Read:
    """Return a function that averages the output of a layer over all positions."""

    def read(pixels: Tensor) -> Tensor:
        with capture(network, layer, spatial_mean) as outputs:
            network(pixels)
        return outputs[layer]

    return read


def _load_backbone(ref: EncoderRef, found: LocalWeights, config: Any) -> tuple[Any, Read, str, str]:
    """Return a network without a head, how it is read, and the names of layer and pooling."""
    from transformers import AutoModel

    network, missing = read_network(AutoModel, found, str(ref), lambda key: key.startswith("pooler."))
    chosen = ref.options.layer
    if isinstance(chosen, str):
        return network, _layer_mean(network, chosen), chosen, "mean"
    pooling = _choose_pooling(ref, network, missing, config)
    if pooling == "pooler":
        return network, _read_pooler(ref, network), "pooler_output", pooling
    layer = "last_hidden_state" if chosen is None else f"hidden_states[{chosen}]"
    return network, _read_states(ref, network, pooling), layer, pooling


def _choose_pooling(ref: EncoderRef, network: Any, missing: set[str], config: Any) -> str:
    """Take the chosen pooling; otherwise a trained pooler, the first token or the mean, whichever exists."""
    pooling, layer = ref.options.pooling, ref.options.layer
    if pooling not in (None, "mean", "cls", "pooler"):
        raise unfit_option(ref, f"pooling of an image must be 'mean', 'cls' or 'pooler', not {pooling!r}.")
    if pooling is None:
        if not missing and layer is None and getattr(network, "pooler", None) is not None:
            return "pooler"
        return "cls" if config.model_type in _FIRST_TOKEN else "mean"
    if pooling == "pooler" and (missing or layer is not None):
        raise unfit_option(
            ref,
            Argument("pooling", "pooler"),
            " reads the last layer and needs a trained pooler. Pass ",
            Argument("pooling", "mean"),
            " or ",
            Argument("pooling", "cls"),
            ".",
        )
    return pooling


def _read_pooler(ref: EncoderRef, network: Any) -> Read:
    def read(pixels: Tensor) -> Tensor:
        output = getattr(network(pixel_values=pixels), "pooler_output", None)
        if output is None:
            raise unfit_option(
                ref,
                "it has no pooler. Pass ",
                Argument("pooling", "mean"),
                " or ",
                Argument("pooling", "cls"),
                ".",
            )
        return torch.as_tensor(output).flatten(1)

    return read


def _read_states(ref: EncoderRef, network: Any, pooling: str) -> Read:
    """Return a function that pools the chosen hidden states by their mean or first token."""
    chosen = ref.options.layer

    def read(pixels: Tensor) -> Tensor:
        out = network(pixel_values=pixels, output_hidden_states=chosen is not None)
        states = out.last_hidden_state
        if isinstance(chosen, int):
            if not -len(out.hidden_states) <= chosen < len(out.hidden_states):
                count = len(out.hidden_states)
                raise unfit_option(ref, f"layer must be a number from {-count} to {count - 1}, not {chosen}.")
            states = torch.as_tensor(out.hidden_states[chosen])
        if pooling == "mean":
            return spatial_mean(states)
        if states.ndim != 3:
            raise unfit_option(ref, "it has no first token. Pass ", Argument("pooling", "mean"), ".")
        return torch.as_tensor(states[:, 0])

    return read


def _stages(network: Any) -> list[str]:
    """Return the names of the layers that follow each other: the outermost list of them."""
    lists = [
        (name, len(module))
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.ModuleList)
        and name.split(".")[-1] in ("layer", "layers", "stages", "blocks")
    ]
    outermost = min(lists, key=lambda pair: pair[0].count("."), default=None)
    return [f"{outermost[0]}.{index}" for index in range(outermost[1])] if outermost else []


def load_towers(ref: EncoderRef, found: LocalWeights, config: Any) -> TwoTowers:
    """Load CLIP or SigLIP from its folder: images and texts in one space."""
    from transformers import AutoTokenizer, CLIPModel, SiglipModel

    if ref.options.given():
        raise unfit_option(
            ref,
            f"{config.model_type} ends in its own projection, so it has neither pooling nor layer to choose.",
        )
    clip = config.model_type == "clip"
    network, _ = read_network(
        CLIPModel if clip else SiglipModel, found, str(ref), lambda key: "position_ids" in key
    )
    tokenizer = AutoTokenizer.from_pretrained(str(found.path), local_files_only=True, trust_remote_code=False)
    card = describe(
        ref,
        found,
        network,
        modality="image+text",
        dim=int(config.projection_dim if clip else config.vision_config.hidden_size),
        layer="projection" if clip else "pooler_output",
        pooling="none",
        normalized=True,
        max_tokens=int(config.text_config.max_position_embeddings),
        summary=f"{type(network).__name__} of transformers: pictures and texts in one space.",
    )
    padding: bool | str = True if clip else "max_length"
    return TwoTowers(card, found, network, tokenizer, read_preprocess(found.path, str(ref)), padding)
