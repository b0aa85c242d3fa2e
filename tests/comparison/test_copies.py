"""Items that occur more than once."""

from __future__ import annotations

from collections.abc import Callable

from embedlab.analysis.neighbors import knn
from embedlab.comparison.copies import find_copies
from embedlab.embeddings import Embeddings
from embedlab.items import Items

Make = Callable[..., Embeddings]


def test_copies_are_found_by_content_and_by_what_all_models_agree_on(make_embeddings: Make) -> None:
    one, other = (make_embeddings(40, 8, seed=seed) for seed in (0, 1))
    texts = [*one.items.contents]
    texts[7] = texts[3]
    items = Items.from_texts(texts, ids=one.ids, labels=["x"] * 7 + ["y"] * 33)
    a, b = one.vectors.copy(), other.vectors.copy()
    a[7], b[7] = a[3], b[3]  # the same text
    a[21], b[21] = a[20] * 1.001, b[20] + 1e-4  # nearly the same in both
    a[31] = a[30]  # the same in one model only: it does not tell them apart, the other does
    found = find_copies(items, [knn(a, 10), knn(b, 10)])
    assert (found.n_exact, found.n_near, found.n_items) == (2, 2, 4)
    assert found.groups[3] == found.groups[7]
    assert found.groups[20] == found.groups[21]
    assert found.groups[30] != found.groups[31]
    assert found.n_conflicting == 1, "3 is x and 7 is y"
    assert found.examples == (("i0003", "i0007"), ("i0020", "i0021"))


def test_no_copies(make_embeddings: Make) -> None:
    emb = make_embeddings(30)
    found = find_copies(emb.items, [knn(emb.vectors, 5)])
    assert (found.n_items, found.n_conflicting, found.examples) == (0, 0, ())
    assert len(set(found.groups)) == 30
