"""Items from files as strangers make them: CSV, JSON lines, parquet, folders."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from embedlab.embeddings import Embeddings
from embedlab.errors import Argument, BadItem, HoldsEmbeddings, Problem, ProblemCode
from embedlab.items import Items

ROWS = [("007", "A cat sleeps.", "animals"), ("008", "Waves break.", "sea")]


def table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding, "surrogateescape"))
    return path


def codes(problems: Mapping[str, Problem]) -> dict[str, ProblemCode]:
    return {name: problem.code for name, problem in problems.items()}


def read(path: Path, **options: object) -> Items:
    return Items.from_csv(path, modality="text", content="text", id="id", label="topic", **options)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_separators_are_counted_and_marks_obeyed(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = [("id", "text", "topic"), ("1", "Zoë, naïve; «ça»|\tva", "x"), ("2", "b", "y")]
    with (tmp_path / "a.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    items = read(tmp_path / "a.csv")
    assert items.contents == ["Zoë, naïve; «ça»|\tva", "b"]
    assert items.labels == ["x", "y"]
    assert items.origin
    assert (repr(separator) if separator != "\t" else "tab") in items.origin.description
    assert items.name == "a"


def test_ids_and_labels_stay_as_written_and_numbers_become_numbers(tmp_path: Path) -> None:
    lines = "id,text,topic,year,plz,x\n007,NA,1.0,1999,01067,\n1e3,null,,2001,10115,2.5\n"
    items = read(table(tmp_path / "a.csv", lines))
    assert items.ids == ["007", "1e3"]
    assert items.contents == ["NA", "null"]
    assert items.labels == ["1.0", None]
    assert items.metadata["year"].tolist() == [1999, 2001]
    assert items.metadata["plz"].tolist() == ["01067", "10115"]
    assert items.metadata["x"].isna().tolist() == [True, False]


def test_an_id_column_that_was_not_named_stays_as_written_too(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "id,text\n01,a\n1.50,b\n")
    assert Items.from_csv(path, modality="text", content="text").ids == ["01", "1.50"]


def test_quotes_newlines_nul_and_a_text_of_a_megabyte(tmp_path: Path) -> None:
    long = "word " * 200_000
    lines = f'id,text,topic\n1,"two\nlines, ""quoted""",x\n2,a\0b,y\n3,{long},z\n\n,,\n'
    before = csv.field_size_limit()
    items = read(table(tmp_path / "a.csv", lines))
    assert items.contents == ['two\nlines, "quoted"', "a\0b", long]
    assert csv.field_size_limit() == before
    assert "2 blank" in items.origin.description


def test_a_line_in_another_encoding_is_named_with_its_cure(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        "id,text,topic\n1,fine café,x\n2,".encode() + "Käse".encode("cp1252") + b",y\n3,ok,z\n4,ok,z\n"
    )
    with pytest.raises(BadItem, match=r"as cp1252 it reads 'Käse'.*3 other rows are fine") as caught:
        read(path)
    assert codes(caught.value.problems) == {"line 3": ProblemCode.ENCODING}
    assert caught.value.problems["line 3"].argument == Argument("encoding", "cp1252")
    items = read(path, on_error="skip")
    assert items.ids == ["1", "3", "4"]
    assert items.origin.left_out == caught.value.problems
    assert items.select(["3"]).origin == items.origin


def test_a_whole_file_in_another_encoding_is_read_when_told(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "id;text;topic\n1;Käse;é\n2;Öl;ü\n", "cp1252")
    with pytest.raises(BadItem, match="in another encoding") as caught:
        read(path)
    assert Argument("encoding", "cp1252") in caught.value.parts
    assert Argument("on_error", "skip") in caught.value.parts
    assert read(path, encoding="cp1252").contents == ["Käse", "Öl"]
    with pytest.raises(BadItem, match="no encoding 'klingon'"):
        read(path, encoding="klingon")


