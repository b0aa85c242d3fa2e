"""Models that sentence-transformers runs: those of the catalogue, ``st:org/name``, and folders it saved.

The folder itself says what such a model does: ``modules.json`` lists its parts, ``1_Pooling`` says how token
vectors become one, and ``config_sentence_transformers.json`` has the prompts, the words before a query and
before a document.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from embedlab.catalog.cards import ModelCard
from embedlab.catalog.refs import SentenceTransformerRef
from embedlab.embedders.quiet import quiet_loading
from embedlab.embedders.text import MAX_CHARS, TextEmbedder
from embedlab.embeddings import Embeddings
from embedlab.errors import OnError
from embedlab.items import Items
from embedlab.weights import LocalWeights, untrusted

# The names under which models store their prompts.
_QUERY_NAMES = ("query", "search_query", "s2p_query", "retrieval.query")
_DOCUMENT_NAMES = ("document", "passage", "corpus", "search_document", "retrieval.passage")
_POOLING_NAMES = {
    "lasttoken": "last",
    "weightedmean": "weighted mean",
    "mean_sqrt_len_tokens": "sum / sqrt(tokens)",
}
# Families that were trained with prompts, and published before there was a place to write them down.
_TRAINED_WITH_PROMPTS = re.compile(r"/(multilingual-)?e5-(small|base|large)|/bge-(small|base|large)-en")
_UNLIMITED = 10**9  # tokens, for a model that states no limit
_DEFAULT_MAX_TOKENS = 512


@dataclass(frozen=True)
class Prompts:
    """The words before each query and before each document; both may be empty."""

    query: str
    document: str


class SentenceTransformerEmbedder(TextEmbedder):
    """A sentence-transformers model behind the :class:`~embedlab.embedders.protocol.Embedder` protocol.

    Parameters
    ----------
    card : ModelCard
        With the sha256 and source of the loaded weights.
    network : SentenceTransformer
    path : Path
        The folder that the network was loaded from.
    max_tokens : int
    prompts : Prompts, optional
        :meth:`embed` puts ``prompts.document`` before each item; :meth:`embed_query`, the search of a store
        and the queries of a comparison put ``prompts.query`` before each query. None: the model has none.
    """

    network: SentenceTransformer

    def __init__(
        self,
        card: ModelCard,
        network: SentenceTransformer,
        path: Path,
        max_tokens: int,
        prompts: Prompts | None = None,
    ) -> None:
        self.card, self.dim = card, card.dim
        self.network, self.path, self.max_tokens = network, path, max_tokens
        self._prompts = prompts
        self._prompt = prompts.document if prompts else ""

    def embed_query(self, x: Any) -> np.ndarray:
        """Embed one query with the model's prompt for queries, shape (dim,), float32; never cached."""
        return TextEmbedder.embed_query(self._for_queries(), x)

    def embed_queries(
        self, items: Items, *, batch_size: int = 32, progress: bool | None = None, on_error: OnError = "raise"
    ) -> Embeddings:
        """Embed items that are queries: like :meth:`embed`, but with the model's prompt for queries."""
        return self._for_queries().embed(items, batch_size=batch_size, progress=progress, on_error=on_error)

    def _for_queries(self) -> SentenceTransformerEmbedder:
        twin = copy.copy(self)
        twin._prompt = self._prompts.query if self._prompts else ""
        return twin

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        with torch.inference_mode():
            vectors = self.network.encode(
                [text[:MAX_CHARS] for text in prepared],
                batch_size=batch_size,
                show_progress_bar=False,
                normalize_embeddings=self.card.normalized,
                prompt=self._prompt,
            )
        return np.asarray(vectors, np.float32)

    def _token_ids(self, texts: list[str]) -> list[list[int]]:
        tokens = self.network.tokenizer(texts, truncation=False, padding=False, verbose=False)
        return list(tokens["input_ids"])

    def _preprocessing(self) -> dict[str, Any]:
        return {"prompt": self._prompt} if self._prompts else {}


# -- loading -------------------------------------------------------------------------------------------------


def load_pinned(card: ModelCard, found: LocalWeights) -> SentenceTransformerEmbedder:
    """Load a model of the catalogue from a folder with its pinned weights."""
    network = _read_network(found.path)
    card = dataclasses.replace(card, source=found.source, sha256=found.sha256)
    max_tokens = int(network.max_seq_length or card.max_tokens or _DEFAULT_MAX_TOKENS)
    return SentenceTransformerEmbedder(card, network, found.path, max_tokens)


