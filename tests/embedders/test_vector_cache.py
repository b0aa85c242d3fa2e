"""The vector cache: nothing is computed twice, and a killed run goes on where it stopped."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import card
from paths import KIT

from embedlab.embedders import vector_cache
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.vector_cache import VectorCache
from embedlab.embeddings import Embeddings
from embedlab.errors import Argument, BadItem, EmbedlabError, Problem, ProblemCode
from embedlab.items import Items

HERE = Path(__file__).parent
EMPTY = Problem(ProblemCode.EMPTY, "empty text")
PROVENANCE = {"model": "text/minilm", "sha256": "abc", "dtype": "float32"}


class Counting(CachedEmbedder):
    """An embedder that counts what it computes: the vector of a text is (length, number of 'e's)."""

    def __init__(self, **changes: object) -> None:
        self.card = card(dim=2, normalized=False, **changes)
        self.dim = 2
        self.seen: list[str] = []

    def _compute(self, contents: list[str], batch_size: int) -> np.ndarray:
        self.seen += contents
        return np.array([[len(c), c.count("e")] for c in contents], np.float32)

    def _length(self, content: str) -> float:
        return len(content)

    def _problem(self, content: str) -> Problem | None:
        return None if content else EMPTY


def test_get_returns_what_was_put() -> None:
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    with VectorCache(PROVENANCE, 3) as kept:
        kept.put([b"one", b"two"], vectors, [False, True])
    with VectorCache(PROVENANCE, 3) as kept:
        found = kept.get([b"two", b"three", b"one"])
    assert set(found) == {b"one", b"two"}
    np.testing.assert_array_equal(found[b"two"][0], vectors[1])
    assert [found[b"one"][1], found[b"two"][1]] == [False, True]


def test_any_change_of_provenance_is_another_file() -> None:
    first = VectorCache(PROVENANCE, 3)
    for name in PROVENANCE:
        assert VectorCache({**PROVENANCE, name: "other"}, 3).path != first.path


def test_thousands_of_digests_can_be_asked_for_at_once() -> None:
    digests = [i.to_bytes(4, "big") for i in range(3000)]
    with VectorCache(PROVENANCE, 1) as kept:
        kept.put(digests, np.arange(3000, dtype=np.float32)[:, None], [False] * 3000)
        assert len(kept.get(digests)) == 3000


def test_second_call_computes_nothing_and_gives_the_same() -> None:
    items = Items.from_texts(["three", "one", "eleven"])
    model = Counting()
    first = model.embed(items)
    second = model.embed(items)
    np.testing.assert_array_equal(first.vectors, [[5, 2], [3, 1], [6, 3]])
    np.testing.assert_array_equal(first.vectors, second.vectors)
    assert sorted(model.seen) == ["eleven", "one", "three"]
    assert (first.report.n_computed, first.report.n_cached) == (3, 0)
    assert (second.report.n_computed, second.report.n_cached) == (0, 3)


def test_only_what_is_missing_is_computed_and_equal_texts_once() -> None:
    model = Counting()
    model.embed(Items.from_texts(["a", "b"]))
    emb = model.embed(Items.from_texts(["b", "cc", "a", "cc"], ids=["p", "q", "r", "s"]))
    assert model.seen.count("cc") == 1
    assert sorted(model.seen) == ["a", "b", "cc"]
    np.testing.assert_array_equal(emb.vectors[:, 0], [1, 2, 1, 2])


def test_long_texts_go_first_in_batches_of_like_length() -> None:
    model = Counting()
    emb = model.embed(Items.from_texts(["1", "55555", "333", "4444", "22"]), batch_size=2)
    assert [len(s) for s in model.seen] == [5, 4, 3, 2, 1]
    assert emb.vectors[:, 0].tolist() == [1, 5, 3, 4, 2]


def test_other_weights_do_not_share_vectors() -> None:
    items = Items.from_texts(["a"])
    first, second = Counting(), Counting(sha256="0" * 64)
    first.embed(items)
    second.embed(items)
    assert second.seen == ["a"]


def test_nan_from_a_model_is_an_error_and_is_not_kept() -> None:
    class Broken(Counting):
        def _compute(self, contents: list[str], batch_size: int) -> np.ndarray:
            return np.full((len(contents), 2), np.nan)

    items = Items.from_texts(["a"], ids=["the-item"])
    with pytest.raises(EmbedlabError, match="the-item"):
        Broken().embed(items)
    model = Counting()
    model.embed(items)
    assert model.seen == ["a"]


def test_bad_items_are_named_or_skipped_and_listed() -> None:
    items = Items.from_texts(["a", "", "b"], ids=["x", "y", "z"])
    with pytest.raises(BadItem, match=r"1 of 3 items cannot be embedded \('y': empty text\)") as caught:
        Counting().embed(items)
    assert caught.value.problems == {"y": EMPTY}
    assert Argument("on_error", "skip") in caught.value.parts
    emb = Counting().embed(items, on_error="skip")
    assert emb.ids == ["x", "z"]
    assert emb.report.skipped == {"y": EMPTY}


def test_no_items_give_an_empty_matrix() -> None:
    assert Counting().embed(Items.from_texts([])).vectors.shape == (0, 2)


@pytest.mark.parametrize(("argument", "value"), [("batch_size", 0), ("on_error", "ignore")])
def test_wrong_arguments_are_refused(argument: str, value: object) -> None:
    with pytest.raises(BadItem, match=argument):
        Counting().embed(Items.from_texts(["a"]), **{argument: value})


def test_wrong_modality_is_refused(make_embeddings: Callable[..., Embeddings]) -> None:
    with pytest.raises(BadItem, match="embeds image, but these items are text"):
        Counting(modality="image").embed(make_embeddings(3).items)


def test_a_damaged_file_is_set_aside_and_begun_anew() -> None:
    model, items = Counting(), Items.from_texts(["a", "b"])
    model.embed(items)
    path = VectorCache(model._provenance(), 2).path
    for extra in path.parent.glob(path.name + "-*"):
        extra.unlink()
    path.write_bytes(b"this is not a database" * 100)
    with pytest.warns(UserWarning, match="damaged"):
        emb = model.embed(items)
    assert emb.vectors[:, 0].tolist() == [1, 1]
    assert path.with_suffix(".damaged").exists()
    assert model.embed(items).report.n_cached == 2


def test_a_cache_that_cannot_be_written_is_said_once_and_embedding_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("a file where a folder should be")
    monkeypatch.setattr("embedlab.embedders.vector_cache.folder", lambda: in_the_way / "vectors")
    with pytest.warns(UserWarning, match="EMBEDLAB_CACHE") as caught:
        emb = Counting().embed(Items.from_texts(list("abcdefgh")), batch_size=1)
    assert len(caught) == 1
    assert len(emb) == 8


def test_a_full_disk_while_writing_is_said_once_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with VectorCache(PROVENANCE, 2) as kept:
        assert kept._db is not None
        # SQLite's own way to run out of room: no more pages than the file has now.
        pages = kept._db.execute("PRAGMA page_count").fetchone()[0]
        kept._db.execute(f"PRAGMA max_page_count={pages}")
        digests = [i.to_bytes(4, "big") for i in range(5000)]
        with pytest.warns(UserWarning, match="full"):
            kept.put(digests, np.zeros((5000, 2), np.float32), [False] * 5000)
        kept.put([b"x"], np.zeros((1, 2), np.float32), [False])  # silent: it was said


def test_summary_and_clear() -> None:
    Counting().embed(Items.from_texts(["a", "b"]))
    Counting(name="text/mpnet").embed(Items.from_texts(["a"]))
    known = vector_cache.summary().set_index("name")["vectors"]
    assert known.to_dict() == {"text/minilm": 2, "text/mpnet": 1}
    assert vector_cache.clear("text/minilm") > 0
    assert vector_cache.summary()["name"].tolist() == ["text/mpnet"]
    vector_cache.clear()
    assert vector_cache.summary().empty


SLOW_RUN = """
    import sys, time
    from pathlib import Path
    import numpy as np
    from embedlab.embedders import vector_cache
    vector_cache.folder = lambda: Path(sys.argv[1])
    from test_vector_cache import Counting
    from embedlab.items import Items

    class Slow(Counting):
        def _compute(self, contents, batch_size):
            time.sleep(0.05)
            print(len(self.seen), flush=True)
            return super()._compute(contents, batch_size)

    Slow().embed(Items.from_texts([f"text {i:04d}" for i in range(400)]), batch_size=4)
