"""The state of an explorer, without a view: states are traits, actions are methods."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import cast

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
    color_by_values,
    color_items,
    group_by_class,
    list_colorings,
)
from embedlab.explorer.search import (
    TEXT_MODALITIES,
    Neighbor,
    check_same_model,
    compute_cosines,
    find_nearest,
    list_image_rows,
)
from embedlab.explorer.tags import TagHistory
from embedlab.items import Items

N_LANDING = 5  # items whose median is where a query lands; one that lies elsewhere does not move it far


class State(traitlets.HasTraits):
    """The traits and the actions of :class:`~embedlab.explorer.Explorer`, which documents them."""

    clicked_id = traitlets.Unicode(None, allow_none=True)
    selected_ids = traitlets.Tuple()
    query = traitlets.Unicode("")
    hits = traitlets.Tuple()
    color_by = traitlets.Unicode("none")
    k_neighbors = traitlets.Int(10, min=1)

    def _set_up(self, projections: list[Projection], color_by: str | None, model: Embedder | None) -> None:
        self.projections, self.projection = projections, projections[0]
        self._items = self.projection.embeddings.items
        self._tags = TagHistory()
        self._query_scores: np.ndarray | None = None  # of all items
        self._answered_query = ""  # the query that `hits` answer
        self._landing_rows: list[int] = []  # the items nearest to the query, of any kind
        if model is not None:
            check_same_model(model, self.projection.embeddings)
        self._model = model
        default = LABEL if LABEL in self.colorings else NONE
        self.color_by = default if color_by is None else color_by

    # -- actions ------------------------------------------------------------------------------------------

    def click(self, id: str) -> None:
        """Show one item and its nearest neighbours in the full space.

        Raises
        ------
        BadItem
            If there is no item with this id.
        """
        self.clicked_id = id

    def select(self, ids: Iterable[str]) -> None:
        """Select items, as the lasso does; an empty list clears the selection."""
        self.selected_ids = tuple(ids)

    def search(self, text: str, k: int = 10) -> list[tuple[str, float]]:
        """Embed a query with the model of the items and highlight the nearest items.

        Parameters
        ----------
        text : str
            Blank to clear the query.
        k : int
            Number of hits.

        Returns
        -------
        list of (str, float)
            Id and cosine, the best first; the same as :attr:`hits` afterwards. The search is exact. Among
            images and texts, only images are found.

        Raises
        ------
        EmbedlabError
            If the weights cannot be found, or are not those that made the embeddings.
        """
        if k < 1:
            raise BadItem(f"k must be at least 1, not {k}.")
        found: list[Neighbor] = []
        emb, query = self.projection.embeddings, np.empty(0)
        if text.strip():
            query = self.model.embed_query(text)
            found = find_nearest(emb, query, k, list_image_rows(self._items))
            self._landing_rows = [near.row for near in find_nearest(emb, query, N_LANDING)]
        hits = [(self._items.ids[near.row], near.score) for near in found]
        self._answered_query = text if hits else ""
        self._query_scores = compute_cosines(emb.vectors, query) if hits else None
        self._update_colorings()
        with self.hold_trait_notifications():
            self.query, self.hits = self._answered_query, tuple(hits)
            if hits:
                self.clicked_id = None  # the panel shows the hits, no longer an item
        return hits

    def color(self, by: str) -> None:
        """Colour the points by ``"label"``, a metadata column, ``"distortion"`` or ``"none"``.

        With several models also by ``"disagreement"``; after a query by ``"query score"``; once an item has
        a tag, by ``"tag"``.
        """
        self.color_by = by

    def clear(self) -> None:
        """Clear the clicked item, the selection and the query."""
        self._answered_query, self._query_scores = "", None
        self._update_colorings()
        with self.hold_trait_notifications():
            self.clicked_id, self.selected_ids, self.query, self.hits = None, (), "", ()

    def tag(self, name: str, ids: Iterable[str] | None = None) -> None:
        """Give items a tag, the column ``tag`` of :attr:`items`; an item has at most one.

        Parameters
        ----------
        name : str
            Empty to remove the tags of these items.
        ids : iterable of str, optional
            By default the selection.

        Raises
        ------
        BadItem
            If nothing is selected and no ids are given, if an id is unknown, or if the items already have a
            column ``tag``.
        """
        chosen = list(self.selected_ids if ids is None else ids)
        if not chosen:
            raise BadItem("Nothing is selected. Draw around some points first, or pass their ids.")
        if TAG in self.projection.embeddings.items.frame.columns:
            raise BadItem(f"The items have a column {TAG!r} already. Rename it before exploring them.")
        self._items.positions(chosen)  # raises for an unknown id
        self._tags.give(chosen, name.strip())
        self._update_tags()

    def undo(self) -> None:
        """Undo the last :meth:`tag`, if there is one."""
        if self._tags.undo():
            self._update_tags()

    # -- what can be read ---------------------------------------------------------------------------------

    @property
    def tags(self) -> dict[str, str]:
        """The tags by id."""
        return self._tags.current

    @property
    def items(self) -> Items:
        """The items, with a column ``tag`` once one of them has a tag; None in the others."""
        items, tags = self.projection.embeddings.items, self.tags
        if not tags:
            return items
        frame = items.frame.copy(deep=False)
        frame[TAG] = pd.Series([tags.get(id) for id in items.ids], dtype=object, index=frame.index)
        return Items(frame, items.modality, items.name)

    @property
    def selection(self) -> Items:
        """The selected items, in the items' order."""
        return self._items.select(list(self.selected_ids))

    @property
    def colorings(self) -> list[str]:
        """What the points can be coloured by at the moment; see :meth:`color`."""
        from_items = list_colorings(self.projection.embeddings.items)
        disagreement = [DISAGREEMENT] if len(self.projections) > 1 else []
        return [*from_items, *disagreement, *self._passing_colorings]

    @property
    def can_search(self) -> bool:
        """Whether a query in words works: the model reads text, and can be loaded by its name."""
        card = self.projection.embeddings.model
        has_model = self._model is not None or is_loadable(card.name)
        return card.modality in TEXT_MODALITIES and has_model

    @property
    def model(self) -> Embedder:
        """The model that embeds queries; loaded and checked against the embeddings on first use."""
        if self._model is None:
            embedder = load_again(self.projection.embeddings.model)
            check_same_model(embedder, self.projection.embeddings)
            self._model = embedder
        return self._model

    # -- colours and places -------------------------------------------------------------------------------

    @property
    def _passing_colorings(self) -> list[str]:
        """Colourings that come and go."""
        return [TAG] * bool(self.tags) + [SCORE] * (self._query_scores is not None)

    def _update_tags(self) -> None:
        self._items = self.items
        self._update_colorings()

    def _update_colorings(self) -> None:
        """Fall back to plain points if the present colouring is gone."""
        if self.color_by not in self.colorings:
            self.color_by = NONE

    def _color_items(self, by: str) -> Coloring:
        """Colour every item by one of :attr:`colorings`."""
        if by in list_colorings(self.projection.embeddings.items):
            return color_items(self.projection, by)
        if by == TAG:
            tags = self.tags
            return Coloring(TAG, TAG, group_by_class([tags.get(id) for id in self._items.ids]))
        if by == SCORE and self._query_scores is not None:
            return color_by_values(SCORE, "cosine to the query", self._query_scores, reverse=True)
        overlap = neighbor_overlap([projection.neighbors for projection in self.projections])
        found = color_by_values(DISAGREEMENT, "neighbours not shared", 1 - overlap, reverse=True)
        return dataclasses.replace(found, limits=(0.0, 1.0))

    def _color_maps(self) -> list[Coloring]:
        """Colour each map as it is now; distortion differs between the maps."""
        if self.color_by == DISTORTION:
            return [color_items(projection, DISTORTION) for projection in self.projections]
        return [self._color_items(self.color_by)] * len(self.projections)

    def _locate_query(self) -> list[list[float]]:
        """Estimate where the query would lie on each map: the median of its nearest items."""
        return [np.median(p.coords[self._landing_rows], axis=0).tolist() for p in self.projections]

    # -- validation of the traits -------------------------------------------------------------------------

    @traitlets.observe("query")
    def _search_query(self, _change: object) -> None:
        """Search when ``explorer.query`` is set, as the search box does."""
        if self.query != self._answered_query:
            self.search(self.query)

    @traitlets.validate("clicked_id")
    def _check_id(self, proposal: traitlets.Bunch) -> str | None:
        id = proposal["value"]
        if id is not None:
            self._items.positions([id])  # raises for an unknown id
        return cast("str | None", id)

    @traitlets.validate("selected_ids")
    def _check_ids(self, proposal: traitlets.Bunch) -> tuple[str, ...]:
        rows = set(self._items.positions(list(proposal["value"])).tolist())
        return tuple(self._items.ids[row] for row in sorted(rows))

    @traitlets.validate("hits")
    def _check_hits(self, proposal: traitlets.Bunch) -> tuple[tuple[str, float], ...]:
        hits = tuple((str(id), float(score)) for id, score in proposal["value"])
        self._items.positions([id for id, _ in hits])
        return hits

    @traitlets.validate("color_by")
    def _check_coloring(self, proposal: traitlets.Bunch) -> str:
        by = proposal["value"]
        if by not in self.colorings:
            raise BadItem(f"Cannot colour by {by!r}: choose one of {', '.join(map(repr, self.colorings))}.")
        return cast(str, by)
