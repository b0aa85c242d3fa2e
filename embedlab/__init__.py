"""embedlab: embed, map, compare and search, and see what happens inside.

>>> import embedlab as el
>>> items = el.load_dataset("notes")
>>> emb = el.embed(items, "text/minilm")
>>> el.explore(emb)

Importing this package is cheap: each public name is loaded when it is first used (PEP 562), so that neither
torch nor umap is paid for by someone who only wants to read a table.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "Chat": "embedlab.applications.chat",
    "Comparison": "embedlab.comparison.result",
    "Embedder": "embedlab.embedders",
    "Embeddings": "embedlab.embeddings",
    "EmbedlabError": "embedlab.errors",
    "Explorer": "embedlab.explorer",
    "HnswWalk": "embedlab.store.hnsw_walk_result",
    "Items": "embedlab.items",
    "ModelCard": "embedlab.catalog.cards",
    "Projection": "embedlab.analysis.projection",
    "VectorStore": "embedlab.store",
    "ask": "embedlab.applications.rag",
    "available": "embedlab.embedders.handlers",
    "chunk": "embedlab.applications.chunking",
    "compare": "embedlab.comparison.compare",
    "datasets": "embedlab.samples.loading",
    "depth_figure": "embedlab.comparison.depth",
    "depth_table": "embedlab.comparison.depth",
    "embed": "embedlab.embedders",
    "embed_layers": "embedlab.embedders",
    "explore": "embedlab.explorer",
    "find_duplicates": "embedlab.applications.duplicates",
    "from_module": "embedlab.embedders.torch_module",
    "hnsw_walk": "embedlab.store.hnsw_walk_result",
    "index_lab": "embedlab.store.index_lab",
    "load_dataset": "embedlab.samples.loading",
    "load_model": "embedlab.embedders",
    "models": "embedlab.embedders.listing",
    "project": "embedlab.analysis.projection",
    "recommend": "embedlab.applications.recommendation",
    "register": "embedlab.embedders.registration",
    "split_audio": "embedlab.media.recordings",
}
# No sub-module may bear one of these names: importing it would put the module in the function's place.
__all__ = sorted([*_WHERE, "__version__"])

if TYPE_CHECKING:
    from embedlab.analysis.projection import Projection as Projection
    from embedlab.analysis.projection import project as project
    from embedlab.applications.chat import Chat as Chat
    from embedlab.applications.chunking import chunk as chunk
    from embedlab.applications.duplicates import find_duplicates as find_duplicates
    from embedlab.applications.rag import ask as ask
    from embedlab.applications.recommendation import recommend as recommend
    from embedlab.catalog.cards import ModelCard as ModelCard
    from embedlab.comparison.compare import compare as compare
    from embedlab.comparison.depth import depth_figure as depth_figure
    from embedlab.comparison.depth import depth_table as depth_table
    from embedlab.comparison.result import Comparison as Comparison
    from embedlab.embedders import Embedder as Embedder
    from embedlab.embedders import embed as embed
    from embedlab.embedders import embed_layers as embed_layers
    from embedlab.embedders import load_model as load_model
    from embedlab.embedders.handlers import available as available
    from embedlab.embedders.listing import models as models
    from embedlab.embedders.registration import register as register
    from embedlab.embedders.torch_module import from_module as from_module
    from embedlab.embeddings import Embeddings as Embeddings
    from embedlab.errors import EmbedlabError as EmbedlabError
    from embedlab.explorer import Explorer as Explorer
    from embedlab.explorer import explore as explore
    from embedlab.items import Items as Items
    from embedlab.media.recordings import split_audio as split_audio
    from embedlab.samples.loading import datasets as datasets
    from embedlab.samples.loading import load_dataset as load_dataset
    from embedlab.store import VectorStore as VectorStore
    from embedlab.store.hnsw_walk_result import HnswWalk as HnswWalk
    from embedlab.store.hnsw_walk_result import hnsw_walk as hnsw_walk
    from embedlab.store.index_lab import index_lab as index_lab


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'embedlab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
