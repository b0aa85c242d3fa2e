"""A search through an HNSW graph, step by step: as a table, in words, and as a moving picture."""

from __future__ import annotations

import base64
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embedlab.analysis.projection import Projection
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem
from embedlab.io.atomic import atomic_write
from embedlab.store.hnsw_walk import build_graph, walk
from embedlab.store.hnsw_walk_data import WalkData
from embedlab.store.hnsw_walk_picture import Form, draw_walk
from embedlab.store.hnsw_walk_scene import Scene, make_scene
from embedlab.store.hnsw_walk_view import WalkView, render_page
from embedlab.store.index_spec import check_count
from embedlab.store.provenance import CollectionRecord, Origin
from embedlab.store.query import query_vector

if TYPE_CHECKING:
    from embedlab.store.query import Query

PNG, WIDGET, PLAIN = "image/png", "application/vnd.jupyter.widget-view+json", "text/plain"


def hnsw_walk(
    embeddings: Embeddings | Projection,
    query: Query,
    *,
    k: int = 5,
    ef: int = 16,
    M: int = 8,
    ef_construction: int = 40,
) -> HnswWalk:
    """Search an HNSW graph step by step, to watch how it finds the neighbours of a query.

    HNSW is the usual index of vector databases.

    FAISS builds the graph; the search is a short loop in Python (:func:`embedlab.store.hnsw_walk.walk`) that
    finds what FAISS finds, in as many comparisons.

    Parameters
    ----------
    embeddings : Embeddings or Projection
        What is searched, by cosine. Embeddings get a map (UMAP) when the walk is first shown.
    query : str, Path, picture, ndarray of shape (dim,), or Embeddings of one row
        As for :meth:`VectorStore.search`.
    k : int
        How many neighbours are wanted.
    ef : int
        How many of the nearest so far are kept and opened on the lowest layer, at least ``k``. A larger value
        finds more, and compares more.
    M : int
        Links of an item on each upper layer, at least 2; twice as many on layer 0.
    ef_construction : int
        How thoroughly the graph is built.

    Returns
    -------
    HnswWalk
        Shows itself; ``.steps`` and ``.found`` are tables.

    Raises
    ------
    BadItem
        If there is nothing to search, or a vector is all zeros.
    WrongModel
        If the query is of another model.
    StoreError
        For settings that are not possible.

    Examples
    --------
    >>> walk = el.hnsw_walk(emb, "why is the night sky dark?")
    >>> walk.compared, walk.recall
    """
    projection = embeddings if isinstance(embeddings, Projection) else None
    emb = embeddings.embeddings if isinstance(embeddings, Projection) else embeddings
    if not len(emb):
        raise BadItem("There is nothing to search: these embeddings have 0 items.")
    for argument, value, minimum in (
        ("k", k, 1),
        ("ef", ef, k),
        ("M", M, 2),
        ("ef_construction", ef_construction, 1),
    ):
        check_count(argument, value, minimum)
    unit = _query_direction(emb, query)
    units = np.ascontiguousarray(unit_rows(emb.vectors), np.float32)
    graph = build_graph(units, M=M, ef_construction=ef_construction)
    return HnswWalk(
        embeddings=emb,
        query=query if isinstance(query, str) else "the query",
        k=k,
        ef=ef,
        graph=graph,
        trace=list(walk(graph, units, unit, ef)),
        cosines=units @ unit,
        exact_rows=np.argsort(-(units @ unit), kind="stable")[:k],
        given_projection=projection,
    )


def _query_direction(emb: Embeddings, query: Query) -> np.ndarray:
    """Return the query at length 1, shape (dim,), float32."""
    from embedlab.embedders.loading import load_again

    record = CollectionRecord(
        {"vector": Origin.of(emb)}, emb.items.modality, emb.items.name, "HNSW", "COSINE"
    )
    _, vector = query_vector(query, record, emb.items.name, None, load_again)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


class HnswWalk(WalkData):
    """One search through an HNSW graph, which shows itself.

    :class:`~embedlab.store.hnsw_walk_data.WalkData` has the attributes.
    """

    @cached_property
    def _scene(self) -> Scene:
        return make_scene(self)

    @cached_property
    def _view(self) -> WalkView:
        return WalkView(self._scene)

    def to_html(self, path: str | Path) -> Path:
        """Write the walk as a page with play button and slider, which needs neither Python nor a network."""
        target = Path(path)
        text = render_page(self._scene)
        with atomic_write(target) as part:
            part.write_text(text, encoding="utf-8")
        return target

    def to_gif(self, path: str | Path) -> Path:
        """Write the walk as a moving picture for slides."""
        return self._write(Path(path), "gif")

    def to_png(self, path: str | Path, *, moving: bool = False) -> Path:
        """Write the last step as a picture, or with ``moving=True`` all of them (an APNG)."""
        return self._write(Path(path), "apng" if moving else "png")

    def _write(self, target: Path, form: Form) -> Path:
        target.write_bytes(draw_walk(self._scene, form))
        return target

    def __repr__(self) -> str:
        return (
            f"HnswWalk: {len(self.rows)} neighbours of {self.query!r}, recall {self.recall:.2f}, "
            f"{self.compared} comparisons instead of {len(self.embeddings):,}"
        )

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Show the live view, and where no Python runs a PNG that moves (an APNG)."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self._view.model_id}
        png = base64.b64encode(draw_walk(self._scene, "apng")).decode("ascii")
        return {PLAIN: repr(self), WIDGET: view, PNG: png}, {}
