from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import embedlab as el
from embedlab.embeddings import Embeddings, EmbedReport
from embedlab.embeddings.parquet import EmbeddingsFile
from embedlab.errors import BadItem, EmbedlabError, Problem, ProblemCode
from embedlab.io.atomic import CannotWrite
from embedlab.items import Items

Make = Callable[..., Embeddings]


def test_vectors_become_contiguous_float32(make_embeddings: Make) -> None:
    emb = make_embeddings(10, 8)
    emb = dataclasses.replace(emb, vectors=np.asfortranarray(emb.vectors.astype("float64")))
    assert emb.vectors.dtype == np.float32
    assert emb.vectors.flags.c_contiguous
    assert emb.dim == 8


def test_count_mismatch_prints_both_numbers(make_embeddings: Make) -> None:
    emb = make_embeddings(10, 8)
    with pytest.raises(BadItem, match="9 vectors but 10 items"):
        dataclasses.replace(emb, vectors=emb.vectors[:9])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite_is_refused_with_the_id(make_embeddings: Make, value: float) -> None:
    emb = make_embeddings(10, 8)
    vectors = emb.vectors.copy()
    vectors[3, 2] = value
    with pytest.raises(BadItem, match="ids i0003") as caught:
        dataclasses.replace(emb, vectors=vectors)
    assert caught.value.problems["i0003"].code is ProblemCode.DAMAGED


def test_one_dimensional_vectors_are_refused(make_embeddings: Make) -> None:
    with pytest.raises(BadItem, match="shape"):
        dataclasses.replace(make_embeddings(10, 8), vectors=np.zeros(10))


def test_select_keeps_vectors_with_their_items(make_embeddings: Make) -> None:
    emb = make_embeddings(10, 8)
    some = emb.select(["i0007", "i0002"])
    assert some.ids == ["i0007", "i0002"]
    np.testing.assert_array_equal(some.vectors, emb.vectors[[7, 2]])
    assert some.select(np.array([False, True])).ids == ["i0002"]


