"""The explorer that people see: search box, colour menu, map, detail panel, and the badge of trust."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from embedlab.embedders import Embedder
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.explorer import detail, figure
from embedlab.explorer.coloring import coloring
from embedlab.explorer.detail import Near
from embedlab.explorer.films import mp4
from embedlab.explorer.pictures import are_seen, kind_of, small_picture
from embedlab.explorer.search import neighbors
from embedlab.explorer.sounds import wav
from embedlab.explorer.state import State
from embedlab.explorer.text import clean
from embedlab.explorer.views import MapView, PanelView
from embedlab.projection import NAMES, Method, Projection, project

PNG, WIDGET, PLAIN = "image/png", "application/vnd.jupyter.widget-view+json", "text/plain"


def explore(
    embeddings: Embeddings | Projection,
    *,
    method: Method = "umap",
    n_neighbors: int = 15,
    random_state: int = 0,
    color_by: str | None = None,
    model: Embedder | None = None,
    height: int = 560,
) -> Explorer:
    """Look at embeddings on a map.

    Parameters
    ----------
    embeddings : Embeddings or Projection
        Embeddings are projected first, with the next three arguments; a projection is shown as it is.
    method : {"umap", "pca", "tsne"}
    n_neighbors : int
    random_state : int
    color_by : str, optional
        ``"label"``, a metadata column, ``"distortion"`` or ``"none"``. By default the label, if there is one.
    model : Embedder, optional
        The model that embeds queries; by default the one that made the embeddings, loaded at the first query.
    height : int
        Of the map, in pixels.

    Returns
    -------
    Explorer
        A widget: the last line of a cell shows it.

    Raises
    ------
    BadItem
        For embeddings without items, or an unknown ``color_by``.
    WrongModel
        When ``model`` is not the one that made the embeddings.
    """
    if isinstance(embeddings, Embeddings):
        embeddings = project(embeddings, method, n_neighbors=n_neighbors, random_state=random_state)
    return Explorer(embeddings, color_by=color_by, model=model, height=height)


class Explorer(State, widgets.VBox):  # type: ignore[misc]
    """A map of embeddings with a detail panel, a search box and a colour menu.

    Whatever the mouse and the keyboard do is done by one of the methods :meth:`click`, :meth:`select`,
    :meth:`search`, :meth:`color` and :meth:`clear`, and can be done from Python in the same way.

    Parameters
    ----------
    projection : Projection
    color_by, model, height
        See :func:`explore`.

    Attributes
    ----------
    clicked_id : str or None
        The item in the detail panel.
    selected_ids : tuple of str
        The items inside the lasso or box, in the items' order; :attr:`selection` has them as items.
    query : str
        What was asked last.
    hits : tuple of (str, float)
        Its answers: id and cosine, best first.
    color_by : str
        What the colours stand for.
    k_neighbors : int
        How many neighbours the detail panel lists and the map rings.
    projection : Projection
    figure : plotly.graph_objects.Figure
        The map as it is drawn now, without the rings, which are in ``overlay``.
    """

    def __init__(
        self,
        projection: Projection,
        *,
        color_by: str | None = None,
        model: Embedder | None = None,
        height: int = 560,
    ) -> None:
        super().__init__()
        self._start(projection, color_by, model)
        self._row = {id: row for row, id in enumerate(self._items.ids)}
        self._height = height
        self._build()
        self._draw()
        self.observe(lambda _: self._draw(), "color_by")
        self.observe(
            lambda _: self._refresh(), ["clicked_id", "selected_ids", "query", "hits", "k_neighbors"]
        )

    # -- building -----------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.search_box = widgets.Text(
            placeholder="Search by meaning…" if self.can_search else "This model does not read text",
            continuous_update=False,  # ask at Enter, not at every key
            disabled=not self.can_search,
        )
        menu = [(clean(name), name) for name in self._offered]
        self.color_menu = widgets.Dropdown(options=menu, value=self.color_by, description="Colour by")
        self.clear_button = widgets.Button(description="Clear", tooltip="Forget query, choice and selection")
        self.clear_button.layout.width = "70px"
        self.map, self.panel = MapView(self._on_event), PanelView(self._on_event)
        self.panel.layout.max_height = f"{self._height + 2}px"  # as high as the map with its border
        self.badge = widgets.HTML(detail.badge_html(self.projection, figure.honest_words(self.projection)))
        bar = widgets.HBox([self.search_box, self.color_menu, self.clear_button])
        body = widgets.HBox([self.map, self.panel])
        for box, name in ((bar, "bar"), (body, "body"), (self, "explorer")):
            box.add_class(f"embedlab-{name}")
        self.children = (bar, body, self.badge)
        self.search_box.observe(lambda change: self._try(self._ask, change["new"]), "value")
        self.color_menu.observe(lambda change: self._try(self.color, change["new"]), "value")
        self.clear_button.on_click(lambda _: self._try(self.clear))

    def _on_event(self, event: dict[str, Any]) -> None:
        """What the browser reports, as one call of a public method."""
        kind = event.get("type")
        if kind == "click":
            self._try(self._choose, event.get("id"))
        elif kind == "media":
            self._try(self._send_media, event.get("id"))
        elif kind == "select":
            self._try(self.select, event.get("ids", ()))
        elif kind == "thumbnail":
            self._send_thumbnail(event.get("id"))
        elif kind == "error":
            why = f"The browser could not {event.get('what')}: {event.get('text')}"
            self._notify(detail.error_html(RuntimeError(why)))

    def _choose(self, id: Any) -> None:
        """A click of a person: what can be played plays at once."""
        self.click(id)
        self._send_media(id)

    def _send_thumbnail(self, id: Any) -> None:
        """The picture under the mouse, with its id: the browser may have moved on to another by now."""
        if isinstance(id, str) and id in self._row and are_seen(self._items):
            row = self._row[id]
            # In a mixture a text has no picture: the card shows its words alone.
            seen = kind_of(self._items, row) != "text"
            self.map.send(
                {"type": "thumbnail", "id": id}, buffers=[small_picture(self._items, row)] if seen else []
            )

    def _send_media(self, id: Any) -> None:
        """The sound or film that was asked for, to be played at once; only what is asked for ever travels."""
        make = {"audio": wav, "video": mp4}.get(self._items.modality)
        if isinstance(id, str) and id in self._row and make is not None:
            with contextlib.suppress(BadItem):  # the panel says what is wrong with it
                data = make(str(self._items.frame["path"].iloc[self._row[id]]))
                mime = {"audio": "audio/wav", "video": "video/mp4"}[self._items.modality]
                self.panel.send({"type": "media", "id": id, "mime": mime}, buffers=[data])

    def _ask(self, text: str) -> None:
        if text == self.query:
            return
        if text.strip() and self._model is None:
            name = self.projection.embeddings.model.name
            self._notify(detail.message_html(f"Loading {name} to read the question …"))
        self.search(text)

    def _try(self, action: Callable[..., object], *args: Any) -> None:
        """Run a callback; an error ends up where the user looks, not only in a log."""
        try:
            action(*args)
        except Exception as error:
            self._notify(detail.error_html(error))
        else:
            if self._notified:
                self._refresh()

    def _notify(self, html: str) -> None:
        """Put a notice into the panel; the next action that succeeds takes it away."""
        self._notified, self.panel.html = True, html

    # -- showing ------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        """Colour the points anew."""
        self._coloring = coloring(self.projection, self.color_by)
        self.figure = figure.map_figure(self.projection, self._coloring, self._height)
        self.color_menu.value = self.color_by
        self.map.base = json.dumps(self.figure.to_plotly_json())
        self._refresh()

    def _refresh(self) -> None:
        """Bring rings, panel and search box in line with the traits."""
        row = None if self.clicked_id is None else self._row[self.clicked_id]
        near = [] if row is None else neighbors(self.projection, row, self.k_neighbors)
        hits = [Near(self._row[id], score) for id, score in self.hits]
        self.overlay = figure.overlay(
            self.projection,
            self._coloring,
            chosen=row,
            neighbors=[place.row for place in near],
            hits=[place.row for place in hits],
            lands_among=self._lands_among if hits else [],
        )
        state = {
            "overlay": [trace.to_plotly_json() for trace in self.overlay],
            "faded": bool(hits),
            "selected": list(self.selected_ids),
        }
        self.map.state = json.dumps(state)
        self.search_box.value = self.query
        self._notified, self.panel.html = False, self._panel_html(row, near, hits)

    def _panel_html(self, row: int | None, near: list[Near], hits: list[Near]) -> str:
        parts = []
        if self.selected_ids:
            rows = [self._row[id] for id in self.selected_ids]
            parts.append(detail.selection_html(self._items, self._coloring, rows))
        if row is not None:
            parts.append(detail.item_html(self.projection, self._coloring, row, near))
        if hits:
            parts.append(detail.hits_html(self._items, self._coloring, self.query, hits))
        return "".join(parts) or detail.help_html(
            self.can_search, len(self._coloring.groups) > 1, self._items.modality
        )

    # -- on paper -----------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        embeddings, quality = self.projection.embeddings, self.projection.quality
        return (
            f"Explorer: {len(self._items)} items of {self._items.name!r}, {embeddings.model.name}, "
            f"{NAMES[self.projection.method]}, trustworthiness {quality.trustworthiness:.2f}"
        )

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        """The live widget, and beside it a picture for where no Python runs (stored notebooks, GitHub)."""
        from embedlab.explorer.static import static_png

        png = static_png(self.projection, self.color_by)
        view = {"version_major": 2, "version_minor": 0, "model_id": self._model_id}
        return {PLAIN: repr(self), WIDGET: view, PNG: base64.b64encode(png).decode("ascii")}