def test_where_nothing_can_be_read_the_first_reason_and_the_cure_are_said(tmp_path: Path) -> None:
    latin = table(tmp_path / "a.csv", "id;text;topic\n1;Käse;é\n2;Öl;ü\n", "cp1252")
    with pytest.raises(BadItem, match=r"No row of .*a\.csv can be read; line 2") as caught:
        read(latin, on_error="skip")
    assert codes(caught.value.problems) == dict.fromkeys(["line 2", "line 3"], ProblemCode.ENCODING)
    assert Argument("encoding", "cp1252") in caught.value.parts
    latin.rename(tmp_path / "a.jsonl").write_bytes('{"text": "Käse"}\n'.encode("cp1252"))
    with pytest.raises(BadItem, match=r"Save the file as UTF-8") as caught:
        Items.from_jsonl(tmp_path / "a.jsonl", modality="text", content="text", on_error="skip")
    assert codes(caught.value.problems) == {"line 1": ProblemCode.ENCODING}
    (tmp_path / "b.jsonl").write_text("{broken\n")
    with pytest.raises(BadItem, match=r"Write one object a line") as caught:
        Items.from_jsonl(tmp_path / "b.jsonl", modality="text", content="text", on_error="skip")
    assert codes(caught.value.problems) == {"line 1": ProblemCode.MALFORMED}
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_bytes(b"K\xe4se")
    with pytest.raises(BadItem, match=r"None of the text files") as caught:
        Items.from_folder(tmp_path / "texts", modality="text", on_error="skip")
    assert caught.value.problems["a.txt"].code is ProblemCode.ENCODING
    assert Argument("encoding", "cp1252") in caught.value.parts
    with pytest.raises(BadItem, match=r"There is no encoding 'nope'"):
        Items.from_folder(tmp_path / "texts", modality="text", encoding="nope", on_error="skip")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("1,a,x\n2,b,with,comma\n", r"line 3: 4 fields, but the header has 3: is there a ,"),
        ("1,a,x\n2,b\n", r"line 3: 2 fields, but the header has 3"),
        ('1,"two\nlines",x\n2,"never closed,y\n3,c,z\n', r"line 4: a quote opens here and is never closed"),
        ('1,a,x\n2,"b" c,y\n', r"line 3: its quotes are wrong"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, lines: str, reason: str) -> None:
    path = table(tmp_path / "a.csv", "id,text,topic\n" + lines)
    with pytest.raises(BadItem, match=reason) as caught:
        read(path)
    assert set(codes(caught.value.problems).values()) == {ProblemCode.MALFORMED}
    assert read(path, on_error="skip").ids == ["1"]


def test_what_spreadsheets_add_is_understood(tmp_path: Path) -> None:
    items = read(table(tmp_path / "a.csv", "sep=;\r\nid;text;topic;\r\n1;a, b;x;\r\n;;;\r\n2;c;y;\r\n"))
    assert items.contents == ["a, b", "c"]
    broken = table(tmp_path / "b.csv", "sep=;\nid;text;topic\n1;a;x\n2;b\n")
    with pytest.raises(BadItem, match="line 4"):
        read(broken)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"empty file \(0 bytes\)"),
        (b"id,text,topic\n", "a header .* and no rows"),
        (b"\n\n", "holds no text"),
        (b"PK\x03\x04 anything", "spreadsheet"),
        ("id,text,topic\n1,a,b\n".encode("utf-16-le"), "looks like UTF-16"),
        (b"id,body,topic\n1,a,b\n", r"No column 'text' in a\.csv; it has \['id', 'body', 'topic'\]"),
        (b"id,text,topic\n1,a,b\n1,c,d\n2,e,f\n", "1 ids occur more than once: '1'"),
        (b"id,text,topic\n1,a,b\n,c,d\n", "1 of 2 items have no id: rows '1'"),
    ],
)
def test_a_file_that_cannot_be_items_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(BadItem, match=reason):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", ProblemCode.EMPTY),
        (b"PK\x03\x04 anything", ProblemCode.WRONG_KIND),
        ("id,text\n1,a\n".encode("utf-16-le"), ProblemCode.ENCODING),
        ("id,text\n1,a\n".encode("utf-16") + b"x", ProblemCode.ENCODING),
        (b'id,"text"x\n1,a\n', ProblemCode.MALFORMED),
        (None, ProblemCode.MISSING),
    ],
)
def test_the_error_about_a_whole_file_has_a_code_and_the_path(
    tmp_path: Path, content: bytes | None, code: ProblemCode
) -> None:
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadItem) as caught:
        read(path)
    assert list(codes(caught.value.problems).values()) == [code]
    assert caught.value.path == path


def test_a_utf16_file_without_a_mark_names_the_encoding_to_pass(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "id,text,topic\n1,a,x\n", "utf-16-le")
    with pytest.raises(BadItem) as caught:
        read(path)
    assert Argument("encoding", "utf-16-le") in caught.value.parts
    assert read(path, encoding="utf-16-le").contents == ["a"]


def test_the_report_says_how_a_file_was_read(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "id\ttext\ttopic\n1\ta\tx\n\n2\tb\n3\tc\tz\n")
    report = read(path, on_error="skip").origin
    assert report is not None
    assert (report.source, report.n_rows, report.rows_are) == ("a.csv", 2, "rows")
    assert (report.format, report.separator, report.n_blank) == ("utf-8", "\t", 1)
    assert codes(report.left_out) == {"line 4": ProblemCode.MALFORMED}
    assert report.description == "a.csv: utf-8, separator tab, 2 rows, 1 blank rows skipped"


def test_a_separator_is_one_character(tmp_path: Path) -> None:
    with pytest.raises(BadItem, match="one character, not ';;'"):
        read(table(tmp_path / "a.csv", "id;;text;;topic\n"), separator=";;")


def test_a_column_of_nearly_that_name_is_proposed(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "ID,Content\n1,a\n")
    with pytest.raises(
        BadItem, match=r"No column 'content' in a\.csv; .* Did you mean 'Content'\?"
    ) as caught:
        Items.from_path(path, modality="text")
    assert Argument("content", "Content") in caught.value.parts
    with pytest.raises(BadItem, match=r"it has \['ID', 'Content'\]\.") as caught:
        Items.from_path(path, modality="text", content="Content", label="topic")
    assert Argument("label") in caught.value.parts
    with pytest.raises(BadItem, match=r"in the frame; .* Did you mean 'Content'\?"):
        Items.from_frame(pd.read_csv(path), modality="text", content="content")


