"""CSV files as spreadsheets and people write them."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from reader_kit import codes, write_table

from embedlab.errors import Argument, BadItem, ProblemCode
from embedlab.items import Items


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
    items = read(write_table(tmp_path / "a.csv", lines))
    assert items.ids == ["007", "1e3"]
    assert items.contents == ["NA", "null"]
    assert items.labels == ["1.0", None]
    assert items.metadata["year"].tolist() == [1999, 2001]
    assert items.metadata["plz"].tolist() == ["01067", "10115"]
    assert items.metadata["x"].isna().tolist() == [True, False]


def test_an_id_column_that_was_not_named_stays_as_written_too(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.csv", "id,text\n01,a\n1.50,b\n")
    assert Items.from_csv(path, modality="text", content="text").ids == ["01", "1.50"]


def test_quotes_newlines_nul_and_a_text_of_a_megabyte(tmp_path: Path) -> None:
    long = "word " * 200_000
    lines = f'id,text,topic\n1,"two\nlines, ""quoted""",x\n2,a\0b,y\n3,{long},z\n\n,,\n'
    before = csv.field_size_limit()
    items = read(write_table(tmp_path / "a.csv", lines))
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
    path = write_table(tmp_path / "a.csv", "id;text;topic\n1;Käse;é\n2;Öl;ü\n", "cp1252")
    with pytest.raises(BadItem, match="in another encoding") as caught:
        read(path)
    assert Argument("encoding", "cp1252") in caught.value.parts
    assert Argument("on_error", "skip") in caught.value.parts
    assert read(path, encoding="cp1252").contents == ["Käse", "Öl"]
    with pytest.raises(BadItem, match="no encoding 'klingon'"):
        read(path, encoding="klingon")


def test_where_nothing_can_be_read_the_first_reason_and_the_cure_are_said(tmp_path: Path) -> None:
    latin = write_table(tmp_path / "a.csv", "id;text;topic\n1;Käse;é\n2;Öl;ü\n", "cp1252")
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
    path = write_table(tmp_path / "a.csv", "id,text,topic\n" + lines)
    with pytest.raises(BadItem, match=reason) as caught:
        read(path)
    assert set(codes(caught.value.problems).values()) == {ProblemCode.MALFORMED}
    assert read(path, on_error="skip").ids == ["1"]


def test_what_spreadsheets_add_is_understood(tmp_path: Path) -> None:
    items = read(write_table(tmp_path / "a.csv", "sep=;\r\nid;text;topic;\r\n1;a, b;x;\r\n;;;\r\n2;c;y;\r\n"))
    assert items.contents == ["a, b", "c"]
    broken = write_table(tmp_path / "b.csv", "sep=;\nid;text;topic\n1;a;x\n2;b\n")
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
    path = write_table(tmp_path / "a.csv", "id,text,topic\n1,a,x\n", "utf-16-le")
    with pytest.raises(BadItem) as caught:
        read(path)
    assert Argument("encoding", "utf-16-le") in caught.value.parts
    assert read(path, encoding="utf-16-le").contents == ["a"]


def test_the_report_says_how_a_file_was_read(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.csv", "id\ttext\ttopic\n1\ta\tx\n\n2\tb\n3\tc\tz\n")
    report = read(path, on_error="skip").origin
    assert report is not None
    assert (report.source, report.n_rows, report.rows_are) == ("a.csv", 2, "rows")
    assert (report.format, report.separator, report.n_blank) == ("utf-8", "\t", 1)
    assert codes(report.left_out) == {"line 4": ProblemCode.MALFORMED}
    assert report.description == "a.csv: utf-8, separator tab, 2 rows, 1 blank rows skipped"


def test_a_separator_is_one_character(tmp_path: Path) -> None:
    with pytest.raises(BadItem, match="one character, not ';;'"):
        read(write_table(tmp_path / "a.csv", "id;;text;;topic\n"), separator=";;")


def test_a_column_of_nearly_that_name_is_proposed(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.csv", "ID,Content\n1,a\n")
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
    path = write_table(tmp_path / "a.csv", "id,text,topic,note,note,\n1,a,x,p,q,\n")
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
    items = Items.from_csv(
        write_table(tmp_path / "a.csv", lines), modality="image", content="file", label="kind"
    )
    assert [Path(p) for p in items.contents[:3]] == [tmp_path / "photos" / "a.png"] * 3
    assert items.contents[3] == ""
