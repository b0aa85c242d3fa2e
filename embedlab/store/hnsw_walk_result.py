"""A search through an HNSW graph, told step by step: as a table, in words, and as a moving picture."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from embedlab.analysis.projection import Projection, project
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem
from embedlab.io.atomic import atomic_write
from embedlab.store.hnsw_walk import HnswGraph, Step, build_graph, walk
from embedlab.store.indexes import check_count
from embedlab.store.provenance import Origin, Record
from embedlab.store.query import query_vector

if TYPE_CHECKING:
    from embedlab.store.hnsw_walk_view import WalkView

PNG, WIDGET, PLAIN = "image/png", "application/vnd.jupyter.widget-view+json", "text/plain"


def hnsw_walk(
    embeddings: Embeddings | Projection,
    query: Any,
    *,
    k: int = 5,
    ef: int = 16,
    M: int = 8,
    ef_construction: int = 40,
) -> HnswWalk:
    """Watch how HNSW, the usual index of vector databases, finds the neighbours of a query.

    The graph is a real one, built by FAISS; the search is a short loop in Python
    (:func:`embedlab.store.hnsw_walk.walk`) that finds what FAISS finds, in as many comparisons.

    Parameters
    ----------
    embeddings : Embeddings or Projection
        What is searched, by cosine. Embeddings get a map (UMAP) when the walk is first looked at.
    query : str, Path, picture, ndarray of shape (dim,), or Embeddings of one row
        As for :meth:`VectorStore.search`.
    k : int
        How many neighbours are wanted.
    ef : int
        How many of the nearest so far are kept and opened on the lowest layer, at least ``k``: more find
        more, and compare more.
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
        When there is nothing to search, or a vector is all zeros.
    WrongModel
        When the query is of another model.
    StoreError
        For settings that are not possible.

    Examples
    --------
    >>> walk = el.hnsw_walk(emb, "why is the night sky dark?")
    >>> walk.compared, walk.recall
    """
    map = embeddings if isinstance(embeddings, Projection) else None
    emb = embeddings.embeddings if isinstance(embeddings, Projection) else embeddings
    if not len(emb):
        raise BadItem("There is nothing to search: these embeddings have 0 items.")
    for name, value, least in (
        ("k", k, 1),
        ("ef", ef, k),
        ("M", M, 2),
        ("ef_construction", ef_construction, 1),
    ):
        check_count(name, value, least)
    from embedlab.embedders.loading import load_again

    record = Record({"vector": Origin.of(emb)}, emb.items.modality, emb.items.name, "HNSW", "COSINE")
    vector = query_vector(query, record, emb.items.name, None, load_again)[1]
    unit = np.asarray(vector / np.linalg.norm(vector), np.float32)
    units = np.ascontiguousarray(unit_rows(emb.vectors), np.float32)
    graph = build_graph(units, M=M, ef_construction=ef_construction)
    exact = np.argsort(-(units @ unit), kind="stable")[:k]
    asked = query if isinstance(query, str) else "the query"
    made = HnswWalk(emb, asked, k, ef, graph, list(walk(graph, units, unit, ef)), units @ unit, exact)
    if map is not None:
        made.__dict__["projection"] = map
    return made


@dataclass(frozen=True, eq=False, repr=False)
class HnswWalk:
    """One search through an HNSW graph.

    Attributes
    ----------
    embeddings : Embeddings
        What was searched.
    query : str
        What was asked.
    k, ef : int
        How many neighbours were wanted, and how many were kept on the way.
    graph : HnswGraph
    trace : list of Step
        What the search did; :attr:`steps` has it as a table.
    cosines : ndarray, shape (n_items,), float32
        Of each item with the query. The search computed :attr:`compared` of them.
    exact_rows : ndarray, shape (k,)
        Rows of the true neighbours, from comparing everything.
    """

    embeddings: Embeddings
    query: str
    k: int
    ef: int
    graph: HnswGraph
    trace: list[Step] = field()
    cosines: np.ndarray = field()
    exact_rows: np.ndarray = field()

    @cached_property
    def projection(self) -> Projection:
        """The map on which the walk is drawn."""
        return project(self.embeddings)

    @property
    def rows(self) -> list[int]:
        """Rows of what was found, nearest first."""
        return list(self.trace[-1].best[: self.k])

    @property
    def found(self) -> pd.DataFrame:
        """What was found: ``rank``, ``id``, ``score`` (cosine), ``true`` (a true neighbour), ``title``."""
        ids = [self.embeddings.ids[row] for row in self.rows]
        return pd.DataFrame(
            {
                "rank": range(1, len(ids) + 1),
                "id": ids,
                "score": self.cosines[self.rows].astype(float),
                "true": np.isin(self.rows, self.exact_rows),
                "title": [self.embeddings.items.title(id) for id in ids],
            }
        )

    @property
    def compared(self) -> int:
        """How many distances the search computed; exact search computes one for each item."""
        return self.trace[-1].compared

    @property
    def recall(self) -> float:
        """Share of the true neighbours that were found."""
        return float(np.isin(self.exact_rows, self.rows).mean())

    @property
    def steps(self) -> pd.DataFrame:
        """One row a step: where it stands, what it compared, and what happened in words.

        ``looked`` is how many distances the step computed, ``nearest`` the nearest item so far.
        """
        ids = self.embeddings.ids
        return pd.DataFrame(
            [
                {
                    "layer": step.layer,
                    "kind": step.kind,
                    "id": ids[step.row],
                    "looked": len(step.looked),
                    "compared": step.compared,
                    "nearest": ids[step.best[0]],
                    "score": float(self.cosines[step.best[0]]),
                    "words": words,
                }
                for step, words in zip(self.trace, self.words, strict=True)
            ]
        )

    @cached_property
    def words(self) -> list[str]:
        """What happens at each step, in one or two sentences."""
        told, before = [], self.trace[0]
        for step in self.trace:
            told.append(self._told(step, before))
            before = step
        return told

    def _told(self, step: Step, before: Step) -> str:
        here, best = self._title(step.row), self._title(step.best[0])
        count, near = len(step.looked), f"cosine {self.cosines[step.best[0]]:.2f}"
        links = f"{count} link{'s' * (count != 1)}"
        if step.kind == "enter":
            return f"Enter at the top. Every search begins at the same item, {here} ({near})."
        if step.kind == "move":
            return (
                f"Follow the {links} from here. Of these, {best} is nearest to the query ({near}): go there."
            )
        if step.kind == "down":
            why = f"None of the {links} from {here} leads nearer" if count else f"Nothing is linked to {here}"
            return f"{why}. Down to layer {step.layer - 1}, at the same item."
        if step.kind == "open":
            new = len({*step.best} & {*step.looked})
            rank = "the place where we came down" if before.layer else "the nearest not opened yet"
            return (
                f"Open {here}, {rank}. {count} of its links are new; {new} of them are among the {self.ef} "
                f"best so far. Nearest: {near}."
            )
        right = round(self.recall * len(self.exact_rows))
        missed = " A cross marks what was missed." if right < len(self.exact_rows) else ""
        return (
            f"All of the {len(step.best)} best are opened, and no link leads nearer: stop. {right} of the "
            f"true {len(self.exact_rows)} nearest found in {step.compared} comparisons; exact search needs "
            f"{len(self.embeddings):,}.{missed}"
        )

    def _title(self, row: int) -> str:
        return f"“{self.embeddings.items.title(self.embeddings.ids[row], 44)}”"

    # -- pictures ----------------------------------------------------------------------------------------

    def to_html(self, path: str | Path) -> Path:
        """Write the walk as a page with play button and slider, which needs neither Python nor a network."""
        from embedlab.store.hnsw_walk_view import page

        target = Path(path)
        text = page(self)
        with atomic_write(target) as part:
            part.write_text(text, encoding="utf-8")
        return target

    def to_gif(self, path: str | Path) -> Path:
        """Write the walk as a moving picture for slides."""
        return self._write(Path(path), "gif")

    def to_png(self, path: str | Path, *, moving: bool = False) -> Path:
        """Write the last step as a picture, or with ``moving=True`` all of them (an APNG)."""
        return self._write(Path(path), "apng" if moving else "png")

    def _write(self, target: Path, form: str) -> Path:
        from embedlab.store.hnsw_walk_picture import picture

        target.write_bytes(picture(self, form))
        return target

    @cached_property
    def _view(self) -> WalkView:
        from embedlab.store.hnsw_walk_view import WalkView

        return WalkView(self)

    def __repr__(self) -> str:
        return (
            f"HnswWalk: {len(self.rows)} neighbours of {self.query!r}, recall {self.recall:.2f}, "
            f"{self.compared} comparisons instead of {len(self.embeddings):,}"
        )

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, and for where no Python runs a PNG that moves (an APNG)."""
        from embedlab.store.hnsw_walk_picture import picture

        view = {"version_major": 2, "version_minor": 0, "model_id": self._view.model_id}
        png = base64.b64encode(picture(self, "apng")).decode("ascii")
        return {PLAIN: repr(self), WIDGET: view, PNG: png}, {}
