"""The plan of a final project, and a first look at its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

import embedlab as el
from embedlab.catalog import registry
from embedlab.errors import EmbedlabError

MIN_ITEMS = 50  # with fewer, hardly any difference between models is visible
SKELETON: dict[str, Any] = {
    "question": "Which model finds the notes that are on the same topic?",
    "data": "notes",
    "models": ["text/minilm", "text/mpnet"],
}


@dataclass(frozen=True)
class Plan:
    """The question, the items and the models of a project.

    Attributes
    ----------
    question : str
    items : Items
        Their labels are what right neighbours share.
    models : tuple of str
        Two or more.
    """

    question: str
    items: el.Items
    models: tuple[str, ...]

    def __repr__(self) -> str:
        """Return the plan in one line."""
        return f"{self.question} {len(self.items)} items of {self.items.name!r}, {' and '.join(self.models)}"


def plan(answer: Any = ...) -> Plan:
    """Read a plan, or return that of the skeleton.

    Parameters
    ----------
    answer : dict, optional
        With the keys ``question``, ``data`` (the name of sample data, or Items), ``models``, and optionally
        ``label``, a column to use as labels.

    Raises
    ------
    EmbedlabError
        If a key is missing, a name is unknown, or a model cannot read the data.
    """
    given = SKELETON if answer is ... else answer
    missing = [key for key in ("question", "data", "models") if key not in given]
    if missing:
        raise EmbedlabError(f"The plan lacks {' and '.join(missing)}.")
    items = given["data"] if isinstance(given["data"], el.Items) else el.load_dataset(str(given["data"]))
    if column := given.get("label"):
        if column not in items.frame.columns:
            raise EmbedlabError(f"The data have no column {column!r}; they have {list(items.frame.columns)}.")
        items = el.Items(items.frame.assign(label=items.frame[column]), items.modality, name=items.name)
    if items.labels is None:
        raise EmbedlabError("These data have no labels: name a column, as in 'label': 'voice'.")
    models = tuple(dict.fromkeys(given["models"]))
    if isinstance(given["models"], str) or len(models) < 2:
        raise EmbedlabError("A comparison needs two models at least, in a list.")
    for name in models:
        if ":" not in name and not _reads(name, items.modality):
            able = [n for n in el.models()["name"] if _reads(n, items.modality)]
            raise EmbedlabError(f"{name} does not read {items.modality}; these do: {', '.join(able)}.")
    return Plan(str(given["question"]), items, models)


def _reads(name: str, modality: str) -> bool:
    """Whether a model of the catalogue reads a modality."""
    of = registry.row(name).card.modality
    return of == modality or (of == "image+text" and modality in ("text", "image"))


def look(items: el.Items) -> pd.DataFrame:
    """Count items, copies and labels; one row for each fact."""
    counts = pd.Series(items.labels).value_counts() if items.labels else pd.Series(dtype=int)
    copies = len(items) - len(set(items.content_hashes()))
    facts: dict[str, Any] = {"items": len(items), "exact copies": copies}
    if len(counts):
        facts |= {
            "labels": len(counts),
            "items of the rarest label": int(counts.min()),
            "share of the most frequent label": f"{counts.max() / counts.sum():.2f}",
            "without a label": sum(v is None for v in items.labels or []),
        }
    return pd.DataFrame({"": facts})