def test_columns_of_one_name_are_told_apart_and_few_are_kept(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "id,text,topic,note,note,\n1,a,x,p,q,\n")
    assert list(read(path).metadata.columns) == ["note", "note.2"]
    assert list(read(path, columns=["note.2"]).frame.columns) == ["id", "content", "label", "note.2"]
    with pytest.raises(BadItem, match="'year'"):
        read(path, columns=["year"])
    with pytest.raises(BadItem, match="several columns of one name: 'x'"):
        Items.from_frame(
            pd.DataFrame([["a", 1, 2]], columns=["text", "x", "x"]), modality="text", content="text"
        )
    with pytest.raises(BadItem, match="cannot be the content and the label"):
        Items.from_csv(path, modality="text", content="text", label="text")


def test_paths_start_at_the_table(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").touch()
    lines = f"file,kind\nphotos/a.png,x\nphotos\\a.png,x\n{tmp_path / 'photos' / 'a.png'},y\n,z\n"
    items = Items.from_csv(table(tmp_path / "a.csv", lines), modality="image", content="file", label="kind")
    assert [Path(p) for p in items.contents[:3]] == [tmp_path / "photos" / "a.png"] * 3
    assert items.contents[3] == ""


# -- JSON lines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_an_address_stays_one_and_is_told_from_a_path(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame({"file": ["http://example.org/a.png", "gone.png"]})
    path = tmp_path / f"a.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    items = Items.from_path(path, modality="image", content="file")
    assert items.contents == ["http://example.org/a.png", str(tmp_path / "gone.png")]
    problems = items.summary().problems
    assert codes(problems) == {"0": ProblemCode.NOT_A_FILE, "1": ProblemCode.MISSING}
    assert problems["0"].reason.endswith("an address must be downloaded first")


def test_json_lines_keep_what_is_nested_and_name_a_broken_line(tmp_path: Path) -> None:
    rows = [
        {"id": 7, "text": "a", "tags": ["x", {"y": 1}], "n": 1, "mixed": 1},
        {"id": 8, "text": None, "n": 2.5, "mixed": "two", "label": "\ud800 half"},
    ]
    path = table(tmp_path / "a.jsonl", "\n".join(json.dumps(row) for row in rows) + "\n\n")
    items = Items.from_jsonl(path, modality="text", content="text", id="id")
    assert items.ids == ["7", "8"]
    assert items.contents == ["a", ""]
    assert items.labels == [None, "� half"]
    assert json.loads(items.metadata["tags"][0]) == ["x", {"y": 1}]
    assert items.metadata["n"].tolist() == [1, 2.5]
    assert items.metadata["mixed"].tolist() == ["1", "two"]
    with path.open("ab") as file:
        file.write(b'{"id": 9, "text": "cut of\n[1]\n{"id": 10, "text": "\xe9"}\n')
    with pytest.raises(BadItem, match=r"3 lines of a\.jsonl cannot be read") as caught:
        Items.from_jsonl(path, modality="text", content="text", id="id")
    assert codes(caught.value.problems) == {
        "line 4": ProblemCode.MALFORMED,
        "line 5": ProblemCode.MALFORMED,
        "line 6": ProblemCode.ENCODING,
    }
    assert len(Items.from_jsonl(path, modality="text", content="text", id="id", on_error="skip")) == 2


def test_one_json_list_is_told_from_json_lines(tmp_path: Path) -> None:
    with pytest.raises(BadItem, match=r"one JSON list.*read_json"):
        Items.from_jsonl(table(tmp_path / "a.jsonl", '[{"text": "a"}]'), modality="text", content="text")


def test_a_text_with_half_a_character_is_kept_for_the_summary_to_name(tmp_path: Path) -> None:
    path = table(tmp_path / "a.jsonl", '{"text": "\\ud83d"}\n{"text": "fine"}\n')
    items = Items.from_jsonl(path, modality="text", content="text")
    assert list(items.summary().problems) == ["0"]


# -- parquet -------------------------------------------------------------------------------------------------


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


# -- folders -------------------------------------------------------------------------------------------------


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
    meta = table(tmp_path / "metadata.csv", "file_name,species,year\nx/a.png,cat,1999\n./gone.png,dog,2000\n")
    with pytest.raises(BadItem, match=r"metadata\.csv, 'gone\.png': there is no such file"):
        Items.from_folder(tmp_path, modality="image", metadata=meta, label="species")
    items = Items.from_folder(tmp_path, modality="image", metadata=meta, label="species", on_error="skip")
    assert items.ids == ["b.png", "x/a.png"]
    assert items.labels == [None, "cat"]
    assert items.metadata["year"].tolist()[1] == 1999
    assert Items.from_folder(tmp_path, modality="image").labels == [None, "x"], "never looked for by itself"
    table(meta, "path,species\nx/a.png,cat\n")
    with pytest.raises(BadItem, match="No column 'file_name'"):
        Items.from_folder(tmp_path, modality="image", metadata=meta)
