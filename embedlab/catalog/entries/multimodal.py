"""Models with one space for images and texts: their cards and their pinned files."""

from __future__ import annotations

from embedlab.catalog.cards import ModelCard, Row
from embedlab.catalog.pins import WeightFile, Weights

CLIP_VIT_B32 = Weights(
    repo="openai/clip-vit-base-patch32",
    revision="3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268",
    main="pytorch_model.bin",  # there is no safetensors file at this commit; read with weights_only
    files=(
        WeightFile("config.json", 4_186, "b575ef3c36f2a057fa19e221650105052d61cc9c1a972ec15019c6261ec98770"),
        WeightFile("merges.txt", 524_657, "f526393189112391ce6f9795d4695f704121ce452c3aad1f5335cc41337eba85"),
        WeightFile(
            "pytorch_model.bin",
            605_247_071,
            "a63082132ba4f97a80bea76823f544493bffa8082296d62d71581a4feff1576f",
        ),
        WeightFile(
            "tokenizer.json", 2_224_041, "b556ac8c99757ffb677208af34bc8c6721572114111a6e0aaf5fa69ff0b8d842"
        ),
        WeightFile(
            "tokenizer_config.json", 592, "34b7336e4bee12e0a9730eaf5189f582ef3c3eea5027f65730e5717256755aad"
        ),
        WeightFile("vocab.json", 862_328, "5047b556ce86ccaf6aa22b3ffccfc52d391ea4accdab9c2f2407da5b742d4363"),
    ),
)

SIGLIP_BASE = Weights(
    repo="google/siglip-base-patch16-224",
    revision="7fd15f0689c79d79e38b1c2e2e2370a7bf2761ed",
    main="model.safetensors",
    files=(
        WeightFile("config.json", 400, None),
        WeightFile(
            "model.safetensors",
            812_672_320,
            "2c63cb7d1f2e95ba501893cbb8faeb4ea9a3af295498d35097126228659c2af8",
        ),
        WeightFile("spiece.model", 798_330, None),
        WeightFile("tokenizer_config.json", 700, None),
    ),
)

_CLIP = Row(
    ModelCard(
        name="multimodal/clip-vit-b32",
        modality="image+text",
        dim=512,
        params=151_277_313,
        licence="MIT",
        summary="Two towers, one for pictures and one for texts, trained on 400 million pairs to meet.",
        layer="projection",
        pooling="first token of the picture, last of the text",
        normalized=True,
        max_tokens=77,
        homepage="https://huggingface.co/openai/clip-vit-base-patch32",
        citation=(
            "Radford et al. (2021). Learning Transferable Visual Models From Natural Language Supervision. "
            "ICML. https://arxiv.org/abs/2103.00020"
        ),
        revision=CLIP_VIT_B32.revision,
    ),
    CLIP_VIT_B32,
    "embedlab.embedders.clip:load_clip",
)

_SIGLIP = Row(
    ModelCard(
        name="multimodal/siglip-base",
        modality="image+text",
        dim=768,
        params=203_155_970,
        licence="Apache-2.0",
        summary="Two towers like CLIP's, trained to say yes or no to each pair of picture and text.",
        layer="pooler_output",
        pooling="attention over the patches, last token of the text",
        normalized=True,
        max_tokens=64,
        homepage="https://huggingface.co/google/siglip-base-patch16-224",
        citation=(
            "Zhai, Mustafa, Kolesnikov and Beyer (2023). Sigmoid Loss for Language Image Pre-Training. ICCV. "
            "https://arxiv.org/abs/2303.15343"
        ),
        revision=SIGLIP_BASE.revision,
    ),
    SIGLIP_BASE,
    "embedlab.embedders.clip:load_siglip",
    needs="sentencepiece",
    extra="siglip",
)


def _aligned(text: str, params: int) -> Row:
    card = ModelCard(
        name=f"multimodal/aligned-{text}",
        modality="image+text",
        dim=1280,
        params=params,
        licence="Apache-2.0",
        summary=(
            f"Not CLIP: {text} and EfficientNet-Lite0, joined by the names of 1,000 classes; it saw no pair."
        ),
        layer="avgpool",
        pooling="mean over the picture; sentences by ridge regression",
        normalized=True,
        homepage="https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
        citation=(
            "The idea is a closed-form cousin of Frome et al. (2013). DeViSE: A Deep Visual-Semantic "
            "Embedding Model. NeurIPS."
        ),
    )
    parts = (f"text/{text}", "image/efficientnet-lite0")
    return Row(card, Weights((), ""), "embedlab.embedders.aligned:load", parts=parts)


ROWS = (_CLIP, _SIGLIP, _aligned("minilm", 27_857_192), _aligned("mpnet", 115_121_960))