"""


def test_after_kill_9_the_second_run_embeds_only_what_is_missing(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent), str(KIT), *sys.path])}
    script = textwrap.dedent(SLOW_RUN)
    command = [sys.executable, "-c", script, str(vector_cache.folder())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if int(line) >= 200:
                break
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL

    model = Counting()
    emb = model.embed(Items.from_texts([f"text {i:04d}" for i in range(400)]))
    assert emb.report.n_cached >= 80, "at most the last second or so is lost"
    assert emb.report.n_computed + emb.report.n_cached == 400
    assert len(model.seen) == emb.report.n_computed < 400
    assert (emb.vectors[:, 0] == 9).all()


def test_an_interrupt_keeps_what_was_computed() -> None:
    class Interrupted(Counting):
        def _compute(self, contents: list[str], batch_size: int) -> np.ndarray:
            if len(self.seen) == 6:
                raise KeyboardInterrupt
            return super()._compute(contents, batch_size)

    items = Items.from_texts([str(i) for i in range(10)])
    with pytest.raises(KeyboardInterrupt):
        Interrupted().embed(items, batch_size=2)
    assert Counting().embed(items).report.n_cached == 6


def test_two_processes_write_the_same_cache_at_once() -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent), str(KIT), *sys.path])}
    script = textwrap.dedent(SLOW_RUN).replace("0.05", "0.001")
    command = [sys.executable, "-c", script, str(vector_cache.folder())]
    runs = [subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env) for _ in range(2)]
    deadline = time.monotonic() + 120
    assert [run.wait(timeout=max(1, deadline - time.monotonic())) for run in runs] == [0, 0]
    [file] = vector_cache.folder().glob("*.sqlite")
    db = sqlite3.connect(file)
    assert db.execute("SELECT count(*) FROM vectors").fetchone() == (400,)
    db.close()
