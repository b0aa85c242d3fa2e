"""Before anything is compared: the same items in the same order, their labels, and names to tell apart."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.io.formats import listed
from embedlab.items import Items

_LISTED = 20  # ids in an error


def joined(embeddings: Sequence[Embeddings]) -> list[Embeddings]:
    """All in the order of the first; :class:`BadItem` lists what is not everywhere, or not the same."""
    for given in embeddings:
        if not isinstance(given, Embeddings):
            raise BadItem(
                f"compare() takes embeddings, as el.embed returns them, not {type(given).__name__}."
            )
    first = embeddings[0]
    ids, contents = set(first.ids), dict(zip(first.ids, map(str, first.items.contents), strict=True))
    same = [first]
    for emb in embeddings[1:]:
        theirs = set(emb.ids)
        missing, extra = [id for id in first.ids if id not in theirs], sorted(theirs - ids)
        if missing or extra:
            name, lost, more = emb.model.name, listed(missing, _LISTED), listed(extra, _LISTED)
            parts = [f"{len(missing)} are missing from {name} ({lost})"] if missing else []
            parts += [f"{len(extra)} are only there ({more})"] if extra else []
            raise BadItem(
                f"Not the same items: beside {first.model.name}, {' and '.join(parts)}. Embed the same items "
                "with each model, or take those in common with .select(ids)."
            )
        own = emb if emb.ids == first.ids else emb.select(first.ids)
        differing = [id for id, c in zip(own.ids, own.items.contents, strict=True) if str(c) != contents[id]]
        if differing and own.items.content_hashes() != first.items.content_hashes():
            raise BadItem(f"Items of the same id have different contents: {listed(differing, _LISTED)}.")
        same.append(own)
    return same


def with_labels(joined: list[Embeddings], labels: str | Sequence[Any] | None) -> list[Embeddings]:
    """The same with other labels: a column, or one value for each item.

    By default those of the first embeddings that have any.
    """
    if labels is None:
        given = next((emb.items.labels for emb in joined if emb.items.labels), None)
        if given is None or all(emb.items.labels == given for emb in joined):
            return joined
    elif isinstance(labels, str):
        frame = joined[0].items.frame
        if labels not in frame.columns:
            raise BadItem(f"The items have no column {labels!r}; they have {list(frame.columns)}.")
        given = frame[labels].tolist()
    else:
        given = list(labels)
        if len(given) != len(joined[0]):
            raise BadItem(f"{len(given)} labels but {len(joined[0])} items.")
    values = pd.Series(given, dtype=object)
    return [
        dataclasses.replace(
            emb, items=Items(emb.items.frame.assign(label=values), emb.items.modality, emb.items.name)
        )
        for emb in joined
    ]


def short_names(embeddings: Sequence[Embeddings]) -> list[str]:
    """Short names, all different: the layer, the pooling or a number is added where the model is the same."""
    full = [emb.model.name for emb in embeddings]
    short = [name.rpartition("/")[2] for name in full]
    names = short if len(set(short)) == len(set(full)) else full
    for extra in ("layer", "pooling"):
        times = Counter(names)
        if len({getattr(emb, extra) for emb in embeddings}) > 1:
            names = [
                f"{name}, {getattr(emb, extra)}" if times[name] > 1 else name
                for name, emb in zip(names, embeddings, strict=True)
            ]
    times, seen = Counter(names), Counter[str]()
    for place, name in enumerate(names):
        seen[name] += 1
        if times[name] > 1:
            names[place] = f"{name} #{seen[name]}"
    return names
