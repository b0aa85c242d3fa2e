"""The live connection of an explorer to the browser: synchronised traits, and messages both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypedDict

import anywidget
import traitlets

from embedlab.analysis.alignment import align
from embedlab.analysis.projection import Projection
from embedlab.embedders import Embedder
from embedlab.explorer.item import render_item
from embedlab.explorer.item_image import have_thumbnails, item_kind, item_thumbnail
from embedlab.explorer.payload import Column, SearchBox, build_column, build_payload
from embedlab.explorer.playback import PLAYERS, encode_for_playing
from embedlab.explorer.scripts import join_scripts, read_css
from embedlab.explorer.search import find_neighbors
from embedlab.explorer.state import State
from embedlab.io.text import clean

_SCORE_DECIMALS = 4
_SHOWN_TRAITS = ["color_by", "clicked_id", "selected_ids", "query", "hits", "k_neighbors"]

Message = Mapping[str, object]  # what the browser sends: JSON


class Echo(TypedDict):
    """Which action of which view a state answers, so that a view can ignore late answers."""

    view: str
    acted: int


class LiveState(State, anywidget.AnyWidget):
    """A state that the browser shows and changes.

    Python sends ``payload`` once, ``passing`` when tags or query scores change, and ``state`` after each
    action. The browser sends two types of messages: ``"do"`` with an action of a person, and a question about
    one item (``"item"``, ``"near"``, ``"thumb"``, ``"media"``) with a ticket that the reply repeats.
    """

    _css = read_css()
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
        super().__init__(_esm=join_scripts("live.js"), height=height)
        several = [projections] if isinstance(projections, Projection) else list(projections)
        self._set_up(align(several), color_by, model)
        self._rows = {id: row for row, id in enumerate(self._items.ids)}
        self._echo: Echo = {"view": "", "acted": 0}
        self._notice: dict[str, str] | None = None
        search: SearchBox = {
            "possible": self.can_search,
            "placeholder": "Search by meaning…" if self.can_search else "This model does not read text",
            "measure": "cosine",
        }
        self.payload = json.dumps(build_payload(self.projections, self.color_by, self.k_neighbors, search))
        self._send_state()
        self.observe(lambda _change: self._send_state(), _SHOWN_TRAITS)
        self.on_msg(lambda _widget, message, _buffers: self._on_message(message))

    # -- to the browser -----------------------------------------------------------------------------------

    def _send_state(self) -> None:
        """Send what is clicked, selected, searched and found."""
        self.state = json.dumps(
            {
                "by": clean(self.color_by),
                "clicked": None if self.clicked_id is None else self._rows[self.clicked_id],
                "selected": [self._rows[id] for id in self.selected_ids],
                "query": clean(self.query),
                "hits": [
                    {"row": self._rows[id], "score": round(score, _SCORE_DECIMALS)} for id, score in self.hits
                ],
                "landing": self._locate_query() if self.hits else [],
                "k": self.k_neighbors,
                "notice": self._notice,
                "echo": self._echo,
            }
        )

    def _update_colorings(self) -> None:
        super()._update_colorings()
        self.passing = json.dumps(self._build_passing_columns())
        self._send_state()

    def _build_passing_columns(self) -> dict[str, Column]:
        return {
            name: build_column(self._color_items(name), len(self._items)) for name in self._passing_colorings
        }

    def _notify(self, kind: Literal["note", "error"], text: str) -> None:
        """Show a note or an error in the panel."""
        self._notice = {"class": f"embedlab-{kind}", "text": clean(text)}
        self._send_state()

    # -- from the browser ---------------------------------------------------------------------------------

    def _on_message(self, message: Message) -> None:
        """Handle a message: run an action, or answer a question about an item."""
        match message:
            case {"type": "do", "action": str(action)}:
                acted = message.get("acted", 0)
                self._echo = {
                    "view": str(message.get("view")),
                    "acted": acted if isinstance(acted, int) else 0,
                }
                self._run(action, message.get("argument"))
            case {"type": str(question), "row": int(row)} if 0 <= row < len(self._items):
                self._reply(question, row, message.get("ticket"))

    def _run(self, action: str, argument: object) -> None:
        """Run an action; an error is shown in the panel, where people look, and not only in a log."""
        actions: dict[str, Callable[..., object]] = {
            "click": self.click,
            "select": self.select,
            "search": self.search,
            "color": self.color,
            "tag": self.tag,
            "undo": lambda _: self.undo(),
            "clear": lambda _: self.clear(),
            "error": self._report_browser_error,
        }
        self._notice = None
        try:
            if action == "search" and str(argument).strip() and self._model is None:
                name = self.projection.embeddings.model.name
                self._notify("note", f"Loading {name} to read the question …")
            actions[action](argument)
        except Exception as error:
            self._notify("error", f"{type(error).__name__}: {error}")
        else:
            self._notice = None
            self._send_state()

    def _report_browser_error(self, failure: Mapping[str, object]) -> None:
        raise RuntimeError(f"The browser could not {failure.get('what')}: {failure.get('text')}")

    def _reply(self, question: str, row: int, ticket: object) -> None:
        """Send what was asked for: the HTML of an item, its neighbours, its thumbnail, or a file to play."""
        reply: dict[str, object] = {"ticket": ticket}
        files: list[bytes] = []
        items = self._items
        if question == "item":
            reply["html"] = render_item(items, row)
        elif question == "near":
            found = [find_neighbors(projection, row, self.k_neighbors) for projection in self.projections]
            reply["near"] = [
                [{"row": near.row, "score": round(near.score, _SCORE_DECIMALS)} for near in each]
                for each in found
            ]
        elif question == "thumb" and have_thumbnails(items) and item_kind(items, row) != "text":
            reply["mime"], files = "image/jpeg", [item_thumbnail(items, row)]
        elif question == "media" and items.modality in PLAYERS:
            reply["mime"] = PLAYERS[items.modality].mime
            data = encode_for_playing(items, row)
            files = [] if data is None else [data]
        self.send(reply, buffers=files)
