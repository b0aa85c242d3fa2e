"""The page of a comparison: well formed, safe, complete."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
from comparison_kit import renamed

import embedlab as el
from embedlab.comparison.compare import compare
from embedlab.comparison.result import Comparison
from embedlab.embeddings import Embeddings

HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_safe(two: list[Embeddings], tmp_path: Path) -> None:
    good, bad = two
    frame = good.items.frame.assign(label=[HOSTILE, "b"] * 60, id=[f"{HOSTILE}{i}" for i in range(120)])
    items = el.Items(pd.concat([frame, frame.iloc[:2].assign(id=[HOSTILE, "z"])]), "text", HOSTILE)
    rows = [*range(120), 0, 1]
    hostile = [
        renamed(dataclasses.replace(emb, vectors=emb.vectors[rows], items=items), name)
        for emb, name in ((good, f"by {HOSTILE}"), (bad, "by/bad"))
    ]
    found = compare(hostile, cost=False)
    text = found.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    assert "script" not in tags.seen
    assert tags.seen.count("img") == 2, "both pictures are ours"
    assert "Content-Security-Policy" in text
    assert "&lt;script&gt;alert(2)" in text


def test_a_notebook_gets_the_live_page_and_a_still_one(compared: Comparison) -> None:
    bundle, _ = compared._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert "Comparison of good and bad on 120 items" in bundle["text/plain"]
    assert len(bundle["text/html"]) < 150_000
    for value in ("1-NN accuracy", "CKA (debiased)", "TwoNN", "bytes of one vector", "Apache-2.0"):
        assert value in bundle["text/html"]