def load(ref: SentenceTransformerRef, found: LocalWeights) -> SentenceTransformerEmbedder:
    """Load any sentence-transformers model from its folder.

    Raises
    ------
    NotAModel
        When the folder was not saved by sentence-transformers.
    """
    if not untrusted.read_modules(found.path):
        raise untrusted.NotAModel(
            f"{ref} has no modules.json, so it was not made with sentence-transformers. Load it as "
            f"hf:{ref.target}, which finds the pooling or asks you for it.",
            model=str(ref),
        )
    safetensors = any(found.path.glob("*.safetensors")) or any(found.path.glob("*/*.safetensors"))
    network = _read_network(found.path, safetensors)
    prompts = _choose_prompts(ref, network)
    limit = network.max_seq_length
    max_tokens = int(limit) if limit is not None and math.isfinite(limit) else None
    layer, pooling, normalized = _describe_modules(network)
    dim = network.get_embedding_dimension()
    if dim is None:
        raise untrusted.NotAModel(
            f"{ref} does not state the length of its vectors. Save it again with sentence-transformers.",
            model=str(ref),
        )
    card = ModelCard(
        name=str(ref),
        modality="text",
        dim=dim,
        params=sum(p.numel() for p in network.parameters()),
        licence=untrusted.licence_of(found.path),
        summary=_summary(prompts),
        layer=layer,
        pooling=pooling,
        normalized=normalized,
        max_tokens=max_tokens,
        homepage=ref.homepage,
        revision=found.revision,
        sha256=found.sha256,
        source=found.source,
        query_prompt=prompts.query,
        document_prompt=prompts.document,
    )
    return SentenceTransformerEmbedder(card, network, found.path, max_tokens or _UNLIMITED, prompts)


def _read_network(folder: Path, safetensors: bool = True) -> SentenceTransformer:
    """Read a network from a folder; files other than safetensors are read as weights only."""
    with quiet_loading():
        return SentenceTransformer(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            # The folder has settings of its own: without weights_only it could ask for pickles.
            model_kwargs={"use_safetensors": safetensors, "weights_only": True, "dtype": torch.float32},
        ).eval()


def _choose_prompts(ref: SentenceTransformerRef, network: SentenceTransformer) -> Prompts:
    """Take the prompts that the user chose, otherwise those in the model's configuration."""
    stored = {name: text for name, text in network.prompts.items() if text}
    default = stored.get(network.default_prompt_name or "", "")
    network.default_prompt_name = None  # every call passes its prompt
    query, document = ref.options.query_prompt, ref.options.document_prompt
    prompts = Prompts(
        _first_of(stored, _QUERY_NAMES, default) if query is None else query,
        _first_of(stored, _DOCUMENT_NAMES, default) if document is None else document,
    )
    unstated = query is None and not (prompts.query or prompts.document)
    if unstated and _TRAINED_WITH_PROMPTS.search(ref.target.lower()):
        warnings.warn(
            f"{ref} was trained with prompts, words before each text, but its configuration does not contain "
            "them. Look them up on its homepage and pass them; for E5: "
            "load_model(…, query_prompt='query: ', document_prompt='passage: ').",
            stacklevel=6,
        )
    return prompts


def _first_of(prompts: Mapping[str, str], names: Iterable[str], default: str) -> str:
    return next((prompts[name] for name in names if name in prompts), default)


def _describe_modules(network: SentenceTransformer) -> tuple[str, str, bool]:
    """Return the layer that is read, its pooling, and whether the last module normalises."""
    layer, pooling, normalized = "last_hidden_state", "none", False
    for index, module in enumerate(network):
        kind = type(module).__name__
        normalized = kind == "Normalize"
        if kind == "Pooling":
            modes = module.pooling_mode if isinstance(module.pooling_mode, tuple) else (module.pooling_mode,)
            pooling = " and ".join(_POOLING_NAMES.get(str(mode), str(mode)) for mode in modes)
        elif kind == "StaticEmbedding":
            layer, pooling = "token embeddings", "mean"
        elif kind in ("Dense", "LayerNorm"):
            layer += f" → {index}_{kind}"
    return layer, pooling, normalized


def _summary(prompts: Prompts) -> str:
    if not prompts.query and not prompts.document:
        return "A sentence-transformers model."
    return (
        f"A sentence-transformers model; {prompts.query!r} goes before a query, "
        f"{prompts.document!r} before a document."
    )
