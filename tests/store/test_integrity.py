"""Damaged files are found before Milvus opens them; what can be rebuilt is rebuilt."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import cut
from store_kit import cloud

from embedlab.store import (
    StoreErrorCode,
    VectorStore,
)
from embedlab.store.integrity import DamagedStore


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two collections, closed; tests harm a copy of it."""
    path = tmp_path_factory.mktemp("whole") / "lab.db"
    with VectorStore(path) as store:
        store.add("notes", cloud(200), index="HNSW")
        store.add("notes", cloud(100, seed=1, first=200))
        store.delete("notes", ["n003"])
        store.add("more", cloud(20))
    return path


def tree(folder: Path) -> dict[str, int]:
    return {str(f.relative_to(folder)): f.stat().st_size for f in folder.rglob("*") if f.is_file()}


@pytest.mark.parametrize(
    ("pattern", "harm", "damage"),
    [
        ("data_*_000200.parquet", cut, r"data_\d+_000200.parquet is cut off"),
        ("data_*_000200.parquet", Path.unlink, r"data_\d+_000200.parquet is missing"),
        ("data_*_000200.parquet", lambda f: f.write_bytes(b""), r"data_\d+_000200.parquet is cut off"),
        ("delta_*.parquet", cut, r"delta_\d+_\d+.parquet is cut off"),
        ("manifest.json", cut, "manifest.json is cut off or not readable"),
        ("manifest.json", Path.unlink, "manifest.json is missing"),
        ("schema.json", cut, "schema.json is cut off or not readable"),
        ("schema.json", Path.unlink, "schema.json is missing"),
    ],
)
def test_a_damaged_store_says_what_to_do(
    whole: Path, tmp_path: Path, pattern: str, harm: Callable[[Path], object], damage: str
) -> None:
    path = shutil.copytree(whole, tmp_path / "lab.db")
    (file,) = (path / "collections" / "notes").rglob(pattern)
    harm(file)
    before = tree(path)
    for _ in range(2):  # the first attempt has neither changed anything nor left the folder locked
        with pytest.raises(DamagedStore) as caught:
            VectorStore(path)
        assert (caught.value.code, caught.value.path) == (StoreErrorCode.DAMAGED, path)
        assert re.fullmatch(damage, caught.value.damage.pop("notes"))
        assert not caught.value.damage
        assert tree(path) == before
    shutil.move(path / "collections" / "notes", tmp_path / "notes")
    with VectorStore(path) as store:
        assert store.collections()["name"].tolist() == ["more"]
        assert store.add("notes", cloud(30)) == 30


def test_what_can_be_done_without_is_not_missed(whole: Path, tmp_path: Path) -> None:
    """A leftover of making a collection, an older list of files, the lock, a broken index."""
    path = shutil.copytree(whole, tmp_path / "lab.db")
    (path / "collections" / "begun").mkdir()
    (path / "collections" / "notes" / "manifest.json.prev").unlink()
    (path / "LOCK").unlink()
    next(path.rglob("*.idx")).write_bytes(b"nonsense")
    with VectorStore(path) as store:
        assert store.collections().set_index("name")["items"].to_dict() == {"more": 20, "notes": 299}
        assert store.search("notes", cloud(200).vectors[9], k=1)["id"].tolist() == ["n009"]
        assert store.add("begun", cloud()) == 30


@pytest.mark.parametrize("harm", ["cut", "removed"])
def test_a_broken_index_is_built_again(tmp_path: Path, harm: str) -> None:
    path, emb = tmp_path / "lab.db", cloud(500)
    with VectorStore(path) as store:
        store.add("notes", emb, index="HNSW")
    (index,) = path.rglob("*.idx")
    size = index.stat().st_size
    if harm == "cut":
        index.write_bytes(index.read_bytes()[: size // 2])
    else:
        index.unlink()
    with VectorStore(path) as store:
        assert store.search("notes", emb.vectors[9], k=1)["id"].tolist() == ["n009"]
    (index,) = path.rglob("*.idx")
    assert index.stat().st_size == size
