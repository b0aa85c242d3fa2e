"""Pages, pictures and what a stored notebook holds."""

from __future__ import annotations

import base64
import dataclasses
import io
import math
import sys
import types
import warnings
from pathlib import Path

import pytest
from explorer_kit import (
    CARD,
    LABELS,
    FakeModel,
    embeddings,
    flat,
    payload_of,
    preview_of,
)
from PIL import Image

import embedlab as el
from embedlab.errors import PageTooLarge
from embedlab.explorer import Explorer


@pytest.fixture
def explorer() -> Explorer:
    return Explorer(flat(embeddings(labels=LABELS)), model=FakeModel())


def test_pictures_for_slides(explorer: Explorer, tmp_path: Path) -> None:
    with Image.open(explorer.to_png(tmp_path / "map.png")) as picture:
        assert picture.size == (1800, 1200)
    svg = explorer.to_svg(tmp_path / "map.svg").read_text("utf-8")
    assert svg.startswith("<?xml")
    assert svg == explorer.to_svg(tmp_path / "again.svg").read_text("utf-8"), "the same map, the same file"


def test_a_page_that_would_be_too_large_is_not_written(explorer: Explorer, tmp_path: Path) -> None:
    with pytest.raises(PageTooLarge, match=r"40 items would have \d+ MB.*plays=False.*most_mb=\d+") as caught:
        explorer.to_html(tmp_path / "map.html", most_mb=1)
    assert caught.value.limit_mb == 1
    needed = math.ceil(caught.value.size_mb)
    assert f"most_mb={needed}" in str(caught.value)
    assert explorer.to_html(tmp_path / "enough.html", most_mb=needed).stat().st_size > 1e6
    assert not (tmp_path / "map.html").exists()


# -- a page ----------------------------------------------------------------------------------------------


def test_a_page_asks_nobody_and_holds_no_folder(explorer: Explorer, tmp_path: Path) -> None:
    text = explorer.to_html(tmp_path / "map.html").read_text("utf-8")
    assert "default-src 'none'" in text
    assert "text number 39" in text
    assert str(tmp_path) not in text
    assert text.count("</script>") == 1


# -- on paper --------------------------------------------------------------------------------------------


def test_a_stored_notebook_has_a_picture_and_a_line(explorer: Explorer) -> None:
    bundle, _ = explorer._repr_mimebundle_()
    quality = explorer.projection.quality
    assert bundle["text/plain"] == (
        f"Explorer: 40 items of 'by hand', text/minilm, PCA, trustworthiness {quality.trustworthiness:.2f}"
    )
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id
    png = base64.b64decode(bundle["image/png"])
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    assert picture.size == (900, 600)
    assert len(png) < 120_000
    drawn = set(picture.get_flattened_data())
    assert len(drawn) > 20
    assert bundle == explorer._repr_mimebundle_()[0]


@pytest.mark.parametrize("by", ["label", "distortion", "none"])
def test_making_the_picture_warns_of_nothing(by: str) -> None:
    explorer = Explorer(flat(embeddings(labels=[None, "$a", "_b", "🦉 שלום"] * 10)), color_by=by)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explorer._repr_mimebundle_()


def test_the_badge_says_how_far_to_trust_the_map(explorer: Explorer) -> None:
    quality, [panel] = explorer.projection.quality, payload_of(explorer)["panels"]
    assert f"trustworthiness {quality.trustworthiness:.2f}" in panel["verdict"]
    assert f"continuity {quality.continuity:.2f}" in panel["verdict"]
    assert quality.words in panel["verdict"]
    assert panel["grade"] == quality.grade != "unknown"
    assert panel["caption"].startswith("PCA · 40 items · text/minilm (8 dimensions) · cosine")


# -- pictures of several maps ----------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "rows"), [(2, 1), (3, 1), (4, 2), (5, 2)])
def test_every_map_is_in_the_stored_picture(n: int, rows: int, tmp_path: Path) -> None:
    emb = embeddings(labels=LABELS)
    named = [dataclasses.replace(emb, model=dataclasses.replace(CARD, name=f"model/{i}")) for i in range(n)]
    explorer = el.explore(named, method="pca")
    assert preview_of(explorer).width == 900
    drawn = explorer.to_svg(tmp_path / "maps.svg").read_text()
    assert drawn.count('<g id="axes_') == n
    # Words are drawn as outlines, with the words themselves beside them.
    for emb in named:
        assert f"<!-- {emb.model.name} -->" in drawn
    tall = explorer.to_png(tmp_path / "maps.png")
    with Image.open(tall) as opened:
        assert opened.width == 1800
    explorer.color("distortion")
    assert preview_of(explorer).width == 900


# -- on Colab ----------------------------------------------------------------------------------------------


def test_on_colab_the_widget_says_where_its_manager_is(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Colab cannot run here; this stands in for the two names of it that matter."""
    from anywidget import _util

    called: list[str] = []
    colab = types.ModuleType("google.colab.output")
    colab.enable_custom_widget_manager = lambda: called.append("let in")  # type: ignore[attr-defined]
    colab._widgets = types.SimpleNamespace(_installed_url="https://colab.example/manager.js")  # type: ignore[attr-defined]
    assert explorer._repr_mimebundle_()[1] == {}, "elsewhere nothing is said"
    monkeypatch.setitem(sys.modules, "google.colab.output", colab)
    _util.enable_custom_widget_manager_once.cache_clear()
    try:
        bundle, metadata = explorer._repr_mimebundle_()
    finally:
        _util.enable_custom_widget_manager_once.cache_clear()
    widget = "application/vnd.jupyter.widget-view+json"
    assert called == ["let in"]
    assert metadata[widget]["colab"]["custom_widget_manager"]["url"].endswith("manager.js")
    assert widget in bundle
