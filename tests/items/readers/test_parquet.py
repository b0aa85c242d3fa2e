"""Parquet files that other software wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reader_kit import codes

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, HoldsEmbeddings, ProblemCode
from embedlab.items import Items


def test_parquet_of_others_is_read_and_embeddings_are_told_apart(
    tmp_path: Path, make_embeddings: Callable[..., Embeddings]
) -> None:
    frame = pd.DataFrame({"id": [1, 2], "text": ["a", None], "when": pd.to_datetime(["2020-01-01"] * 2)})
    frame["vector"] = [[1.0, 2.0], [3.0, 4.0]]
    frame.to_parquet(tmp_path / "a.parquet")
    items = Items.from_parquet(tmp_path / "a.parquet", modality="text", content="text", id="id")
    assert items.ids == ["1", "2"]
    assert items.contents == ["a", ""]
    assert items.metadata["vector"].tolist() == ["[1.0, 2.0]", "[3.0, 4.0]"]
    assert items.metadata["when"].dt.year.tolist() == [2020, 2020]
    make_embeddings(5).save(tmp_path / "b.parquet")
    with pytest.raises(HoldsEmbeddings, match=r"Embeddings\.load") as holds:
        Items.from_parquet(tmp_path / "b.parquet", modality="text", content="content")
    assert holds.value.path == tmp_path / "b.parquet"
    (tmp_path / "c.parquet").write_bytes(b"PAR1 cut")
    with pytest.raises(BadItem, match="Copy it again") as caught:
        Items.from_parquet(tmp_path / "c.parquet", modality="text", content="text")
    assert codes(caught.value.problems) == {"c.parquet": ProblemCode.DAMAGED}
    pd.DataFrame({"image": [b"\x89PNG"]}).to_parquet(tmp_path / "d.parquet")
    with pytest.raises(BadItem, match="bytes of files"):
        Items.from_parquet(tmp_path / "d.parquet", modality="image", content="image")


def test_whatever_strangers_put_into_a_column_can_be_saved(
    tmp_path: Path, make_embeddings: Callable[..., Embeddings]
) -> None:
    frame = pd.DataFrame({
        "text": ["a", "b"],
        "half": pd.Series(["x\ud800", None], dtype=object),
        "mixed": [1, "x"],
        "nested": [{"a": 1}, [2]],
        "huge": [2**70, 1],
    })  # fmt: skip
    items = Items.from_frame(frame, modality="text", content="text")
    emb = make_embeddings(2)
    loaded = Embeddings.load(
        Embeddings(np.ones((2, 4)), items, emb.model, "l", "m", False).save(tmp_path / "a.parquet")
    )
    assert loaded.items.frame["half"].iloc[0] == "x�"
    assert loaded.items.frame["mixed"].tolist() == ["1", "x"]
    assert loaded.items.frame["huge"].tolist() == [str(2**70), "1"]