def test_normalize_keeps_directions(make_embeddings: Make) -> None:
    emb = make_embeddings(10, 8)
    unit = emb.normalize()
    assert unit.normalized
    np.testing.assert_allclose(np.linalg.norm(unit.vectors, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(
        unit.vectors * np.linalg.norm(emb.vectors, axis=1, keepdims=True), emb.vectors, rtol=1e-5
    )


def test_normalize_refuses_a_vector_of_zeros(make_embeddings: Make) -> None:
    emb = make_embeddings(3, 4)
    with pytest.raises(BadItem) as caught:
        dataclasses.replace(emb, vectors=np.zeros((3, 4))).normalize()
    assert list(caught.value.problems) == ["i0000", "i0001", "i0002"]


def test_save_and_load_give_everything_back(make_embeddings: Make, tmp_path: Path) -> None:
    emb = make_embeddings(12, 8)
    frame = emb.items.frame.assign(
        year=range(12),
        share=np.linspace(0, 1, 12),
        odd=[i % 2 == 1 for i in range(12)],
        tags=[["a", "b"]] * 12,
    )
    frame.loc[3, "label"] = None
    skipped = {"gone": Problem(ProblemCode.UNREADABLE, "empty text")}
    report = EmbedReport(10, 2, ("i0001",), skipped, 1.5)
    emb = dataclasses.replace(emb, items=Items(frame, "text", "näme"), report=report)
    back = Embeddings.load(emb.save(tmp_path / "e.parquet"))
    np.testing.assert_array_equal(back.vectors, emb.vectors)
    for name in ("model", "layer", "pooling", "normalized", "report"):
        assert getattr(back, name) == getattr(emb, name)
    assert (back.items.name, back.items.modality) == ("näme", "text")
    assert back.items.labels == emb.items.labels
    assert [list(t) for t in back.items.frame["tags"]] == [["a", "b"]] * 12
    pd.testing.assert_frame_equal(
        back.items.frame.drop(columns=["tags", "label"]), emb.items.frame.drop(columns=["tags", "label"])
    )


@pytest.mark.parametrize(
    ("sha256", "revision", "told"),
    [("ab" * 32, "v1", "text/toy @ abababab,"), (None, "v1", "text/toy @ v1,"), (None, None, "text/toy, ")],
)
def test_it_names_the_weights_where_they_are_known(
    make_embeddings: Make, sha256: str | None, revision: str | None, told: str
) -> None:
    emb = make_embeddings(2, 3)
    card = dataclasses.replace(emb.model, name="text/toy", sha256=sha256, revision=revision)
    assert f"Embeddings(2 x 3, {told}" in repr(dataclasses.replace(emb, model=card))


def test_the_format_on_disk_is_that_of_the_first_version(make_embeddings: Make, tmp_path: Path) -> None:
    emb = make_embeddings(3, 4)
    skipped = {"gone": Problem(ProblemCode.EMPTY, "empty text")}
    emb = dataclasses.replace(emb, report=EmbedReport(3, 0, ("i0001",), skipped, 1.5))
    about = json.loads(pq.read_table(emb.save(tmp_path / "e.parquet")).schema.metadata[b"embedlab"])
    assert list(about) == ["format", "model", "report", "items", "layer", "pooling", "normalized"]
    assert about["format"] == "embedlab.embeddings/1"
    assert about["report"] == {
        "n_computed": 3,
        "n_cached": 0,
        "truncated": ["i0001"],
        "skipped": {"gone": "empty text"},
        "seconds": 1.5,
    }
    assert about["items"] == {"modality": emb.items.modality, "name": emb.items.name}


def test_a_file_is_read_in_batches(make_embeddings: Make, tmp_path: Path) -> None:
    emb = make_embeddings(7, 4)
    file = EmbeddingsFile(emb.save(tmp_path / "e.parquet"))
    assert (len(file), file.dim, file.provenance.model) == (7, 4, emb.model)
    parts = list(Embeddings.load_batches(file, 3, skip=2))
    assert [part.ids for part in parts] == [["i0002"], ["i0003", "i0004", "i0005"], ["i0006"]]
    np.testing.assert_array_equal(np.concatenate([part.vectors for part in parts]), emb.vectors[2:])


def test_any_parquet_reader_opens_the_file(make_embeddings: Make, tmp_path: Path) -> None:
    path = make_embeddings(5, 4).save(tmp_path / "e.parquet")
    frame = pd.read_parquet(path)
    assert len(frame["vector"][0]) == 4
    assert frame["id"].tolist()[0] == "i0000"


def test_no_items_can_be_saved(make_embeddings: Make, tmp_path: Path) -> None:
    back = Embeddings.load(make_embeddings(4, 4).select([]).save(tmp_path / "e.parquet"))
    assert back.vectors.shape == (0, 4)


def test_a_cut_file_is_refused_by_name(make_embeddings: Make, tmp_path: Path) -> None:
    path = make_embeddings(50, 8).save(tmp_path / "e.parquet")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadItem, match=r"e\.parquet is not a complete parquet file") as caught:
        Embeddings.load(path)
    assert caught.value.path == path


def changed(path: Path, change: Callable[[dict[str, Any]], object], drop: str | None = None) -> Path:
    """The file with its provenance changed: what ``change`` returns, or the dict that it changed."""
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[b"embedlab"])
    made = change(about)
    noted = made if isinstance(made, bytes) else json.dumps(about if made is None else made).encode()
    table = table.drop_columns([drop] if drop else [])
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"embedlab": noted}), path)
    return path


