"""Near-duplicates: pairs, groups, chains and thresholds; planted copies; pictures with texts; facets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from refusals import refuses
from store_kit import cloud, moved

import embedlab as el
from embedlab.applications.duplicates import choose_threshold, find_duplicates, find_stored_duplicates
from embedlab.applications.facets import count_facets
from embedlab.applications.image_text import combine, modality_gap, search_each_group
from embedlab.applications.planted_copies import (
    AUDIO_CHANGES,
    TEXT_CHANGES,
    plant_audio_copies,
    plant_text_copies,
)
from embedlab.errors import BadItem
from embedlab.media import audio
from embedlab.store import StoreErrorCode

Make = Callable[..., el.Embeddings]


def on_a_circle(*degrees: float) -> el.Embeddings:
    """Unit vectors in the plane."""
    angles = np.radians(degrees)
    emb = cloud(len(degrees), 8)
    vectors = np.zeros((len(degrees), 8), np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    return moved(emb, vectors)


def test_pairs_and_groups() -> None:
    found = find_duplicates(on_a_circle(0, 5, 90, 200, 203, 203), np.cos(np.radians(10)))
    pairs = set(zip(found.pairs["id"], found.pairs["other"], strict=True))
    assert pairs == {("n000", "n001"), ("n003", "n004"), ("n003", "n005"), ("n004", "n005")}
    assert found.groups.groupby("group")["id"].apply(list).tolist() == [
        ["n003", "n004", "n005"],
        ["n000", "n001"],
    ]
    assert found.extra == ["n004", "n005", "n001"]
    assert found.warnings == ()
    assert found.pairs["cosine"].is_monotonic_decreasing


def test_a_chain_is_told() -> None:
    found = find_duplicates(on_a_circle(0, 20, 40, 60, 180), np.cos(np.radians(21)))
    assert found.n_groups == 1
    assert "is a chain" in found.warnings[0]
    assert "0.50, below 0.93" in found.warnings[0]
    assert "chain" in found._repr_html_()


def test_the_threshold_itself_counts_and_copies_are_found() -> None:
    emb = on_a_circle(0, 0, 60)
    assert len(find_duplicates(emb, 1.0).pairs) == 1
    assert len(find_duplicates(emb, 0.5).pairs) == 3
    assert len(find_duplicates(on_a_circle(0), 0.5).pairs) == 0
    assert find_duplicates(on_a_circle(0, 90), 0.5).n_groups == 0


def test_pairs_agree_with_all_cosines_whatever_the_block(
    make_embeddings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    emb = make_embeddings(150, 8, 20)
    unit = emb.normalize().vectors
    cosines = unit @ unit.T
    expected = {(i, j) for i, j in np.argwhere(cosines >= 0.9) if i < j}
    monkeypatch.setattr("embedlab.applications.duplicates._BLOCK_VALUES", 150 * 7)
    found = find_duplicates(emb, 0.9).pairs
    rows = [emb.items.positions(found[c]) for c in ("id", "other")]
    assert set(zip(*rows, strict=True)) == expected
    assert len(expected) > 100


def test_too_low_a_threshold_is_refused(make_embeddings: Make) -> None:
    with pytest.raises(BadItem, match=r"more than 15,000 pairs of 300 items"):
        find_duplicates(make_embeddings(300, 8, 1), -1.0)
    with pytest.raises(BadItem, match="from -1 to 1"):
        find_duplicates(make_embeddings(5), 3)


def test_the_store_finds_the_same_pairs(tmp_path: Path, make_embeddings: Make) -> None:
    emb = make_embeddings(120, 8, 20)
    exact = find_duplicates(emb, 0.9).pairs
    with el.VectorStore(tmp_path / "d.db") as store:
        store.add("flat", emb, index="FLAT")
        stored = find_stored_duplicates(store, "flat", 0.9)
        with refuses(StoreErrorCode.BAD_ARGUMENT, collection="flat", argument="k"):
            find_stored_duplicates(store, "flat", 0.5, k=2)
        store.add("l2", emb, index="FLAT", metric="L2")
        with refuses(StoreErrorCode.EXISTS, collection="l2", argument="metric"):
            find_stored_duplicates(store, "l2", 0.9)
    pairs = [set(zip(p["id"], p["other"], strict=True)) for p in (exact, stored)]
    assert pairs[0] == pairs[1]


def test_precision_and_recall_against_scikit_learn(make_embeddings: Make) -> None:
    from sklearn.metrics import precision_recall_curve

    emb = make_embeddings(60, 8, 12)
    copies = [*emb.items.labels][:50] + [None] * 10  # type: ignore[misc]
    table = choose_threshold(emb, copies)
    unit = emb.normalize().vectors
    row, other = np.triu_indices(60, 1)
    true = [copies[i] == copies[j] and copies[i] is not None for i, j in zip(row, other, strict=True)]
    cosines = (unit @ unit.T)[row, other].astype(float).round(6)
    precision, recall, levels = precision_recall_curve(true, cosines)
    for line in table.itertuples():
        at = int(np.flatnonzero(levels == line.threshold)[0])
        assert (line.precision, line.recall) == pytest.approx((precision[at], recall[at]))
    best = table.attrs["best"]
    assert table.loc[table["threshold"] == best, "f1"].item() == table["f1"].max()
    assert table.attrs["safe"] is None, "copies of seeded noise are not that clear"
    close = moved(emb, np.repeat(emb.vectors[:30], 2, axis=0) * 2)
    clear = choose_threshold(close, np.repeat(np.arange(30), 2).tolist())
    assert clear.attrs["safe"] == clear[clear["precision"] >= 0.99]["threshold"].min()


def test_ties_come_in_together() -> None:
    emb = on_a_circle(0, 0, 0, 90)
    table = choose_threshold(emb, ["a", "a", "b", "c"])
    assert table[["precision", "recall"]].to_numpy().round(3).tolist() == [[0.333, 1.0]]
    assert table.attrs["safe"] is None
    with pytest.raises(BadItem, match="nothing to find"):
        choose_threshold(emb, [None] * 4)
    with pytest.raises(BadItem, match="3 values but 4"):
        choose_threshold(emb, [1, 2, 3])


def test_planted_texts_are_the_same_every_time() -> None:
    notes = el.load_dataset("notes").take(np.arange(5))
    one = plant_text_copies(notes)
    assert one.contents == plant_text_copies(notes).contents
    assert len(one) == 5 * (1 + len(TEXT_CHANGES))
    first = dict(zip(one.frame["change"], one.contents[:5], strict=False))
    assert first["capitals"] == first["as it is"].upper()
    assert first["as it is"].startswith(first["cut short"])
    assert first["typos"] != first["as it is"]
    assert sorted(first["typos"]) == sorted(first["as it is"])
    assert one.frame["copy_of"].tolist()[:5] == ["n001"] * 5


def test_planted_sounds_are_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path))
    sounds = el.load_dataset("sounds").take(np.array([0, 50]))
    made = plant_audio_copies(sounds)
    assert len(made) == 2 * (1 + len(AUDIO_CHANGES))
    waves = dict(zip(made.frame["change"][:4], map(audio.read_audio, made.contents[:4]), strict=True))
    plain = waves["as it is"]
    np.testing.assert_allclose(waves["quieter"], plain / 4, atol=1e-3)
    high = np.fft.rfftfreq(len(plain), 1 / 16_000) > 4_400

    def above(wave: np.ndarray) -> float:
        strength = np.abs(np.fft.rfft(wave[: len(plain)], len(plain))) ** 2
        return float(strength[high].sum() / strength.sum())

    assert above(waves["telephone"]) < 0.1 * above(plain)
    assert abs(len(waves["squeezed"]) - len(plain)) < 3000
    assert plant_audio_copies(sounds).contents == made.contents
    with pytest.raises(BadItem, match="'text'"):
        plant_audio_copies(el.load_dataset("notes"))


def mixed() -> el.Embeddings:
    emb = cloud(40, 8, label=["a", "b"] * 20)
    vectors = emb.vectors.copy()
    vectors[:, 0] += np.where(np.arange(40) < 10, 3, -3)
    frame = emb.items.frame.assign(tower=["image"] * 10 + ["text"] * 30)
    items = el.Items(frame, "text", "mixed")
    return dataclasses.replace(emb, vectors=vectors, items=items).normalize()


def test_each_kind_gets_its_hits(tmp_path: Path) -> None:
    emb = mixed()
    with el.VectorStore(tmp_path / "m.db") as store:
        store.add("m", emb)
        assert set(store.search("m", emb.vectors[20], k=10)["tower"]) == {"text"}
        found = search_each_group(store, "m", emb.vectors[20], k=3)
        assert found["tower"].tolist() == ["text"] * 3 + ["image"] * 3
        assert found["rank"].tolist() == [1, 2, 3, 1, 2, 3]
        only = search_each_group(store, "m", emb.vectors[20], k=3, filter='label == "a" or label == "c"')
        assert set(only["label"]) == {"a"}


def test_the_gap_is_the_mean_cosine_of_pairs() -> None:
    emb = mixed()
    table, cosines = modality_gap(emb), emb.vectors @ emb.vectors.T
    assert table.loc["image", "text"] == pytest.approx(cosines[:10, 10:].mean(), abs=1e-6)
    inside = cosines[:10, :10][np.triu_indices(10, 1)].mean()
    assert table.loc["image", "image"] == pytest.approx(inside, abs=1e-6)
    with pytest.raises(BadItem, match="no column 'x'"):
        modality_gap(emb, by="x")


def test_pictures_and_texts_are_put_together() -> None:
    texts = el.Items.from_texts(["a", "b"], ["t1", "t2"], ["x", "y"])
    pictures = el.Items(pd.DataFrame({"id": ["p1"], "path": ["p1.png"], "view": ["z"]}), "image", "album")
    both = combine(pictures, texts)
    assert both.kinds == ["image", "text", "text"]
    assert both.contents == [Path("p1.png"), "a", "b"]
    assert both.labels == [None, "x", "y"]
    assert both.frame["collection"].tolist() == ["album", "texts", "texts"]
    with pytest.raises(BadItem, match="more than once"):
        combine(texts, texts)
    with pytest.raises(BadItem, match="'audio'"):
        combine(el.load_dataset("sounds"))


def test_facets_count_and_their_filters_work(tmp_path: Path) -> None:
    odd = 'a "quoted" \\ label'
    emb = cloud(30, 8, label=[odd, "b", "c"] * 10, year=[1, 2] * 15, some=[None, "x", None] * 10)
    with el.VectorStore(tmp_path / "f.db") as store:
        store.add("f", emb)
        hits = store.search("f", emb.vectors[0], k=12)
        side = count_facets(hits, "label", "year", "some")
        for row in side.itertuples():
            kept = store.search("f", emb.vectors[0], k=30, filter=row.filter)
            assert set(kept[row.column]) == {row.value}
            assert (hits[row.column] == row.value).sum() == row.hits
    assert side.groupby("column")["hits"].sum()[["label", "year"]].tolist() == [12, 12]
    with pytest.raises(BadItem, match="no column 'x'"):
        count_facets(hits, "x")
