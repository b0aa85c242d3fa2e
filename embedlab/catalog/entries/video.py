"""Video models: their cards and their pinned files."""

from __future__ import annotations

from embedlab.catalog.cards import ModelCard, Row
from embedlab.catalog.pins import WeightFile, Weights

MULTIMODAL_PERCEIVER = Weights(
    repo="deepmind/multimodal-perceiver",
    revision="7d9b1a1e76688567bddb5d3ef1d519a8906bc203",
    main="pytorch_model.bin",  # there is no safetensors file at this commit; read with weights_only
    files=(
        WeightFile("config.json", 40_500, None),
        WeightFile(
            "pytorch_model.bin",
            79_500_000,
            "b4793385536f1a1415efe0f7058bcbdb005d2d653876bb4f914631a423dee70d",
        ),
    ),
)

_PERCEIVER = Row(
    ModelCard(
        name="video/perceiver",
        modality="video",
        dim=512,
        params=19_858_855,
        licence="Apache-2.0",
        summary="An autoencoder of short films: 784 vectors hold what is seen and heard in 0.64 seconds.",
        layer="last_hidden_state",
        pooling="mean over the latents",
        normalized=False,
        homepage="https://huggingface.co/deepmind/multimodal-perceiver",
        citation=(
            "Jaegle et al. (2022). Perceiver IO: A General Architecture for Structured Inputs & Outputs. "
            "ICLR. https://arxiv.org/abs/2107.14795"
        ),
        revision=MULTIMODAL_PERCEIVER.revision,
    ),
    MULTIMODAL_PERCEIVER,
    "embedlab.embedders.perceiver:load",
)

PERCEIVER_MINI = Weights(
    main="model.safetensors",
    files=(
        WeightFile("config.json", 1_285, "abbb3e04ddcc4c653135a3b8a55fd8082f28d98a04ff7b142fb3a34b0ffb5ab7"),
        WeightFile(
            "model.safetensors",
            4_201_916,
            "79b157b9ec70612dec523d4ecc54b5676e1affffc1698f83e219bbe23ce652d4",
        ),
    ),
    shipped="perceiver-mini",
)

_PERCEIVER_MINI = Row(
    ModelCard(
        name="video/perceiver-mini",
        modality="video",
        dim=128,
        params=1_046_755,
        licence="CC0-1.0",
        summary="The Perceiver's design, small, trained for this kit on computed clips: for opening the box.",
        layer="last_hidden_state",
        pooling="mean over the latents",
        normalized=False,
        homepage="https://huggingface.co/docs/transformers/model_doc/perceiver",
        citation=(
            "The architecture: Jaegle et al. (2022). Perceiver IO: A General Architecture for Structured "
            "Inputs & Outputs. ICLR. https://arxiv.org/abs/2107.14795"
        ),
    ),
    PERCEIVER_MINI,
    "embedlab.embedders.perceiver:load_mini",
)

_FRAMES_AND_SOUND = Row(
    ModelCard(
        name="video/frames+sound",
        modality="video",
        dim=4352,
        params=77_245_928,
        licence="Apache-2.0 and MIT",
        summary="Eight frames by EfficientNet-Lite0, their change, and the sound by Whisper, side by side.",
        layer="image/efficientnet-lite0 + audio/whisper-base",
        pooling="picture, motion, sound of 8 frames",
        normalized=False,
        homepage="https://github.com/openai/whisper",
        citation=(
            "Late fusion as in Snoek, Worring & Smeulders (2005). Early versus late fusion in semantic video "
            "analysis. ACM Multimedia."
        ),
    ),
    Weights((), ""),
    "embedlab.embedders.fusion:load",
    parts=("image/efficientnet-lite0", "audio/whisper-base"),
)

ROWS = (_PERCEIVER, _PERCEIVER_MINI, _FRAMES_AND_SOUND)
