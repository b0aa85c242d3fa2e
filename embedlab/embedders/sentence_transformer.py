"""Any sentence-transformers model: ``st:org/name``, or a folder that the library saved.

What such a model does is written in the folder itself: ``modules.json`` lists its parts, ``1_Pooling`` says
how token vectors become one, ``config_sentence_transformers.json`` which words go before a query and a
document.
"""

from __future__ import annotations

import copy
import math
import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from embedlab.catalog.cards import ModelCard
from embedlab.catalog.refs import SentenceTransformerRef
from embedlab.embedders.text import TextEmbedder, read_network
from embedlab.embeddings import Embeddings
from embedlab.errors import OnError
from embedlab.items import Items
from embedlab.weights import LocalWeights, untrusted

# The names under which models keep their prompts.
_QUERY = ("query", "search_query", "s2p_query", "retrieval.query")
_DOCUMENT = ("document", "passage", "corpus", "search_document", "retrieval.passage")
_POOLING = {
    "lasttoken": "last",
    "weightedmean": "weighted mean",
    "mean_sqrt_len_tokens": "sum / sqrt(tokens)",
}
# Families that were trained with prompts, and published before there was a place to write them down.
_WANT_PROMPTS = re.compile(r"/(multilingual-)?e5-(small|base|large)|/bge-(small|base|large)-en")


class SentenceEmbedder(TextEmbedder):
    """A sentence-transformers model behind the :class:`~embedlab.embedders.base.Embedder` protocol.

    Documents, which is what :meth:`embed` reads, get ``card.document_prompt`` before them, and queries
    ``card.query_prompt``: :meth:`embed_query`, the search of a store, and the queries of a comparison.
    """

    def __init__(self, asked: SentenceTransformerRef, found: LocalWeights) -> None:
        self.path = found.path
        safetensors = any(self.path.glob("*.safetensors")) or any(self.path.glob("*/*.safetensors"))
        self.network = read_network(self.path, safetensors)
        prompts = {name: text for name, text in self.network.prompts.items() if text}
        default = prompts.get(self.network.default_prompt_name or "", "")
        self.network.default_prompt_name = None  # each prompt is passed by name of its use
        chosen = asked.options
        query = _first(prompts, _QUERY, default) if chosen.query_prompt is None else chosen.query_prompt
        document = (
            _first(prompts, _DOCUMENT, default) if chosen.document_prompt is None else chosen.document_prompt
        )
        longest = self.network.max_seq_length
        endless = longest is None or not math.isfinite(longest)
        self.max_tokens = 10**9 if endless else int(longest)
        self.dim = int(self.network.get_embedding_dimension())
        layer, pooling, normalized = _parts(self.network)
        self.card = ModelCard(
            name=str(asked),
            modality="text",
            dim=self.dim,
            params=sum(p.numel() for p in self.network.parameters()),
            licence=untrusted.licence_of(self.path),
            summary=_summary(query, document),
            layer=layer,
            pooling=pooling,
            normalized=normalized,
            max_tokens=None if endless else self.max_tokens,
            homepage=asked.homepage,
            revision=found.revision,
            sha256=found.sha256,
            source=found.source,
            query_prompt=query,
            document_prompt=document,
        )
        self._prompt = document
        if (
            not (query or document)
            and chosen.query_prompt is None
            and _WANT_PROMPTS.search(asked.target.lower())
        ):
            warnings.warn(
                f"{asked} was trained with words before each text, and its configuration does not name "
                "them. Its "
                "homepage does; for E5: load_model(…, query_prompt='query: ', document_prompt='passage: ').",
                stacklevel=4,
            )

    def embed_query(self, x: Any) -> np.ndarray:
        """Vector of one query, with the words before it that the model wants before queries."""
        return self._asking().embed_item(x)

    def embed_item(self, x: Any) -> np.ndarray:
        """Vector of one text as :meth:`embed` would give it, shape (dim,), never cached."""
        return super().embed_query(x)

    def embed_queries(
        self, items: Items, *, batch_size: int = 32, progress: bool | None = None, on_error: OnError = "raise"
    ) -> Embeddings:
        """As :meth:`embed`, with the words before queries instead of those before documents."""
        return self._asking().embed(items, batch_size=batch_size, progress=progress, on_error=on_error)

    def _asking(self) -> SentenceEmbedder:
        """The same model for queries."""
        twin = copy.copy(self)
        twin._prompt = self.card.query_prompt
        return twin

    def _preprocessing(self) -> dict[str, Any]:
        return {"prompt": self._prompt}


def _first(prompts: Mapping[str, str], names: Iterable[str], default: str) -> str:
    return next((prompts[name] for name in names if name in prompts), default)


def _parts(network: Iterable[Any]) -> tuple[str, str, bool]:
    """What is read, how it is pooled, and whether it ends at length 1."""
    layer, pooling, normalized = "last_hidden_state", "none", False
    for place, module in enumerate(network):
        kind = type(module).__name__
        normalized = kind == "Normalize"
        if kind == "Pooling":
            modes = module.pooling_mode if isinstance(module.pooling_mode, tuple) else (module.pooling_mode,)
            pooling = " and ".join(_POOLING.get(str(mode), str(mode)) for mode in modes)
        elif kind == "StaticEmbedding":
            layer, pooling = "token embeddings", "mean"
        elif kind in ("Dense", "LayerNorm"):
            layer += f" → {place}_{kind}"
    return layer, pooling, normalized


def _summary(query: str, document: str) -> str:
    if not query and not document:
        return "A sentence-transformers model."
    return f"A sentence-transformers model; {query!r} goes before a query, {document!r} before a document."


def load(asked: SentenceTransformerRef, found: LocalWeights) -> SentenceEmbedder:
    """Load a sentence-transformers model from its folder.

    Raises
    ------
    NotAModel
        When the folder was not saved by sentence-transformers.
    """
    if not untrusted.read_modules(found.path):
        raise untrusted.NotAModel(
            f"{asked} has no modules.json: it was not made with sentence-transformers. Load it as "
            f"hf:{asked.target}, which finds the pooling or asks you for it."
        )
    return SentenceEmbedder(asked, found)
