"""Labels, ids and texts come from strangers: what they wrote is shown, never obeyed."""

from __future__ import annotations

import html
import json
import re
import warnings
from html.parser import HTMLParser

import pytest
from explorer_kit import HOSTILE, FakeModel, embeddings, flat

from embedlab.explorer import Explorer
from embedlab.explorer.detail import badge_html
from embedlab.explorer.static import static_png
from embedlab.explorer.text import clean, clip, hover, natural_key

# Everything our own templates may contain; anything else in the HTML came from an item.
OURS = {"b", "bdi", "br", "button", "code", "div", "h4", "header", "li", "ol", "p", "q", "section", "small"}
OURS |= {"span", "table", "td", "th", "tr", "ul"}
PLOTLY = {"b", "br"}


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


def tags(shown: str) -> set[str]:
    return Used(shown).tags


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    n = len(HOSTILE) * 2
    texts = list(HOSTILE) * 2
    columns = {"<b>col</b>": list(HOSTILE) * 2}
    # Items take half a surrogate pair in texts and labels, not in ids.
    ids = [f"{i} {text[:50]}".replace("\ud800", "") for i, text in enumerate(texts)]
    return Explorer(flat(embeddings(n, labels=texts, texts=texts, ids=ids, **columns)), model=FakeModel())


def test_the_panel_contains_only_our_own_tags(explorer: Explorer) -> None:
    for id in explorer.projection.embeddings.ids:
        explorer.click(id)
        explorer.select([id])
        explorer.search(HOSTILE[0])
        explorer.click(id)
        used = Used(explorer.panel.html)
        assert used.tags <= OURS
        assert used.attributes <= {"class", "data-id", "data-item", "dir", "role", "style", "type"}


def test_an_item_can_be_read_as_it_was_written(explorer: Explorer) -> None:
    for id, text in zip(explorer.projection.embeddings.ids, HOSTILE, strict=False):
        explorer.clear()
        explorer.click(id)
        shown = html.unescape(explorer.panel.html)
        assert clean(text)[:4000] in shown
    explorer.click(explorer.projection.embeddings.ids[4])
    assert "and 6,000 more characters" in explorer.panel.html


def test_every_id_survives_its_way_through_the_panel(explorer: Explorer) -> None:
    explorer.k_neighbors = 100
    ids = explorer.projection.embeddings.ids
    explorer.click(ids[0])
    in_html = re.findall(r'data-id="([^"]*)"', explorer.panel.html)
    assert sorted(json.loads(html.unescape(x)) for x in in_html) == sorted(ids[1:])


def test_the_map_contains_only_bold_and_line_breaks(explorer: Explorer) -> None:
    for by in ("label", "<b>col</b>", "distortion", "none"):
        explorer.color(by)
        figure = explorer.figure
        shown = [trace.name for trace in figure.data] + [t for trace in figure.data for t in trace.hovertext]
        shown += [figure.layout.legend.title.text or ""]
        shown += [trace.marker.colorbar.title.text or "" for trace in figure.data]
        for text in shown:
            assert tags(text) <= PLOTLY, text
        assert not any(trace.hovertemplate for trace in figure.data)
        json.loads(explorer.map.base)
        explorer.map.base.encode()


def test_texts_are_never_mathematics_or_templates(explorer: Explorer) -> None:
    assert "typesetMath: false" in explorer.map._esm
    explorer.color("label")
    names = [trace.name for trace in explorer.figure.data]
    assert "$x^2$ _underscored %&#123;x}…" in names


def test_hover_is_short_and_wrapped() -> None:
    lines = hover("word " * 400, "a label").split("<br>")
    assert lines[0] == "<b>a label</b>"
    assert all(len(line) <= 60 for line in lines[1:])
    assert sum(map(len, lines[1:])) <= 300
    assert lines[-1].endswith("…")
    assert hover("x" * 1000).count("<br>") == 4
    assert hover("") == "(empty text)"
    assert hover("one\n two\t three") == "one two three"
    assert hover("a < b & c", "<i>") == "<b>&lt;i&gt;</b><br>a &lt; b &amp; c"


def test_a_book_is_cut_without_being_read_whole() -> None:
    assert clip(" a  b " * 1_000_000, 20) == "a b a b a b a b a b…"
    assert clip("short", 20) == "short"


def test_the_picture_takes_any_text(explorer: Explorer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for by in ("label", "<b>col</b>"):
            assert static_png(explorer.projection, by)


def test_the_badge_escapes_what_it_is_told(explorer: Explorer) -> None:
    assert tags(badge_html(explorer.projection, "<script>")) <= OURS


def test_a_script_in_an_error_is_shown(explorer: Explorer) -> None:
    explorer.map.receive({"type": "click", "id": "<script>alert(1)</script>"})
    assert "&lt;script&gt;" in explorer.panel.html
    assert tags(explorer.panel.html) <= OURS
    explorer.map.receive({"type": "error", "text": "<img onerror=x>"})
    assert tags(explorer.panel.html) <= OURS


def test_natural_order_handles_any_text() -> None:
    names = ["b10", "b9", "", "10", "9", "²3", "B1", "٣"]
    ordered = sorted(names, key=natural_key)
    assert ordered.index("b9") < ordered.index("b10")
    assert ordered.index("9") < ordered.index("10")
    assert ordered.index("B1") < ordered.index("b9")
