"""Labels, ids and texts come from strangers: what they wrote is shown, never obeyed."""

from __future__ import annotations

import html
import json
import warnings
from html.parser import HTMLParser
from pathlib import Path

import pytest
from explorer_kit import HOSTILE, FakeModel, embeddings, flat, payload_of, shown_of

from embedlab.explorer import Explorer
from embedlab.explorer.static import draw_preview
from embedlab.io.text import clean, clip, natural_key

# Everything our own templates may contain; anything else in the HTML came from an item.
OURS = {"b", "bdi", "br", "button", "code", "div", "h4", "header", "li", "ol", "p", "q", "section", "small"}
OURS |= {"span", "table", "td", "th", "tr", "ul"}


class Used(HTMLParser):
    """The tags and attributes of some HTML, as a browser reads it."""

    def __init__(self, shown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(shown)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    n = len(HOSTILE) * 2
    texts = list(HOSTILE) * 2
    columns = {"<b>col</b>": list(HOSTILE) * 2}
    # Items take half a surrogate pair in texts and labels, not in ids.
    ids = [f"{i} {text[:50]}".replace("\ud800", "") for i, text in enumerate(texts)]
    return Explorer(flat(embeddings(n, labels=texts, texts=texts, ids=ids, **columns)), model=FakeModel())


def test_what_the_panel_shows_contains_only_our_own_tags(explorer: Explorer) -> None:
    for id in explorer.projection.embeddings.ids:
        used = Used(shown_of(explorer, id))
        assert used.tags <= OURS
        assert used.attributes <= {"class", "dir"}


def test_an_item_can_be_read_as_it_was_written(explorer: Explorer) -> None:
    ids = explorer.projection.embeddings.ids
    for id, text in zip(ids, HOSTILE, strict=False):
        assert clean(text)[:4000] in html.unescape(shown_of(explorer, id))
    assert "and 6,000 more characters" in shown_of(explorer, ids[4])


def test_any_text_survives_its_way_to_the_browser(explorer: Explorer) -> None:
    explorer.payload.encode()  # half a surrogate pair could not be sent
    data = payload_of(explorer)
    assert data["labels"][: len(HOSTILE)] == [
        clean(text) or None for text in HOSTILE
    ]  # an empty label is none
    assert data["columns"]["<b>col</b>"]["title"] == "<b>col</b>"
    ids = explorer.projection.embeddings.ids
    assert any(id != clean(id) for id in ids), "or the next line shows nothing"
    assert data["ids"] == [clean(id) for id in ids]
    assert max(map(len, data["titles"])) <= 200
    for id in explorer.projection.embeddings.ids:
        explorer.click(id)
    explorer.search(HOSTILE[0])
    explorer.state.encode()


def test_no_text_can_leave_the_script_of_a_page(explorer: Explorer, tmp_path: Path) -> None:
    text = explorer.to_html(tmp_path / "map.html").read_text("utf-8")
    assert text.count("</script>") == 1
    assert HOSTILE[0] not in text
    assert HOSTILE[1] not in text


def test_a_book_is_cut_without_being_read_whole() -> None:
    assert clip(" a  b " * 1_000_000, 20) == "a b a b a b a b a b…"
    assert clip("short", 20) == "short"


def test_the_picture_takes_any_text(explorer: Explorer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for by in ("label", "<b>col</b>"):
            assert draw_preview(explorer.projection, by)


def test_an_error_is_text(explorer: Explorer) -> None:
    message = {
        "type": "do",
        "action": "click",
        "argument": "<script>alert(1)</script>",
        "view": "",
        "acted": 1,
    }
    explorer._on_message(message)
    notice = json.loads(explorer.state)["notice"]
    assert notice["class"] == "embedlab-error"
    assert "<script>" in notice["text"], "text it stays: the browser never reads it as HTML"


def test_natural_order_handles_any_text() -> None:
    names = ["b10", "b9", "", "10", "9", "²3", "B1", "٣"]
    ordered = sorted(names, key=natural_key)
    assert ordered.index("b9") < ordered.index("b10")
    assert ordered.index("9") < ordered.index("10")
    assert ordered.index("B1") < ordered.index("b9")
