"""Folders of files, and tables that describe them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from reader_kit import codes, write_table

from embedlab.errors import BadItem, ProblemCode
from embedlab.items import Items


def test_a_folder_names_what_cannot_be_read_and_reads_the_rest_when_told(tmp_path: Path) -> None:
    for name, content in {"a.txt": b"fine", "b.txt": b"caf\xe9", "c.txt": b"", "d.md": b"\xff\xfe"}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "itself.txt").symlink_to(tmp_path / "itself.txt")
    with pytest.raises(BadItem, match=r"3 of 4 files in .* cannot be read") as caught:
        Items.from_folder(tmp_path, modality="text")
    assert codes(caught.value.problems) == {
        "itself.txt": ProblemCode.MISSING,
        "b.txt": ProblemCode.ENCODING,
        "d.md": ProblemCode.ENCODING,
    }
    items = Items.from_folder(tmp_path, modality="text", on_error="skip")
    assert items.ids == ["a.txt", "c.txt"]
    assert sorted(items.origin.left_out) == ["b.txt", "d.md", "itself.txt"]
    assert items.origin.not_followed == ("loop/",)
    latin = Items.from_folder(tmp_path, modality="text", encoding="cp1252", on_error="skip")
    assert latin.contents[1] == "café"


def test_links_are_counted_and_named(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "links", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    for name in ("a.txt", "b.txt"):
        (elsewhere / name).write_text("fine")
        (folder / name).symlink_to(elsewhere / name)
    with pytest.raises(
        BadItem, match=r"it holds 2 links that lead elsewhere .*'a\.txt', 'b\.txt'.* Copy the"
    ):
        Items.from_folder(folder, modality="text")
    (folder / "own.txt").write_text("fine")
    items = Items.from_folder(folder, modality="text")
    assert items.ids == ["own.txt"]
    assert items.origin.not_followed == ("a.txt", "b.txt")
    assert "2 links that lead elsewhere and are not followed ('a.txt', 'b.txt')" in items.origin.description
    (folder / "dead.txt").symlink_to(folder / "nowhere.txt")
    (folder / "dead.bin").symlink_to(folder / "nowhere.bin")
    with pytest.raises(BadItem, match=r"dead\.txt: the link leads to nothing"):
        Items.from_folder(folder, modality="text")
    skipped = Items.from_folder(folder, modality="text", on_error="skip")
    assert list(skipped.origin.left_out) == ["dead.txt"]


def test_a_file_that_may_not_be_looked_at_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "shut.txt", "shut.bin"):
        (tmp_path / name).write_text("fine")
    look = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        if path.stem == "shut" and options.get("follow_symlinks", True):  # as /proc/1/cwd
            raise PermissionError(13, "Permission denied", str(path))
        return look(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    items = Items.from_folder(tmp_path, modality="text", on_error="skip")
    assert items.ids == ["a.txt"]
    assert codes(items.origin.left_out) == {"shut.txt": ProblemCode.FORBIDDEN}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may read everything")
def test_a_folder_that_may_not_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("fine")
    (tmp_path / "shut").mkdir(mode=0)
    with pytest.raises(BadItem, match="shut/: the folder cannot be opened"):
        Items.from_folder(tmp_path, modality="text")
    assert len(Items.from_folder(tmp_path, modality="text", on_error="skip")) == 1


def test_a_name_that_is_not_utf8_is_an_id_all_the_same(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")).touch()
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    items = Items.from_folder(tmp_path, modality="image")
    assert items.ids == ["caf\\xe9.png"]
    assert Path(items.contents[0]).exists()


def test_a_table_beside_the_files_gives_labels_and_metadata(tmp_path: Path) -> None:
    for name in ("x/a.png", "b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    meta = write_table(
        tmp_path / "metadata.csv", "file_name,species,year\nx/a.png,cat,1999\n./gone.png,dog,2000\n"
    )
    with pytest.raises(BadItem, match=r"metadata\.csv, 'gone\.png': there is no such file"):
        Items.from_folder(tmp_path, modality="image", metadata=meta, label="species")
    items = Items.from_folder(tmp_path, modality="image", metadata=meta, label="species", on_error="skip")
    assert items.ids == ["b.png", "x/a.png"]
    assert items.labels == [None, "cat"]
    assert items.metadata["year"].tolist()[1] == 1999
    assert Items.from_folder(tmp_path, modality="image").labels == [None, "x"], "never looked for by itself"
    write_table(meta, "path,species\nx/a.png,cat\n")
    with pytest.raises(BadItem, match="No column 'file_name'"):
        Items.from_folder(tmp_path, modality="image", metadata=meta)
