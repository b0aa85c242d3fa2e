"""Check the exercises, draw the pictures and make the messy folder of lesson 11, your data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np

import embedlab as el
from embedlab.lessons import Verdict, as_number, exercise, hint, right
from embedlab.lessons.showing import show
from embedlab.media.image import read_image
from embedlab.palette import CATEGORIES, INK

_COPIED = ("n012", "n077", "n131", "n188", "n240", "n301", "n355", "n402", "n466", "n533")
_SHOUTED = ("n020", "n145", "n290", "n410")
_OTHER_SPELLINGS = {"Sea": range(3, 9), "sea ": range(14, 18), "Money": range(203, 208)}


@exercise("11/usable")
def usable(answer: object) -> Verdict:
    """Check how many items are left without the empty ones and the copies."""
    number, look = as_number(answer), _look()
    n_usable = int(look.usable.sum())
    if number == n_usable:
        return right(f"{n_usable} of {len(look.items)}: each text once, and none of them empty.")
    if number == len(look.items) - len(look.problems):
        return hint("The empty ones are out. The copies are still in.")
    if number == sum(len(group) for group in look.copies):
        return hint("That is how many are in a group of copies. One of each group may stay.")
    return hint("look.usable is True for each item that can be embedded and is no copy of one before it.")


@exercise("11/damaged")
def damaged(answer: object) -> Verdict:
    """Check the photo that only full decoding finds."""
    names = {answer} if isinstance(answer, str) else set(map(str, cast("Iterable[object]", answer)))
    if names == {"holiday/sunset.jpg"}:
        return right("It begins like any photo and ends in the middle. Only who reads on will notice.")
    if "holiday/sunset.jpg" in names:
        return hint("It is among these. Take away those that the quick look had found.")
    return hint("Both summaries have a dict `problems`. Which key has only the second one?")


@exercise("11/pairs")
def more_pairs(answer: object) -> Verdict:
    """Check how many questions halve the width of an interval."""
    number = as_number(answer)
    if abs(number - 120) < 0.5:
        return right("Four times as many: the width goes with one over the square root of their number.")
    if abs(number - 60) < 0.5:
        return hint("Twice as many make it narrower by the square root of two only, about 0.7.")
    return hint("The width goes with 1 / sqrt(n). By how much must n grow until that is one half?")


@exercise("11/origin")
def origin(answer: object) -> Verdict:
    """Check the beginning of the sha256 of the weights that made the file."""
    known = {name: el.load_model(name).card.sha256 or "" for name in ("text/minilm", "text/mpnet")}
    text = str(answer).strip().lower()
    if len(text) >= 8 and known["text/mpnet"].startswith(text):
        return right("Whoever has these weights gets these vectors. A name alone would not promise that.")
    if len(text) >= 8 and known["text/minilm"].startswith(text):
        return hint("These are MiniLM's. Ask the file that was saved.")
    return hint("el.Embeddings.load gives the card of the model, .model, and it has a field sha256.")


# -- the folder ----------------------------------------------------------------------------------------------


def inbox(folder: str | Path, photos: bool = True) -> Path:
    """Make a messy folder: a table, a list of questions, and some photos.

    The texts are those of the sample data ``notes``, with the usual damage: a separator that is not a comma,
    a line in another encoding, a line with one separator too many, empty texts, copies with new ids, one of
    them with another topic, topics in several spellings, and a very long text.
    """
    folder = Path(folder) / "inbox"
    folder.mkdir()
    (folder / "notes.csv").write_bytes(_table())
    questions = el.load_dataset("notes-questions").frame.iloc[::4]
    written = questions.rename(columns={"content": "question"})[["question", "answers"]]
    written.to_csv(folder / "questions.csv", index=False)
    if photos:
        _photos(folder / "photos")
    return folder


def _table() -> bytes:
    frame = el.load_dataset("notes").frame
    topics = frame["label"].astype(object).tolist()
    for name, places in _OTHER_SPELLINGS.items():
        for place in places:
            topics[place] = name
    rows = list(zip(frame["id"], frame["content"], topics, strict=True))
    known = {id: (text, topic) for id, text, topic in rows}
    long = " ".join(text for _, text, _ in rows[300:340])
    rows += [(f"c{number:02}", *known[id]) for number, id in enumerate(_COPIED)]
    rows[-1] = (rows[-1][0], rows[-1][1], "travel")  # the same text, filed twice
    rows += [(f"d{number:02}", known[id][0].upper(), known[id][1]) for number, id in enumerate(_SHOUTED)]
    rows += [("e01", "", "sea"), ("e02", "   ", "garden"), ("e03", "", ""), ("m01", long, "music")]
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=";", lineterminator="\r\n").writerows([("ref", "text", "topic"), *rows])
    lines = file.getvalue().encode().split(b"\r\n")
    lines.insert(100, "z01;We met in the café by the harbour.;travel".encode("cp1252"))
    lines.insert(400, b"z02;Salt; pepper and nothing else.;cooking")
    return b"\r\n".join(lines)


def _photos(folder: Path) -> None:
    """Write fifteen photos in two folders, and three files that only look like photos."""
    photos = el.load_dataset("photos")
    chosen = photos.frame[photos.frame["view"] == "as it is"]
    for number, row in enumerate(chosen.to_dict("records")):
        place = folder / ("holiday" if number % 2 else "work")
        place.mkdir(parents=True, exist_ok=True)
        read_image(row["path"]).save(place / f"{row['label']}.jpg", quality=88)
    holiday = folder / "holiday"
    first, second = sorted(holiday.glob("*.jpg"))[:2]
    (holiday / "sunset.jpg").write_bytes(first.read_bytes()[: first.stat().st_size // 2])
    (holiday / "copy of a photo.jpg").write_bytes(second.read_bytes())
    (folder / "work" / "scan.jpg").touch()
    (folder / "work" / "notes.jpg").write_text("A text that somebody renamed.\n", "utf-8")


@cache
def _look() -> Any:
    with TemporaryDirectory() as folder:
        path = inbox(folder, photos=False) / "notes.csv"
        items = el.Items.from_csv(
            path, modality="text", content="text", id="ref", label="topic", on_error="skip"
        )
        return items.summary()


# -- pictures ------------------------------------------------------------------------------------------------


def intervals(rows: dict[str, tuple[float, float, float]], what: str) -> None:
    """Draw differences with their intervals, and the line at which two models are equal."""
    figure, axes = plt.subplots(figsize=(8, 0.8 + 0.55 * len(rows)), layout="constrained")
    for place, (value, low, high) in enumerate(rows.values()):
        clear = low > 0 or high < 0
        axes.plot([low, high], [place, place], color=CATEGORIES[2 if clear else 3], linewidth=4, zorder=1)
        axes.plot(value, place, "o", color=INK, markersize=8, zorder=2)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_yticks(np.arange(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(what, fontsize=11, color=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(labelsize=11, colors=INK, left=False)
    show(figure)