@pytest.mark.parametrize(
    ("change", "drop", "said"),
    [
        (lambda about: b"{broken", None, r"its provenance is not valid JSON .*Save the embeddings again"),
        (lambda about: [about], None, "was not written by Embeddings.save"),
        (lambda about: about.update(format="embedlab.embeddings/2"), None, "update this one"),
        (lambda about: about.update(report=None), None, "'report' in its provenance is not a JSON object"),
        (
            lambda about: {k: v for k, v in about.items() if k != "report"},
            None,
            "its provenance lacks report",
        ),
        (
            lambda about: about["model"].update(smell="sweet"),
            None,
            r"does not know \(smell\).*update this one",
        ),
        (lambda about: about.update(model={"name": "x"}), None, "its provenance is incomplete"),
        (lambda about: about.update(items=["text"]), None, "'items' in its provenance is not a JSON object"),
        (lambda about: about.update(items={"name": "x"}), None, "'items' in its provenance needs 'modality'"),
        (lambda about: None, "vector", "no column 'vector'"),
        (lambda about: None, "id", "Column 'id' is missing"),
    ],
)
def test_a_damaged_or_newer_file_is_named_with_the_cure(
    make_embeddings: Make,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], object],
    drop: str | None,
    said: str,
) -> None:
    path = changed(make_embeddings(5, 4).save(tmp_path / "e.parquet"), change, drop)
    with pytest.raises(BadItem, match=said) as caught:
        Embeddings.load(path)
    assert "e.parquet" in str(caught.value)
    assert caught.value.path == path


def test_a_folder_and_a_damaged_page_are_named(make_embeddings: Make, tmp_path: Path) -> None:
    (tmp_path / "dir.parquet").mkdir()
    with pytest.raises(BadItem, match=r"dir\.parquet is a folder"):
        Embeddings.load(tmp_path / "dir.parquet")
    path = make_embeddings(500, 8).save(tmp_path / "e.parquet")
    content = bytearray(path.read_bytes())
    content[1_000:9_000] = bytes(8_000)
    path.write_bytes(content)
    with pytest.raises(BadItem, match=r"e\.parquet"):
        Embeddings.load(path)


def test_vectors_that_are_not_finite_are_named_with_their_file(make_embeddings: Make, tmp_path: Path) -> None:
    path = make_embeddings(5, 4).save(tmp_path / "e.parquet")
    table = pq.read_table(path)
    broken = pa.FixedSizeListArray.from_arrays(pa.array(np.full(20, np.nan, np.float32)), 4)
    place = table.schema.get_field_index("vector")
    pq.write_table(table.set_column(place, "vector", broken), path)
    with pytest.raises(BadItem, match=r"e\.parquet: 5 vectors contain NaN or infinity \(ids i0000") as caught:
        Embeddings.load(path)
    assert len(caught.value.problems) == 5


def test_where_nothing_can_be_written_the_path_is_named(make_embeddings: Make, tmp_path: Path) -> None:
    emb = make_embeddings(5, 4)
    with pytest.raises(
        CannotWrite, match=r"gone.e\.parquet cannot be written: No such file.*Choose a folder"
    ):
        emb.save(tmp_path / "gone" / "e.parquet")
    (tmp_path / "e.parquet").mkdir()
    with pytest.raises(EmbedlabError, match=r"e\.parquet cannot be written"):
        emb.save(tmp_path / "e.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["e.parquet"], "nothing is left beside it"
    with pytest.raises(CannotWrite, match=r"m\.html cannot be written"):
        el.explore(emb, method="pca").to_html(tmp_path / "gone" / "m.html")


def test_a_parquet_file_of_another_origin_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pd.DataFrame({"id": ["a"]}).to_parquet(path)
    with pytest.raises(BadItem, match="provenance"):
        Embeddings.load(path)


def test_an_interrupted_save_leaves_the_old_file(
    make_embeddings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_embeddings(5, 4).save(tmp_path / "e.parquet")
    before = path.read_bytes()

    def half(table: object, where: Path, compression: str) -> None:
        Path(where).write_bytes(b"PAR1 half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pq, "write_table", half)
    with pytest.raises(KeyboardInterrupt):
        make_embeddings(6, 4).save(path)
    assert path.read_bytes() == before


def test_to_frame_has_one_vector_a_row(make_embeddings: Make) -> None:
    frame = make_embeddings(5, 4).to_frame()
    assert frame["vector"][0].shape == (4,)
