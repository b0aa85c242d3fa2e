"""The look at items before anything is embedded."""

from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import embedlab as el
from embedlab import weights
from embedlab.embedders import vector_cache
from embedlab.errors import Argument, BadItem, ProblemCode
from embedlab.inspection.checks import Note
from embedlab.inspection.forecast import Forecast, Untimed
from embedlab.items import Items

RNG = np.random.default_rng(0)


def picture(path: Path, size: tuple[int, int] = (72, 64)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(RNG.integers(0, 256, (8, 9, 3), dtype=np.uint8))
    coarse.resize(size, Image.Resampling.NEAREST).save(path)
    return path


def tone(path: Path, seconds: float, loud: float = 0.5) -> Path:
    samples = (loud * 32_000 * np.sin(np.arange(int(8_000 * seconds)) / 3)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(samples.tobytes())
    return path


def messy() -> Items:
    texts = ["The sea.", "A cat", "the SEA!", "", "A cat", "x" * 5_000, "nul\0here", "half \ud83d", None]
    labels = ["sea", "pets", "Sea ", "sea", "dogs", "sea", "sea", None, "lone"]
    return Items.from_texts(texts, ids=[f"t{i}" for i in range(9)], labels=labels)


def test_texts_problems_copies_and_labels() -> None:
    found = messy().summary()
    assert {id: problem.code for id, problem in found.problems.items()} == {
        "t3": ProblemCode.EMPTY,
        "t7": ProblemCode.ENCODING,
        "t8": ProblemCode.MISSING,
    }
    assert found.copies == (("t1", "t4"),)
    assert found.label_conflicts == (("t1", "t4"),)
    assert found.near_copies == (("t0", "t2"),)
    assert found.notes == {"t6": Note.NUL}
    assert found.similar_labels == (("sea", "Sea "),)
    assert found.labels.to_dict() == {"sea": 4, "pets": 1, "Sea ": 1, "dogs": 1, "lone": 1}
    assert found.usable.tolist() == [True, True, True, False, False, True, True, False, False]
    assert found.items.select(found.usable).ids == ["t0", "t1", "t2", "t5", "t6"]
    assert np.nanmax(found.sizes) == 5_000
    assert found.forecast is None


def test_it_says_so_in_words() -> None:
    words = dict(messy().summary().lines())
    assert words["items"] == "9 text"
    assert "the largest 5,000 (t5)" in words["size"]
    assert "'sea' = 'Sea '" in words["labels to unite"]
    assert words["cannot be embedded"].startswith("3 – t3: empty text; t7: ")
    assert words["copies"] == "1 to leave out: t1 = t4; with different labels: t1 = t4"
    clean = dict(Items.from_texts(["a", "b"]).summary().lines())
    assert clean["cannot be embedded"] == clean["copies"] == "none"
    assert "labels" not in clean


def test_no_items_and_no_labels_are_no_trouble() -> None:
    assert "0 text" in repr(Items.from_texts([]).summary())
    assert Items.from_texts([]).summary().usable.shape == (0,)
    assert "none" in dict(Items.from_texts(["a"], labels=[None]).summary().lines())["labels"]


def test_whatever_strangers_wrote_is_escaped() -> None:
    nasty = "<script>alert(1)</script>"
    ids = [f"{nasty}{i}" for i in range(9)]
    items = Items.from_texts(["", "b", "b", *[""] * 6], ids=ids, labels=[nasty] * 9, name=nasty)
    html = items.summary()._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 9, "all seven unreadable ones are listed, folded away"
    assert "background:#" not in html, "colours are the theme's"


def test_pictures_quick_and_full(tmp_path: Path) -> None:
    picture(tmp_path / "good.png")
    data = picture(tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "copy.png").write_bytes((tmp_path / "good.png").read_bytes())
    Image.open(tmp_path / "good.png").resize((144, 128)).save(tmp_path / "larger.png")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "png.jpg").write_bytes(picture(tmp_path / "other.png", (45, 80)).read_bytes())
    items = Items.from_folder(tmp_path, modality="image")
    quick, full = items.summary(), items.summary(full=True)
    assert set(quick.problems) == {"empty.jpg", "text.jpg"}
    assert {id: problem.code for id, problem in quick.problems.items()} == {
        "empty.jpg": ProblemCode.EMPTY,
        "text.jpg": ProblemCode.WRONG_KIND,
    }
    assert str(tmp_path) not in repr(full) + full._repr_html_()
    assert set(full.problems) == {"empty.jpg", "text.jpg", "cut.png"}
    assert full.problems["cut.png"].code is ProblemCode.DAMAGED
    assert set(quick.copies) == {("copy.png", "good.png"), ("other.png", "png.jpg")}
    assert full.near_copies == (("copy.png", "larger.png"),)
    assert "full=True" in repr(quick)
    assert "--full" in quick.text(lambda argument: f"--{argument.name}")
    assert "full=True" not in repr(full)
    assert quick.sizes[items.ids.index("png.jpg")] == 45


def test_sounds_have_a_length_and_silence_is_found_by_decoding(tmp_path: Path) -> None:
    tone(tmp_path / "a.wav", 1.5)
    tone(tmp_path / "b.wav", 0.5, loud=0)
    (tmp_path / "c.wav").write_bytes(b"RIFF no")
    items = Items.from_folder(tmp_path, modality="audio")
    quick, full = items.summary(), items.summary(full=True)
    assert quick.sizes[:2].tolist() == [1.5, 0.5]
    assert set(quick.problems) == {"c.wav"}
    assert full.problems["b.wav"].code is ProblemCode.SILENT
    assert "2.0 s in all" in repr(quick)


def test_a_path_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('file\ngone.png\nhttps://example.org/a.png\n""\n x\n')
    problems = Items.from_csv(path, modality="image", content="file").summary().problems
    assert {id: problem.code for id, problem in problems.items()} == {
        "0": ProblemCode.MISSING,
        "1": ProblemCode.NOT_A_FILE,
        "2": ProblemCode.MISSING,
    }


def test_a_summary_without_a_model_loads_neither_torch_nor_weights() -> None:
    code = (
        "import sys, embedlab as el; print(el.Items.from_texts(['a', 'b']).summary());"
        "assert not {'torch', 'umap', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_weights_that_are_not_here_are_announced_and_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "locate", lambda name: None)
    monkeypatch.setattr(weights, "fetch", lambda *_: pytest.fail("nobody asked for a download"))
    found = Items.from_texts(["a", "b"]).summary("text/mpnet")
    words = dict(found.lines())
    assert words["download"] == "404 MB, once"
    assert found.forecast is not None
    assert found.forecast.untimed is Untimed.NO_WEIGHTS
    assert words["time"].startswith("not timed")
    assert words["result"] == "2 x 768 numbers, 6.1 kB"
    with pytest.raises(BadItem, match="image, but these items are text"):
        Items.from_texts(["a"]).summary("image/efficientnet-lite0")


@pytest.mark.weights("text/minilm")
def test_a_sample_is_timed_and_its_vectors_are_kept() -> None:
    texts = [f"note {i} about the sea " * (1 + i % 7) for i in range(40)] + ["word " * 400, "", "note again"]
    plan = Items.from_texts([*texts, texts[0]]).summary("text/minilm").forecast
    assert plan is not None
    assert plan.n_items == 43, "the empty text is not planned for"
    assert plan.n_known == 1, "a copy is computed once"
    assert 8 <= plan.n_timed <= 40
    assert 0 < plan.low <= plan.seconds <= plan.high
    assert plan.cut == ("40",)
    assert plan.n_counted == 43
    assert vector_cache.summary()["vectors"].sum() == plan.n_timed
    emb = el.load_model("text/minilm").embed(Items.from_texts(texts), on_error="skip")
    assert emb.report.n_cached >= plan.n_timed
    again = Items.from_texts(texts).summary("text/minilm").forecast
    assert again is not None
    assert (again.n_known, again.n_timed) == (42, 0)
    assert "nothing is left" in again.time_text()


def test_the_notice_about_a_server_names_arguments_as_the_reader_types_them() -> None:
    notice = ("8 texts. ", Argument("token_limit", 200_000), " allows it.")
    plan = Forecast("openai:a", 3, 8, untimed=Untimed.SERVER, server_notice=notice)
    assert plan.time_text().endswith("8 texts. token_limit=200000 allows it.")
    assert plan.time_text(lambda argument: f"--{argument.name}").endswith("8 texts. --token_limit allows it.")


def test_texts_left_out_for_their_encoding_name_the_argument_that_reads_them(tmp_path: Path) -> None:
    for name, content in {"a.txt": b"fine", "b.txt": b"\xe9", "c.txt": b"\xe4"}.items():
        (tmp_path / name).write_bytes(content)
    summary = Items.from_folder(tmp_path, modality="text", on_error="skip").summary()
    assert 'pass encoding="cp1252"' in dict(summary.lines())["left out in reading"]
    assert "pass --encoding" in dict(summary.lines(lambda a: f"--{a.name}"))["left out in reading"]
    table = tmp_path / "a.csv"
    table.write_bytes(b"text,topic\n\xe9,x\nfine,x\nfine,y\n")
    summary = Items.from_csv(table, modality="text", content="text", on_error="skip").summary()
    assert "pass" not in dict(summary.lines())["left out in reading"], (
        "the other rows show the encoding is right"
    )


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
@pytest.mark.weights("text/minilm")
def test_a_handful_is_planned_for_too(n: int) -> None:
    plan = Items.from_texts([f"text {i}" for i in range(n)]).summary("text/minilm").forecast
    assert plan is not None
    assert plan.n_items == n
    assert plan.n_timed <= n
    assert "nan" not in plan.time_text()
