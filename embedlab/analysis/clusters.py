"""The islands of a map, and what to call them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embedlab.analysis.projection import Projection
from embedlab.errors import BadItem
from embedlab.items import Items

NO_CLUSTER = -1
_WORDS = 3  # in the name of a cluster of texts
_FEWEST = 10  # points that make a map worth being searched for islands


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which island each item lies on.

    Attributes
    ----------
    labels : ndarray, shape (n_items,), int64
        Number of the cluster, from 0, the largest first; −1 for items between the islands.
    names : tuple of str
        What to call each cluster: see :func:`find_clusters`.
    places : ndarray, shape (n_clusters, 2 or 3), float32
        Middle of each on the map (median).
    min_cluster_size : int
    """

    labels: np.ndarray
    names: tuple[str, ...]
    places: np.ndarray
    min_cluster_size: int

    def __len__(self) -> int:
        return len(self.names)


def find_clusters(projection: Projection, min_cluster_size: int | None = None) -> Clusters:
    """Dense islands of the map, each with a name.

    Parameters
    ----------
    projection : Projection
    min_cluster_size : int, optional
        Fewest items of an island; by default a fortieth of all items, and at least 5.

    Returns
    -------
    Clusters
        None at all where the map has fewer than 10 items.

    Raises
    ------
    BadItem
        When ``min_cluster_size`` is below 2.

    Notes
    -----
    HDBSCAN (Campello, Moulavi & Sander 2013; ``scikit-learn``) on the places of the map: islands are what
    eyes see there, and what the map has torn apart is apart here too. The leaves of its tree are taken: its
    usual choice made one cluster of most of a map (sample data ``notes``, ``text/mpnet``). A cluster of texts
    is named after the words with the highest class-based TF-IDF (Grootendorst 2022), all others after their
    commonest label.
    """
    n = len(projection)
    size = max(5, n // 40) if min_cluster_size is None else min_cluster_size
    if size < 2:
        raise BadItem(f"min_cluster_size must be at least 2, not {size}.")
    if n < max(_FEWEST, size):
        return Clusters(np.full(n, NO_CLUSTER), (), np.empty((0, 2), np.float32), size)
    from sklearn.cluster import HDBSCAN

    found = HDBSCAN(size, min_samples=min(size, 5), cluster_selection_method="leaf", copy=True).fit_predict(
        projection.coords.astype(np.float64)
    )
    sizes = Counter(found[found != NO_CLUSTER].tolist())
    order = {
        old: new for new, (old, _) in enumerate(sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])))
    }
    labels = np.array([order.get(label, NO_CLUSTER) for label in found.tolist()], np.int64)
    places = [np.median(projection.coords[labels == number], axis=0) for number in range(len(order))]
    names = cluster_names(projection.embeddings.items, labels)
    return Clusters(labels, names, np.array(places, np.float32).reshape(-1, projection.coords.shape[1]), size)


def cluster_names(items: Items, labels: np.ndarray) -> tuple[str, ...]:
    """What to call each cluster, from what is in it.

    Parameters
    ----------
    items : Items
    labels : ndarray, shape (n_items,), int
        Cluster of each item, −1 for none.
    """
    members = [np.flatnonzero(labels == number) for number in range(int(labels.max(initial=-1)) + 1)]
    if items.modality == "text":
        return _by_words([[str(items.contents[row]) for row in rows] for rows in members])
    return tuple(_by_label(items, rows, number) for number, rows in enumerate(members))


def _by_label(items: Items, rows: np.ndarray, number: int) -> str:
    """``cat``, or ``cat 60 %`` where others are among them."""
    known = [label for row in rows if items.labels and (label := items.labels[row]) is not None]
    if not known:
        return f"cluster {number + 1}"
    label, count = Counter(known).most_common(1)[0]
    return label if count == len(rows) else f"{label} {count / len(rows):.0%}".replace("%", " %")


def _by_words(texts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The words that are frequent in one cluster and rare in the others."""
    from sklearn.feature_extraction.text import CountVectorizer

    if not texts:
        return ()
    counter = CountVectorizer(stop_words="english", token_pattern=r"(?u)\b[^\W\d_]{3,}\b")
    try:
        counts = np.asarray(counter.fit_transform([" ".join(each) for each in texts]).todense(), float)
    except ValueError:  # no word at all: numbers, or a script without spaces
        return tuple(f"cluster {number + 1}" for number in range(len(texts)))
    vocabulary = counter.get_feature_names_out()
    length = counts.sum(axis=1, keepdims=True)
    score = counts / np.maximum(length, 1) * np.log(1 + length.mean() / np.maximum(counts.sum(axis=0), 1))
    names = []
    for number, row in enumerate(score):
        best = [vocabulary[i] for i in np.argsort(-row, kind="stable")[:_WORDS] if row[i] > 0]
        names.append(", ".join(best) or f"cluster {number + 1}")
    return tuple(names)
