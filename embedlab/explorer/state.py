"""What the explorer knows and can do, without anything to look at: states are traits, actions are methods."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import pandas as pd
import traitlets

from embedlab.analysis.agreement import neighbor_overlap
from embedlab.analysis.projection import Projection
from embedlab.embedders import Embedder
from embedlab.embedders.loading import is_loadable, load_again
from embedlab.errors import BadItem
from embedlab.explorer.coloring import (
    DISAGREEMENT,
    DISTORTION,
    LABEL,
    NONE,
    SCORE,
    TAG,
    Coloring,
    choices,
    classes,
    coloring,
    numbers,
)
from embedlab.explorer.search import READS_TEXT, Near, check_same_model, cosines, nearest_to, pictures_of
from embedlab.items import Items

LANDS_AMONG = 5  # items; their median is not drawn away by one that lies elsewhere


class State(traitlets.HasTraits):
    """The traits and the actions of :class:`~embedlab.explorer.Explorer`; see there."""

    clicked_id = traitlets.Unicode(None, allow_none=True)
    selected_ids = traitlets.Tuple()
    query = traitlets.Unicode("")
    hits = traitlets.Tuple()
    color_by = traitlets.Unicode("none")
    k_neighbors = traitlets.Int(10, min=1)

    def _start(self, projections: list[Projection], color_by: str | None, model: Embedder | None) -> None:
        self.projections, self.projection = projections, projections[0]
        projection = self.projection
        self._items = projection.embeddings.items
        self._scores: np.ndarray | None = None  # of all items, for the query
        self._tagged: list[dict[str, str]] = []  # after each tagging
        self._asked = ""  # the query that `hits` answer
        self._lands_among: list[int] = []  # rows of the items nearest to it, whatever their kind
        if model is not None:
            check_same_model(model, projection.embeddings)
        self._model = model
        by_default = LABEL if LABEL in self.colorings else NONE
        self.color_by = by_default if color_by is None else color_by

    # -- what a user, or a program, can do ----------------------------------------------------------------

    def click(self, id: str) -> None:
        """Show one item and its nearest neighbours in the full space; :class:`BadItem` for an unknown id."""
        self.clicked_id = id

    def select(self, ids: Iterable[str]) -> None:
        """Select items, as the lasso does; an empty list selects nothing."""
        self.selected_ids = tuple(ids)

    def search(self, text: str, k: int = 10) -> list[tuple[str, float]]:
        """Embed a query with the same model and light up the nearest items.

        Parameters
        ----------
        text : str
            Blank to take the last query back.
        k : int
            How many hits.

        Returns
        -------
        list of (str, float)
            Id and cosine, best first: what :attr:`hits` holds afterwards. Every item is compared (exact);
            among pictures and texts, only the pictures.

        Raises
        ------
        EmbedlabError
            When the weights cannot be found, or are not those that made the embeddings.
        """
        if k < 1:
            raise BadItem(f"k must be at least 1, not {k}.")
        found: list[Near] = []
        emb, query = self.projection.embeddings, np.empty(0)
        if text.strip():
            query = self.model.embed_query(text)
            found = nearest_to(emb, query, k, pictures_of(self._items))
            self._lands_among = [near.row for near in nearest_to(emb, query, LANDS_AMONG)]
        hits = [(self._items.ids[near.row], near.score) for near in found]
        self._asked = text if hits else ""
        self._scores = cosines(emb.vectors, query) if hits else None
        self._offer_anew()
        with self.hold_trait_notifications():
            self.query, self.hits = self._asked, tuple(hits)
            if hits:
                self.clicked_id = None  # the panel shows the answers, not what was looked at before
        return hits

    def color(self, by: str) -> None:
        """Colour the points by ``"label"``, a metadata column, ``"distortion"`` or ``"none"``.

        Of several models also by ``"disagreement"``; after a query by ``"query score"``, and after a tag was
        given by ``"tag"``.
        """
        self.color_by = by

    def clear(self) -> None:
        """Back to the plain map: no item chosen, nothing selected, no query."""
        self._asked, self._scores = "", None
        self._offer_anew()
        with self.hold_trait_notifications():
            self.clicked_id, self.selected_ids, self.query, self.hits = None, (), "", ()

    def _landing(self) -> list[list[float]]:
        """About where a query would lie on each map: the middle of its nearest items.

        A map has no place of its own for it, and the median is not drawn away by an item that lies elsewhere.
        """
        return [np.median(p.coords[self._lands_among], axis=0).tolist() for p in self.projections]

    def tag(self, name: str, ids: Iterable[str] | None = None) -> None:
        """Give items a tag, which becomes the column ``tag`` of :attr:`items`; an item has one tag at most.

        Parameters
        ----------
        name : str
            Empty to take the tags of these items away.
        ids : iterable of str, optional
            The selection, where nothing else is said.

        Raises
        ------
        BadItem
            When nothing is selected and no ids are given, for an unknown id, or where the items came with a
            column ``tag`` of their own.
        """
        chosen = list(self.selected_ids if ids is None else ids)
        if not chosen:
            raise BadItem("Nothing is selected: draw around some points first, or give their ids.")
        if TAG in self.projection.embeddings.items.frame.columns:
            raise BadItem(f"The items have a column {TAG!r} already. Rename it before exploring them.")
        self._items.positions(chosen)  # raises, naming the unknown id
        self._tagged.append({**self.tags, **dict.fromkeys(chosen, name.strip())})
        self._retagged()

    def undo(self) -> None:
        """Take the last :meth:`tag` back; does nothing when there is none."""
        if self._tagged:
            self._tagged.pop()
            self._retagged()

    @property
    def tags(self) -> dict[str, str]:
        """Which items were tagged, and how: id to tag."""
        return {id: name for id, name in self._tagged[-1].items() if name} if self._tagged else {}

    @property
    def items(self) -> Items:
        """The items with what was done to them here: the column ``tag``, None where there is none."""
        items, tags = self.projection.embeddings.items, self.tags
        if not tags:
            return items
        frame = items.frame.copy(deep=False)
        frame[TAG] = pd.Series([tags.get(id) for id in items.ids], dtype=object, index=frame.index)
        return Items(frame, items.modality, items.name)

    def _retagged(self) -> None:
        """Offer the tags as a colouring, or no longer."""
        self._items = self.items
        self._offer_anew()

    # -- colours ------------------------------------------------------------------------------------------

    @property
    def colorings(self) -> list[str]:
        """What the points can be coloured by now: see :meth:`color`."""
        own = choices(self.projection.embeddings.items)
        return [*own, *([DISAGREEMENT] if len(self.projections) > 1 else []), *self._passing]

    @property
    def _passing(self) -> list[str]:
        """Colourings that come and go."""
        return [TAG] * bool(self.tags) + [SCORE] * (self._scores is not None)

    def _offer_anew(self) -> None:
        """After tags or scores came, changed or went."""
        if self.color_by not in self.colorings:
            self.color_by = NONE

    def _coloring(self, by: str) -> Coloring:
        """The colour of every item for one of :attr:`colorings`."""
        if by in choices(self.projection.embeddings.items):
            return coloring(self.projection, by)
        if by == TAG:
            tags = self.tags
            return Coloring(TAG, TAG, classes([tags.get(id) for id in self._items.ids]))
        if by == SCORE and self._scores is not None:
            return numbers(SCORE, "cosine to the query", self._scores, reverse=True)
        overlap = neighbor_overlap([projection.neighbors for projection in self.projections])
        found = numbers(DISAGREEMENT, "neighbours not shared", 1 - overlap, reverse=True)
        return dataclasses.replace(found, limits=(0.0, 1.0))

    def _colors_of_maps(self) -> list[Coloring]:
        """The colours of now on each map: they differ where they tell how far a map is to be trusted."""
        if self.color_by == DISTORTION:
            return [coloring(projection, DISTORTION) for projection in self.projections]
        return [self._coloring(self.color_by)] * len(self.projections)

    @property
    def selection(self) -> Items:
        """The selected items, in the items' order."""
        return self._items.select(list(self.selected_ids))

    @property
    def can_search(self) -> bool:
        """Whether a query in words can be asked: the model reads text, and can be had by its name."""
        card = self.projection.embeddings.model
        here = self._model is not None or is_loadable(card.name)
        return card.modality in READS_TEXT and here

    @property
    def model(self) -> Embedder:
        """The model that embeds queries; loaded, and compared with the embeddings' own, at first use."""
        if self._model is None:
            embedder = load_again(self.projection.embeddings.model)
            check_same_model(embedder, self.projection.embeddings)
            self._model = embedder
        return self._model

    # -- keeping the traits sound -------------------------------------------------------------------------

    @traitlets.observe("query")
    def _query_set(self, _change: object) -> None:
        """``explorer.query = "…"`` asks, like the search box."""
        if self.query != self._asked:
            self.search(self.query)

    @traitlets.validate("clicked_id")
    def _known_id(self, proposal: Any) -> str | None:
        id = proposal["value"]
        if id is not None:
            self._items.positions([id])  # raises, naming the unknown id
        return cast("str | None", id)

    @traitlets.validate("selected_ids")
    def _known_ids(self, proposal: Any) -> tuple[str, ...]:
        rows = set(self._items.positions(list(proposal["value"])).tolist())
        return tuple(self._items.ids[row] for row in sorted(rows))

    @traitlets.validate("hits")
    def _known_hits(self, proposal: Any) -> tuple[tuple[str, float], ...]:
        hits = tuple((str(id), float(score)) for id, score in proposal["value"])
        self._items.positions([id for id, _ in hits])
        return hits

    @traitlets.validate("color_by")
    def _known_coloring(self, proposal: Any) -> str:
        by = proposal["value"]
        if by not in self.colorings:
            raise BadItem(f"Cannot colour by {by!r}: choose one of {', '.join(map(repr, self.colorings))}.")
        return cast(str, by)
