"""The explorer that people see, live in a notebook: a view in the browser, and the state behind it."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from embedlab.analysis.agreement import select_common_items
from embedlab.analysis.alignment import align
from embedlab.analysis.projection import METHOD_NAMES, Method, Note, NoteCode, Projection, project
from embedlab.analysis.sampling import sample_stratified, select_points
from embedlab.embedders import Embedder
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, PageTooLarge
from embedlab.explorer.films import mp4
from embedlab.explorer.item import item_html
from embedlab.explorer.page import page
from embedlab.explorer.payload import column, payload
from embedlab.explorer.pictures import are_seen, kind_of, small_picture
from embedlab.explorer.scripts import css, script
from embedlab.explorer.search import neighbors
from embedlab.explorer.sounds import wav
from embedlab.explorer.state import State
from embedlab.io.atomic import atomic_write
from embedlab.io.text import clean

MOST_SHOWN = 200_000  # items; more are not usable in a page
PNG, WIDGET, PLAIN = "image/png", "application/vnd.jupyter.widget-view+json", "text/plain"
Shown = Embeddings | Projection


def explore(
    embeddings: Shown | Sequence[Shown],
    *,
    method: Method = "umap",
    n_neighbors: int = 15,
    random_state: int = 0,
    n_components: int = 2,
    n_samples: int | None = None,
    color_by: str | None = None,
    model: Embedder | None = None,
    height: int = 560,
) -> Explorer:
    """Look at embeddings on a map, or at several of the same items on maps side by side.

    Parameters
    ----------
    embeddings : Embeddings, Projection, or a sequence of them
        Embeddings are projected first, with the next four arguments; a projection is shown as it is. Of
        several, the items that all of them have are shown, and the maps are turned to lie like the first.
    method : {"umap", "pca", "tsne"}
    n_neighbors : int
    random_state : int
        Seed of the map and of the sample.
    n_components : {2, 3}
        A plane, or a space that can be turned.
    n_samples : int, optional
        How many items to show, at most: a sample in which every label has its share. The caption says how
        many of how many. By default all, up to 200,000.
    color_by : str, optional
        ``"label"``, a metadata column, ``"distortion"``, ``"none"``, or of several ``"disagreement"``. By
        default the label, if there is one.
    model : Embedder, optional
        The model that embeds queries; by default the one that made the first embeddings, loaded at the first
        query.
    height : int
        Of a map, in pixels.

    Returns
    -------
    Explorer
        A widget: the last line of a cell shows it.

    Raises
    ------
    BadItem
        For embeddings without items, embeddings of different items, or an unknown ``color_by``.
    WrongModel
        When ``model`` is not the one that made the first embeddings.
    """
    several = [embeddings] if isinstance(embeddings, (Embeddings, Projection)) else list(embeddings)
    if len(several) != 1:
        vectors = [one.embeddings if isinstance(one, Projection) else one for one in several]
        common = select_common_items(vectors)
        # A projection is kept as it is; only where items are missing must it be made anew.
        several = [one if len(one) == len(emb) else emb for one, emb in zip(several, common, strict=True)]
        several = [
            one if isinstance(one, Projection) and one.embeddings.items.ids == emb.items.ids else emb
            for one, emb in zip(several, common, strict=True)
        ]
    first = several[0].embeddings if isinstance(several[0], Projection) else several[0]
    rows = sample_stratified(first.items, MOST_SHOWN if n_samples is None else n_samples, random_state)
    shown = np.isin(np.arange(len(first)), rows)
    note = None
    if not shown.all():
        by = ", every label with its share" if first.items.labels else ""
        text = f"A random sample{by} (random_state={random_state}): {len(rows):,} of {len(first):,} items."
        note = Note(NoteCode.SAMPLED, text)

    def placed(one: Shown) -> Projection:
        if isinstance(one, Projection):
            map = select_points(one, shown) if note else one
        else:
            sample = one.select(shown) if note else one
            map = project(
                sample, method, n_neighbors=n_neighbors, random_state=random_state, n_components=n_components
            )
        return dataclasses.replace(map, notes=(*map.notes, note)) if note else map

    return Explorer([placed(one) for one in several], color_by=color_by, model=model, height=height)


class Explorer(State, anywidget.AnyWidget):
    """Maps of embeddings with a detail panel, a search box and a colour menu.

    Whatever the mouse and the keyboard do is done by one of the methods :meth:`click`, :meth:`select`,
    :meth:`search`, :meth:`color` and :meth:`clear`, and can be done from Python in the same way.

    Parameters
    ----------
    projections : Projection or sequence of Projection
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
    projections : list of Projection
        One for each map, the maps after the first turned to lie like it; ``projection`` is the first.
    """

    _css = css()
    payload = traitlets.Unicode("{}").tag(sync=True)
    state = traitlets.Unicode("{}").tag(sync=True)
    passing = traitlets.Unicode("{}").tag(sync=True)  # colourings that come and go
    height = traitlets.Int(560).tag(sync=True)

    def __init__(
        self,
        projections: Projection | Sequence[Projection],
        *,
        color_by: str | None = None,
        model: Embedder | None = None,
        height: int = 560,
    ) -> None:
        super().__init__(_esm=script("live.js"), height=height)
        several = [projections] if isinstance(projections, Projection) else list(projections)
        self._start(align(several), color_by, model)
        self._row = {id: row for row, id in enumerate(self._items.ids)}
        self._echo: dict[str, Any] = {"view": "", "acted": 0}
        self._notice: dict[str, str] | None = None
        search = {
            "possible": self.can_search,
            "placeholder": "Search by meaning…" if self.can_search else "This model does not read text",
            "measure": "cosine",
        }
        self.payload = json.dumps(payload(self.projections, self.color_by, self.k_neighbors, search))
        self._tell()
        names = ["color_by", "clicked_id", "selected_ids", "query", "hits", "k_neighbors"]
        self.observe(lambda _: self._tell(), names)
        self.on_msg(lambda _widget, content, buffers: self._on_event(content))

    # -- between here and the browser ---------------------------------------------------------------------

    def _tell(self) -> None:
        """Send what is chosen, selected, asked and found."""
        row = None if self.clicked_id is None else self._row[self.clicked_id]
        told = {
            "by": clean(self.color_by),
            "clicked": row,
            "selected": [self._row[id] for id in self.selected_ids],
            "query": clean(self.query),
            "hits": [{"row": self._row[id], "score": round(score, 4)} for id, score in self.hits],
            "landing": self._landing() if self.hits else [],
            "k": self.k_neighbors,
            "notice": self._notice,
            "echo": self._echo,
        }
        self.state = json.dumps(told)

    def _on_event(self, event: dict[str, Any]) -> None:
        """One message of the browser: a question about an item, or what a person did."""
        if event.get("type") == "do":
            self._echo = {"view": str(event.get("view")), "acted": int(event.get("acted", 0))}
            self._act(str(event.get("action")), event.get("argument"))
            return
        row, ticket = event.get("row"), event.get("ticket")
        if isinstance(row, int) and 0 <= row < len(self._items):
            self._answer(str(event.get("type")), row, ticket)

    def _act(self, action: str, argument: Any) -> None:
        """Do what a person did in the browser; an error ends up where the user looks, not only in a log."""
        known: dict[str, Callable[[Any], object]] = {
            "click": self.click,
            "select": self.select,
            "search": self.search,
            "color": self.color,
            "tag": self.tag,
            "undo": lambda _: self.undo(),
            "clear": lambda _: self.clear(),
            "error": self._browser_failed,
        }
        self._notice = None
        try:
            if action == "search" and str(argument).strip() and self._model is None:
                self._say("note", f"Loading {self.projection.embeddings.model.name} to read the question …")
            known[action](argument)
        except Exception as error:
            self._say("error", f"{type(error).__name__}: {error}")
        else:
            self._notice = None
            self._tell()

    def _offer_anew(self) -> None:
        super()._offer_anew()
        self.passing = json.dumps(self._passing_columns())
        self._tell()

    def _passing_columns(self) -> dict[str, Any]:
        return {name: column(self._coloring(name), len(self._items)) for name in self._passing}

    def _browser_failed(self, what: Any) -> None:
        raise RuntimeError(f"The browser could not {what.get('what')}: {what.get('text')}")

    def _say(self, kind: str, text: str) -> None:
        self._notice = {"class": f"embedlab-{kind}", "text": clean(text)}
        self._tell()

    def _answer(self, wanted: str, row: int, ticket: Any) -> None:
        """What the panel shows of an item, its small picture, or its sound or film: what is asked for."""
        reply: dict[str, Any] = {"ticket": ticket}
        data: list[bytes] = []
        if wanted == "item":
            reply["html"] = item_html(self._items, row)
        elif wanted == "near":
            found = [neighbors(p, row, self.k_neighbors) for p in self.projections]
            reply["near"] = [[{"row": n.row, "score": round(n.score, 4)} for n in each] for each in found]
        elif wanted == "thumb" and are_seen(self._items) and kind_of(self._items, row) != "text":
            reply["mime"], data = "image/jpeg", [small_picture(self._items, row)]
        elif wanted == "media" and self._items.modality in _PLAYED:
            make, reply["mime"] = _PLAYED[self._items.modality]
            with contextlib.suppress(BadItem):  # what the panel shows of it says what is wrong
                data = [make(str(self._items.frame["path"].iloc[row]))]
        self.send(reply, buffers=data)

    # -- on paper -----------------------------------------------------------------------------------------

    def to_html(self, path: str | Path, *, plays: bool = True, most_mb: float = 50) -> Path:
        """Write the explorer as one file that needs neither Python nor a network.

        Linked maps, colours, filters, lists, small pictures and what can be played are in it; its search
        looks for words, as there is no model to ask for meaning.

        Parameters
        ----------
        path : path
        plays : bool
            Whether sounds and films go into it.
        most_mb : float
            A larger file is not written.

        Returns
        -------
        Path

        Raises
        ------
        PageTooLarge
            When the file would exceed ``most_mb``.
        """
        passing = self._passing_columns()
        text = page(
            self.projections, self.color_by, self.k_neighbors, self.height, plays=plays, passing=passing
        )
        size = len(text.encode()) / 1e6
        if size > most_mb:
            without = " or leave sounds and films out with plays=False," if plays else ""
            raise PageTooLarge(
                f"The page of {len(self._items)} items would have {size:.0f} MB, and most_mb is {most_mb:g}. "
                f"Explore fewer items,{without} or allow it with most_mb={np.ceil(size):.0f}.",
                size_mb=size,
                limit_mb=most_mb,
            )
        target = Path(path)
        with atomic_write(target) as part:
            part.write_text(text, encoding="utf-8")
        return target

    def to_png(self, path: str | Path) -> Path:
        """Write the maps as a picture, 1,800 pixels wide, in the colours of now."""
        return self._slide(Path(path), "png")

    def to_svg(self, path: str | Path) -> Path:
        """Write the maps as a drawing that can be scaled, in the colours of now."""
        return self._slide(Path(path), "svg")

    def _slide(self, target: Path, form: str) -> Path:
        from embedlab.explorer.static import slide

        target.write_bytes(slide(self.projections, self._colors_of_maps(), form))
        return target

    def __repr__(self) -> str:
        embeddings, quality = self.projection.embeddings, self.projection.quality
        known = np.isfinite(quality.trustworthiness)
        trust = f"trustworthiness {quality.trustworthiness:.2f}" if known else quality.words
        return (
            f"Explorer: {len(self._items)} items of {self._items.name!r}, {embeddings.model.name}, "
            f"{METHOD_NAMES[self.projection.method]}, {trust}"
        )

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget, and beside it a picture for where no Python runs (stored notebooks, GitHub)."""
        from embedlab.explorer.static import static_png

        png = static_png(self.projections, self._colors_of_maps())
        view = {"version_major": 2, "version_minor": 0, "model_id": self._model_id}
        # On Colab anywidget lets widgets in, and tells the page where to find what draws them.
        _, metadata = super()._repr_mimebundle_() or ({}, {})
        return {PLAIN: repr(self), WIDGET: view, PNG: base64.b64encode(png).decode("ascii")}, metadata


_PLAYED: dict[str, tuple[Callable[[str], bytes], str]] = {
    "audio": (wav, "audio/wav"),
    "video": (mp4, "video/mp4"),
}
