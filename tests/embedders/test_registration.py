"""A course's own model in the catalogue, and the names of all models."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import embedlab as el
from embedlab.catalog import registry
from embedlab.comparison.cost import CostStatus, cost_table
from embedlab.embedders.registration import BadModel

CARD = el.ModelCard(
    "text/vowels", "text", 5, 0, "CC0-1.0", "Counts vowels.", layer="none", pooling="sum", normalized=False
)
ITEMS = el.Items.from_texts(["banana", "see", "moon"], ids=["b", "s", "m"], labels=["x", "y", "x"])


def counts(texts: list[str]) -> list[list[int]]:
    return [[text.count(vowel) for vowel in "aeiou"] for text in texts]


@pytest.fixture(autouse=True)
def own_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_ROWS", dict(registry._ROWS))


def test_a_registered_model_works_everywhere(tmp_path: Path) -> None:
    el.register(CARD, lambda card: counts)
    row = el.models().set_index("name").loc["text/vowels"]
    assert (row["available"], row["where"]) == ("yes", "in this process")
    assert el.available("text/vowels")
    emb = el.embed(ITEMS, "text/vowels")
    assert emb.vectors.tolist() == [[3, 0, 0, 0, 0], [0, 2, 0, 0, 0], [0, 0, 0, 2, 0]]
    assert el.load_model("text/vowels") is el.load_model("text/vowels")
    with el.VectorStore(tmp_path / "s.db") as store:
        store.add("notes", emb)
        assert store.search("notes", "eel", k=1)["id"].tolist() == ["s"]
    assert el.explore(emb).search("book", k=1)[0][0] == "m"
    assert cost_table([emb], measure=True, progress=False)["status"].tolist() == [CostStatus.REGISTERED]


def test_it_is_compared_like_any_other() -> None:
    el.register(CARD, lambda card: counts)
    words = ["banana", "sea", "moon", "bee", "go", "papa", "tree", "wood"] * 3
    items = el.Items.from_texts([f"{w} {i}" for i, w in enumerate(words)], labels=[w[-1] for w in words])
    one = el.embed(items, "text/vowels")
    letters = dataclasses.replace(CARD, name="text/length", dim=1)
    el.register(letters, lambda card: lambda texts: [[len(text)] for text in texts])
    found = el.compare([one, el.embed(items, "text/length")], cost=False)
    assert list(found.names) == ["vowels", "length"]


def test_an_embedder_of_ones_own_is_taken_as_it_is() -> None:
    class Own:
        card, dim = CARD, 5

        def embed(
            self, items: el.Items, *, batch_size: int = 32, progress: bool | None = None
        ) -> el.Embeddings:
            return el.Embeddings(np.array(counts(items.contents)), items, CARD, "none", "sum", False)

        def embed_query(self, x: Any) -> np.ndarray:
            return np.array(counts([x])[0], np.float32)

    own = Own()
    el.register(CARD, lambda card: own)
    assert el.load_model("text/vowels") is own
    assert len(el.embed(ITEMS, "text/vowels")) == 3


def test_vectors_are_kept_only_of_a_stated_version() -> None:
    el.register(CARD, lambda card: counts)
    el.embed(ITEMS, "text/vowels")
    assert el.embed(ITEMS, "text/vowels").report.n_cached == 0
    el.register(dataclasses.replace(CARD, revision="1"), lambda card: counts, replace=True)
    el.embed(ITEMS, "text/vowels")
    assert el.embed(ITEMS, "text/vowels").report.n_cached == 3


def test_a_name_is_taken_once() -> None:
    el.register(CARD, lambda card: counts)
    with pytest.raises(BadModel, match=r"registered already.*replace=True"):
        el.register(CARD, lambda card: counts)
    el.register(CARD, lambda card: lambda texts: np.ones((len(texts), 5)), replace=True)
    assert el.embed(ITEMS, "text/vowels").vectors.min() == 1
    with pytest.raises(BadModel, match="a model in embedlab's catalogue"):
        el.register(dataclasses.replace(CARD, name="text/minilm"), lambda card: counts, replace=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "vowels"}, "Write for example 'text/my-model'"),
        ({"name": "image/vowels"}, "Write for example 'text/my-model'"),
        ({"name": "st:org/vowels"}, "is not a valid name"),
        ({"name": "text/../x"}, "is not a valid name"),
        ({"modality": "smell"}, "Unknown modality"),
        ({"dim": 0}, "dim must be"),
    ],
)
def test_a_card_that_does_not_fit(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadModel, match=said):
        el.register(dataclasses.replace(CARD, **change), lambda card: counts)


def test_a_loader_that_does_not_keep_its_word() -> None:
    el.register(CARD, lambda card: "no model")
    with pytest.raises(BadModel, match=r"returned str\. It must return an embedder"):
        el.load_model("text/vowels")
    el.register(CARD, lambda card: lambda texts: np.ones((len(texts), 4)), replace=True)
    with pytest.raises(el.EmbedlabError, match=r"shape \(3, 4\).*expected \(3, 5\)"):
        el.embed(ITEMS, "text/vowels")

    class Wrong:
        card, dim = CARD, 7

        def embed(self, items: el.Items, *, batch_size: int = 32, progress: bool | None = None) -> Any: ...

        def embed_query(self, x: Any) -> Any: ...

    el.register(CARD, lambda card: Wrong(), replace=True)
    with pytest.raises(BadModel, match="says dim 5, but its embedder has 7"):
        el.load_model("text/vowels")
    with pytest.raises(BadModel, match="card must be a ModelCard"):
        el.register("text/vowels", lambda card: counts)  # type: ignore[arg-type]
