from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from embedlab.errors import Argument, BadItem, ProblemCode
from embedlab.items import Items


def test_from_texts_gives_ids_labels_and_contents() -> None:
    items = Items.from_texts(["a", "b"], labels=["x", None])
    assert items.ids == ["0", "1"]
    assert items.contents == ["a", "b"]
    assert items.labels == ["x", None]
    assert len(items) == 2


def test_from_frame_renames_and_keeps_metadata_without_touching_the_frame() -> None:
    df = pd.DataFrame({"key": [7, 8], "text": ["a", "b"], "topic": ["x", "y"], "year": [1999, 2001]})
    before = df.copy()
    items = Items.from_frame(df, modality="text", content="text", id="key", label="topic", name="mine")
    assert items.ids == ["7", "8"]
    assert items.labels == ["x", "y"]
    assert items.metadata["year"].tolist() == [1999, 2001]
    pd.testing.assert_frame_equal(df, before)


def test_from_frame_names_the_missing_column() -> None:
    with pytest.raises(BadItem, match=r"No column 'body'.*'text'"):
        Items.from_frame(pd.DataFrame({"text": ["a"]}), modality="text", content="body")


def test_a_column_that_already_bears_a_reserved_name_gives_way_to_the_chosen_one() -> None:
    df = pd.DataFrame({"id": [1, 2], "key": ["p", "q"], "content": ["old", "old"], "body": ["a", "b"]})
    items = Items.from_frame(df, modality="text", content="body", id="key")
    assert items.ids == ["p", "q"]
    assert items.contents == ["a", "b"]


def test_duplicate_ids_are_refused_and_named() -> None:
    with pytest.raises(BadItem, match="'a'"):
        Items.from_texts(["x", "y"], ids=["a", "a"])


@pytest.mark.parametrize("column", ["ids", "labels"])
def test_wrong_length_prints_both_numbers(column: str) -> None:
    with pytest.raises(BadItem, match=f"3 {column} but 2 texts"):
        Items.from_texts(["x", "y"], **{column: ["a", "b", "c"]})


def test_one_string_is_not_a_list_of_texts() -> None:
    with pytest.raises(BadItem, match="write"):
        Items.from_texts("hello")


def test_unknown_modality_is_refused() -> None:
    with pytest.raises(BadItem, match="smell"):
        Items.from_frame(pd.DataFrame({"c": ["a"]}), modality="smell", content="c")


def test_select_by_mask_and_by_ids_in_their_order() -> None:
    items = Items.from_texts(list("abc"), ids=["i", "j", "k"])
    assert items.select(np.array([True, False, True])).ids == ["i", "k"]
    assert items.select(["k", "i"]).contents == ["c", "a"]
    assert items.select("j").ids == ["j"]
    assert len(items.select([])) == 0


def test_select_refuses_unknown_ids_and_wrong_masks() -> None:
    items = Items.from_texts(list("abc"))
    with pytest.raises(BadItem, match="'9'"):
        items.select(["9"])
    with pytest.raises(BadItem, match="2 values but there are 3"):
        items.select(np.array([True, False]))


def test_equal_contents_have_equal_hashes_and_others_do_not() -> None:
    first, second, third = Items.from_texts(["same", "same", "other"]).content_hashes()
    assert first == second != third


def test_html_escapes_what_strangers_wrote() -> None:
    items = Items.from_texts(["<script>alert(1)</script>"], labels=["<img onerror=x>"], name="<b>")
    html = items._repr_html_()
    assert "<script>" not in html
    assert "<img" not in html


def test_title_is_short_and_on_one_line() -> None:
    items = Items.from_texts(["a\nb " * 100])
    assert len(items.title("0", 20)) == 20
    assert "\n" not in items.title("0")


def test_missing_labels_become_none() -> None:
    assert Items.from_texts(["a", "b", "c"], labels=["x", float("nan"), pd.NA]).labels == ["x", None, None]


def test_no_items_is_an_empty_collection() -> None:
    items = Items.from_texts([])
    assert len(items) == 0
    assert items.content_hashes() == []


def test_a_folder_of_texts_takes_labels_from_its_subfolders(tmp_path: Path) -> None:
    for name, text in {
        "a/one.txt": "first",
        "a/b/two.md": "second",
        "top.txt": "third",
        ".hidden.txt": "no",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "picture.png").write_bytes(b"")
    items = Items.from_folder(tmp_path, modality="text")
    assert items.ids == ["top.txt", "a/one.txt", "a/b/two.md"]
    assert items.contents == ["third", "first", "second"]
    assert items.labels == [None, "a", "b"]
    assert items.name == tmp_path.name


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "x.txt").write_text(folder.name)
    (inside / "file.txt").symlink_to(outside / "x.txt")
    (inside / "folder").symlink_to(outside)
    assert Items.from_folder(inside, modality="text").contents == ["inside"]


def test_a_folder_without_such_files_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(BadItem, match=r"No image files .* it holds 1 \.txt"):
        Items.from_folder(tmp_path, modality="image")
    with pytest.raises(BadItem, match="There is no folder"):
        Items.from_folder(tmp_path / "missing", modality="text")
    with pytest.raises(BadItem, match="'smell'"):
        Items.from_folder(tmp_path, modality="smell")


def test_a_text_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    with pytest.raises(BadItem, match=r"1 of 1 files ") as caught:
        Items.from_folder(tmp_path, modality="text")
    assert caught.value.problems["latin.txt"].code is ProblemCode.ENCODING
    assert {Argument("encoding", "cp1252"), Argument("on_error", "skip")} <= set(caught.value.parts)


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    for name, content in {"a.png": b"1", "b.png": b"1", "c.png": b"2"}.items():
        (tmp_path / name).write_bytes(content)
    items = Items.from_folder(tmp_path, modality="image")
    first, second, third = items.content_hashes()
    assert first == second != third
    (tmp_path / "a.png").write_bytes(b"3")
    assert items.content_hashes()[0] != first
    (tmp_path / "c.png").unlink()
    with pytest.raises(BadItem, match=r"c\.png cannot be read") as caught:
        items.content_hashes()
    assert caught.value.path == tmp_path / "c.png"


def test_a_table_of_files_shows_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.png").touch()
    html = Items.from_folder(tmp_path, modality="image")._repr_html_()
    assert ">one.png<" in html
    assert str(tmp_path) not in html
