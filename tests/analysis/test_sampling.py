from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from explorer_kit import embeddings, flat

import embedlab as el
from embedlab.analysis.neighbors import knn
from embedlab.analysis.projection import NoteCode
from embedlab.analysis.sampling import sample_stratified, select_points
from embedlab.errors import BadItem
from embedlab.explorer import build
from embedlab.items import Items

SIZES = {"common": 700, "rarer": 250, "rare": 49, "single": 1}
LABELS = [label for label, size in SIZES.items() for _ in range(size)]


def labelled(labels: list[str | None]) -> Items:
    return Items.from_texts([f"text {i}" for i in range(len(labels))], labels=labels)


def test_every_label_has_its_share_and_the_rarest_is_there() -> None:
    items = labelled(LABELS)
    rows = sample_stratified(items, 100)
    counts = Counter(LABELS[row] for row in rows)
    assert sum(counts.values()) == 100
    assert counts["single"] == 1
    for label, size in SIZES.items():
        assert abs(counts[label] - size / 10) <= 1
    assert (np.diff(rows) > 0).all()


def test_a_seed_decides_which() -> None:
    items = labelled(LABELS)
    np.testing.assert_array_equal(sample_stratified(items, 100, 1), sample_stratified(items, 100, 1))
    assert not np.array_equal(sample_stratified(items, 100, 1), sample_stratified(items, 100, 2))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 999])
def test_there_are_as_many_as_asked_for(n: int) -> None:
    rows = sample_stratified(labelled(LABELS), n)
    assert len(set(rows.tolist())) == n
    assert LABELS[rows[0]] == "common"


def test_all_are_taken_when_there_are_no_more() -> None:
    items = labelled(["a", None, "b"])
    np.testing.assert_array_equal(sample_stratified(items, 3), [0, 1, 2])
    np.testing.assert_array_equal(sample_stratified(items, 99), [0, 1, 2])


def test_items_without_labels_are_sampled_too() -> None:
    assert len(sample_stratified(Items.from_texts([f"t{i}" for i in range(50)]), 20)) == 20
    assert len(sample_stratified(labelled([None] * 30 + ["a"] * 2), 10)) == 10


def test_no_items_are_no_sample() -> None:
    with pytest.raises(BadItem, match="n_samples must be at least 1, not 0"):
        sample_stratified(labelled(LABELS), 0)


def test_a_thinned_map_has_the_neighbours_that_are_left() -> None:
    projection = flat(embeddings(labels=["a", "b"] * 20))
    mask = np.arange(40) % 3 == 0
    less = select_points(projection, mask)
    np.testing.assert_array_equal(less.coords, projection.coords[mask])
    assert less.embeddings.ids == [
        id for id, there in zip(projection.embeddings.ids, mask, strict=True) if there
    ]
    expected = knn(projection.embeddings.vectors[mask], less.neighbors.k).indices
    np.testing.assert_array_equal(less.neighbors.indices, expected)
    assert len(less.quality.distortion) == mask.sum()


def test_the_explorer_says_how_many_of_how_many() -> None:
    emb = embeddings(labels=["a", "b"] * 20)
    for shown in (emb, flat(emb)):
        explorer = el.explore(shown, method="pca", n_samples=12, n_neighbors=5)
        assert len(explorer.projection) == 12
        [panel] = json.loads(explorer.payload)["panels"]
        words = "every label with its share (random_state=0): 12 of 40 items."
        assert words in panel["caption"]


def test_samples_of_several_models_are_the_same_items() -> None:
    emb = embeddings(labels=["a", "b"] * 20)
    explorer = el.explore([emb, flat(emb)], method="pca", n_samples=12, n_neighbors=5)
    one, two = explorer.projections
    assert one.embeddings.ids == two.embeddings.ids
    assert len(one) == 12
    assert [note.code for note in one.notes] == [NoteCode.SAMPLED]
    assert [note.code for note in two.notes] == [NoteCode.SAMPLED, NoteCode.ALIGNED]


def test_more_than_a_page_can_hold_is_sampled_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MAX_ITEMS", 30)
    assert len(el.explore(embeddings(labels=["a", "b"] * 20), method="pca").projection) == 30
    everything = el.explore(embeddings(30, labels=["a", "b"] * 15), method="pca")
    assert len(everything.projection) == 30
    assert everything.projection.notes == ()
