"""Prepare a comparison: the same items in the same order, their labels, and distinct model names."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import pandas as pd

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, Problem, ProblemCode
from embedlab.io.formats import listed
from embedlab.items import Items

_MAX_IDS = 20  # in an error message


def align_items(embeddings: Sequence[Embeddings]) -> list[Embeddings]:
    """Put all embeddings in the order of the first.

    Raises
    ------
    BadItem
        If something else than embeddings is given, or the items differ; ``problems`` names the items.
    """
    for given in embeddings:
        if not isinstance(given, Embeddings):
            raise BadItem(
                f"compare() takes embeddings, as el.embed returns them, not {type(given).__name__}."
            )
    first = embeddings[0]
    return [first, *(_align(emb, first) for emb in embeddings[1:])]


def _align(emb: Embeddings, first: Embeddings) -> Embeddings:
    """Put embeddings in the order of the first, after a check that they have the same items."""
    ids, expected = set(emb.ids), set(first.ids)
    missing, extra = [id for id in first.ids if id not in ids], sorted(ids - expected)
    if missing or extra:
        name = emb.model.name
        parts = [f"{len(missing)} are missing from {name} ({listed(missing, _MAX_IDS)})"] if missing else []
        parts += [f"{len(extra)} are only in {name} ({listed(extra, _MAX_IDS)})"] if extra else []
        problem = Problem(ProblemCode.MISSING, f"not in both {first.model.name} and {name}")
        raise BadItem(
            f"{first.model.name} and {name} have different items: {' and '.join(parts)}. Embed the same "
            "items with each model, or select the common ones with .select(ids).",
            problems=dict.fromkeys([*missing, *extra], problem),
        )
    aligned = emb if emb.ids == first.ids else emb.select(first.ids)
    contents = zip(first.ids, first.items.contents, aligned.items.contents, strict=True)
    differing = [id for id, a, b in contents if str(a) != str(b)]
    if differing and aligned.items.content_hashes() != first.items.content_hashes():
        problem = Problem(ProblemCode.CONFLICT, "different contents under one id")
        raise BadItem(
            f"{len(differing)} items have different contents under the same id: "
            f"{listed(differing, _MAX_IDS)}. Embed the same items with each model.",
            problems=dict.fromkeys(differing, problem),
        )
    return aligned


def replace_labels(embeddings: list[Embeddings], labels: str | Sequence[object] | None) -> list[Embeddings]:
    """Give all embeddings the same labels.

    Parameters
    ----------
    embeddings : list of Embeddings
        Of the same items in the same order.
    labels : str or sequence, optional
        A column, or one value per item; by default the labels of the first embeddings that have any.

    Raises
    ------
    BadItem
        If the column does not exist, or the number of values is wrong.
    """
    values: Sequence[object] | None
    if labels is None:
        values = next((emb.items.labels for emb in embeddings if emb.items.labels), None)
        if values is None or all(emb.items.labels == values for emb in embeddings):
            return embeddings
    elif isinstance(labels, str):
        frame = embeddings[0].items.frame
        if labels not in frame.columns:
            raise BadItem(f"The items have no column {labels!r}; they have {list(frame.columns)}.")
        values = frame[labels].tolist()
    else:
        values = list(labels)
        if len(values) != len(embeddings[0]):
            raise BadItem(f"{len(values)} labels but {len(embeddings[0])} items. Pass one label per item.")
    column = pd.Series(values, dtype=object)
    return [
        dataclasses.replace(
            emb, items=Items(emb.items.frame.assign(label=column), emb.items.modality, emb.items.name)
        )
        for emb in embeddings
    ]


def shorten_names(embeddings: Sequence[Embeddings]) -> list[str]:
    """Shorten model names but keep them distinct, by layer, pooling or a number if necessary."""
    full = [emb.model.name for emb in embeddings]
    short = [name.rpartition("/")[2] for name in full]
    names = short if len(set(short)) == len(set(full)) else full
    for attribute in ("layer", "pooling"):
        counts = Counter(names)
        if len({getattr(emb, attribute) for emb in embeddings}) > 1:
            names = [
                f"{name}, {getattr(emb, attribute)}" if counts[name] > 1 else name
                for name, emb in zip(names, embeddings, strict=True)
            ]
    counts, seen = Counter(names), Counter[str]()
    for place, name in enumerate(names):
        seen[name] += 1
        if counts[name] > 1:
            names[place] = f"{name} #{seen[name]}"
    return names
