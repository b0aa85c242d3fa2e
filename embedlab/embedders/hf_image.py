"""Networks for pictures from transformers: classifiers without their head, backbones, CLIP and SigLIP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from embedlab.catalog.refs import EncoderRef
from embedlab.embedders.clip import TwoTowers
from embedlab.embedders.hf import card_of, read_network, refuse
from embedlab.embedders.image import ImageEmbedder
from embedlab.embedders.layers import capture, penultimate
from embedlab.embedders.pooling import spatial_mean
from embedlab.embedders.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from embedlab.weights import LocalWeights, untrusted

# Their first token stands for the whole picture.
_FIRST_TOKEN = {
    *(
        "vit",
        "deit",
        "beit",
        "dinov2",
        "dinov2_with_registers",
        "dinov3_vit",
        "vit_mae",
        "vit_msn",
        "data2vec-vision",
    ),
}
_KNOWN_STEPS = {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"}


def preprocess_of(folder: Path, name: str) -> Preprocess:
    """What is done to a picture, as transformers reads it from ``preprocessor_config.json``.

    Raises
    ------
    NotAModel
        When the file is missing, or asks for a step that is not taken here.
    """
    from transformers import AutoImageProcessor

    try:  # what the file leaves out is the processor's own default
        processor = AutoImageProcessor.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, backend="pil"
        )
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise untrusted.NotAModel(
            f"{name} has no preprocessor_config.json that transformers knows, so how pictures are made ready "
            "cannot be told. Hand the network over with your own: el.from_module(network, preprocess)."
        ) from error
    says: dict[str, Any] = processor.to_dict()
    other = sorted(k for k, v in says.items() if k.startswith("do_") and v and k not in _KNOWN_STEPS)
    scale = says.get("rescale_factor", 1 / 255)
    if other or abs(scale * 255 - 1) > 1e-3 or says.get("rescale_offset") or not says.get("do_rescale", True):
        raise untrusted.NotAModel(
            f"{name} makes pictures ready in a way that is not known here "
            f"({', '.join(other) or 'do_rescale'}). Load "
            "it yourself and hand it over: el.from_module(network, preprocess)."
        )
    resize, crop = _sizes(says, name)
    normal = says.get("do_normalize", True)
    mean, std = (says.get(k) or d for k, d in (("image_mean", IMAGENET_MEAN), ("image_std", IMAGENET_STD)))
    method = Image.Resampling(int(says.get("resample", 2) or 0)).name.lower()
    if method not in ("bilinear", "bicubic"):
        raise untrusted.NotAModel(f"{name} resizes pictures by {method}, which is not known here.")
    return Preprocess(
        resize=resize,
        crop=crop,
        resample=method,  # type: ignore[arg-type]
        mean=tuple(mean) if normal else (0.0, 0.0, 0.0),
        std=tuple(std) if normal else (1.0, 1.0, 1.0),
    )


def _sizes(says: dict[str, Any], name: str) -> tuple[int | tuple[int, int], int | None]:
    size, crop = says.get("size", says.get("crop_size")), says.get("crop_size", says.get("size"))
    edge = size.get("shortest_edge") if isinstance(size, dict) else None
    if isinstance(size, int):  # an old spelling: networks that are fed squares meant a square
        size = {"shortest_edge": size} if says.get("do_center_crop") else {"height": size, "width": size}
        edge = size.get("shortest_edge")
    cut = None
    if says.get("do_center_crop"):
        cut = crop if isinstance(crop, int) else (crop or {}).get("height", (crop or {}).get("shortest_edge"))
    if "crop_pct" in says and edge:  # ConvNeXT: enlarged, then cut; from 384 pixels on, squeezed
        return ((edge, edge), None) if edge >= 384 else (int(edge / (says["crop_pct"] or 224 / 256)), edge)
    if edge and cut:
        return int(edge), int(cut)
    if isinstance(size, dict) and "height" in size and "width" in size:
        return (int(size["height"]), int(size["width"])), int(cut) if cut else None
    raise untrusted.NotAModel(
        f"{name} brings pictures to a size that is not fixed ({size!r}): not known here."
    )


def load_image(asked: EncoderRef, found: LocalWeights, config: Any) -> ImageEmbedder:
    """A classifier or a backbone from its folder."""
    from transformers import AutoModel, AutoModelForImageClassification

    pixels = preprocess_of(found.path, str(asked))
    names = [str(name) for name in (getattr(config, "architectures", None) or [])]
    classifies = any(name.endswith("ForImageClassification") for name in names)
    inside = asked.options.layer if isinstance(asked.options.layer, str) else None
    if classifies and asked.options.pooling is None and not isinstance(asked.options.layer, int):
        network, _ = read_network(AutoModelForImageClassification, found, str(asked), lambda key: False)
        read: Callable[[Tensor], Tensor]
        if inside:
            read, layer, pooling = _at(network, inside), inside, "mean"
        else:
            head = penultimate(network)
            read, pooling = head, "none"
        with torch.inference_mode():
            dim = int(read(_grey(pixels)).shape[1])
        layer = inside or f"into {head.name}"
        labels = getattr(config, "id2label", None) or {}
        classes = (
            [str(labels[i]) for i in range(len(labels))] if set(labels) == set(range(len(labels))) else None
        )
    else:
        network, missing = read_network(AutoModel, found, str(asked), lambda key: key.startswith("pooler."))
        read, layer, pooling = _backbone(asked, network, missing, config)
        with torch.inference_mode():
            dim = int(read(_grey(pixels)).shape[1])
        classes = None
    card = card_of(asked, found, network, modality="image", dim=dim, layer=layer, pooling=pooling)
    return ImageEmbedder(
        card, found, network, pixels, layers=_stages(network), class_names=classes,
        first_token=config.model_type in _FIRST_TOKEN, read=read,
    )  # fmt: skip


def _grey(pixels: Preprocess) -> Tensor:
    return pixels(Image.new("RGB", (320, 240), (128, 128, 128)))[None]


def _at(network: Any, name: str) -> Callable[[Tensor], Tensor]:
    """What comes out of a layer, averaged over all places."""

    def read(tensor: Tensor) -> Tensor:
        with capture(network, name, spatial_mean) as seen:
            network(tensor)
        return seen[name]

    return read


def _backbone(
    asked: EncoderRef, network: Any, missing: set[str], config: Any
) -> tuple[Callable[[Tensor], Tensor], str, str]:
    """How a network without a head is read: by a trained pooler, else by the first token or a mean."""
    chosen, pooling = asked.options.layer, asked.options.pooling
    if isinstance(chosen, str):
        return _at(network, chosen), chosen, "mean"
    if pooling not in (None, "mean", "cls", "pooler"):
        raise refuse(asked, f"pooling of a picture is 'mean', 'cls' or 'pooler', not {pooling!r}.")
    if pooling is None:
        has_pooler = (
            not missing and chosen is None and (hasattr(network, "pooler") and network.pooler is not None)
        )
        first = config.model_type in _FIRST_TOKEN
        pooling = "pooler" if has_pooler else "cls" if first else "mean"
    number = -1 if chosen is None else chosen
    if pooling == "pooler" and (missing or chosen is not None):
        raise refuse(asked, "pooling='pooler' goes with its last layer, and needs a pooler that was trained.")

    def read(tensor: Tensor) -> Tensor:
        out = network(pixel_values=tensor, output_hidden_states=chosen is not None)
        if pooling == "pooler":
            if getattr(out, "pooler_output", None) is None:
                raise refuse(asked, "it has no pooler: pass pooling='mean' or 'cls'.")
            return torch.as_tensor(out.pooler_output).flatten(1)
        states = out.last_hidden_state if chosen is None else _numbered(out.hidden_states, number, asked)
        if pooling == "cls" and states.ndim == 3:
            return torch.as_tensor(states[:, 0])
        if pooling == "cls":
            raise refuse(asked, "it has no first token: pass pooling='mean'.")
        return spatial_mean(states)

    layer = "last_hidden_state" if chosen is None else f"hidden_states[{number}]"
    return read, "pooler_output" if pooling == "pooler" else layer, pooling


def _numbered(states: Any, number: int, asked: EncoderRef) -> Tensor:
    if not -len(states) <= number < len(states):
        raise refuse(asked, f"layer must be a number from {-len(states)} to {len(states) - 1}.")
    return torch.as_tensor(states[number])


def _stages(network: Any) -> list[str]:
    """Names of the layers that stand in a row: the longest list of them."""
    lists = [
        (name, len(module))
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.ModuleList)
        and name.split(".")[-1] in ("layer", "layers", "stages", "blocks")
    ]
    outermost = min(lists, key=lambda pair: pair[0].count("."), default=None)
    return [f"{outermost[0]}.{i}" for i in range(outermost[1])] if outermost else []


def load_towers(asked: EncoderRef, found: LocalWeights, config: Any) -> TwoTowers:
    """CLIP or SigLIP from its folder: pictures and texts in one space."""
    from transformers import AutoTokenizer, CLIPModel, SiglipModel

    if asked.options.given():
        raise refuse(
            asked, f"{config.model_type} ends in its own projection; it has neither pooling nor layer."
        )
    clip = config.model_type == "clip"
    network, _ = read_network(
        CLIPModel if clip else SiglipModel, found, str(asked), lambda key: "position_ids" in key
    )
    tokenizer = AutoTokenizer.from_pretrained(str(found.path), local_files_only=True, trust_remote_code=False)
    card = card_of(
        asked,
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
    return TwoTowers(card, found, network, tokenizer, preprocess_of(found.path, str(asked)), padding)
