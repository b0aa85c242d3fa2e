"""The clusters of a map, and their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embedlab.analysis.projection import Projection
from embedlab.errors import BadItem
from embedlab.items import Items

NO_CLUSTER = -1
_WORDS_PER_NAME = 3
_MIN_POINTS = 10  # a map with fewer has no clusters


@dataclass(frozen=True, eq=False)
class Clusters:
    """The cluster of each item.

    Attributes
    ----------
    labels : ndarray, shape (n_items,), int64
        Number of the cluster, from 0, the largest first; −1 (noise) for items between clusters.
    names : tuple of str
        One per cluster: see :func:`find_clusters`.
    centers : ndarray, shape (n_clusters, 2 or 3), float32
        Median coordinates of each cluster.
    min_cluster_size : int
    """

    labels: np.ndarray
    names: tuple[str, ...]
    centers: np.ndarray
    min_cluster_size: int

    def __len__(self) -> int:
        return len(self.names)


def find_clusters(projection: Projection, min_cluster_size: int | None = None) -> Clusters:
    """Find the dense regions of a map and name them.

    Parameters
    ----------
    projection : Projection
    min_cluster_size : int, optional
        By default a fortieth of all items, and at least 5.

    Returns
    -------
    Clusters
        Empty if the map has fewer than 10 items.

    Raises
    ------
    BadItem
        If ``min_cluster_size`` is below 2.

    Notes
    -----
    HDBSCAN (Campello, Moulavi & Sander 2013; ``scikit-learn``) on the coordinates of the map: the clusters
    are those that the eye sees, and what the map separates is separate here too. The leaves of its tree are
    used, because the default selection merged most of a map into one cluster (sample data ``notes``,
    ``text/mpnet``). A cluster of texts is named after the words with the highest class-based TF-IDF
    (Grootendorst 2022), any other after its most frequent label.
    """
    n = len(projection)
    size = max(5, n // 40) if min_cluster_size is None else min_cluster_size
    if size < 2:
        raise BadItem(f"min_cluster_size must be at least 2, not {size}.")
    if n < max(_MIN_POINTS, size):
        return Clusters(np.full(n, NO_CLUSTER), (), np.empty((0, 2), np.float32), size)
    from sklearn.cluster import HDBSCAN

    raw_labels = HDBSCAN(
        size, min_samples=min(size, 5), cluster_selection_method="leaf", copy=True
    ).fit_predict(projection.coords.astype(np.float64))
    sizes = Counter(raw_labels[raw_labels != NO_CLUSTER].tolist())
    order = {
        old: new for new, (old, _) in enumerate(sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])))
    }
    labels = np.array([order.get(label, NO_CLUSTER) for label in raw_labels.tolist()], np.int64)
    centers = [np.median(projection.coords[labels == number], axis=0) for number in range(len(order))]
    names = name_clusters(projection.embeddings.items, labels)
    n_components = projection.coords.shape[1]
    return Clusters(labels, names, np.array(centers, np.float32).reshape(-1, n_components), size)


def name_clusters(items: Items, labels: np.ndarray) -> tuple[str, ...]:
    """Name each cluster after its words or its labels.

    Parameters
    ----------
    items : Items
    labels : ndarray, shape (n_items,), int
        Cluster of each item, −1 for none.
    """
    members = [np.flatnonzero(labels == number) for number in range(int(labels.max(initial=-1)) + 1)]
    if items.modality == "text":
        return _name_by_words([[str(items.contents[row]) for row in rows] for rows in members])
    return tuple(_name_by_label(items, rows, number) for number, rows in enumerate(members))


def _name_by_label(items: Items, rows: np.ndarray, number: int) -> str:
    """Return the most frequent label, with its share if the cluster is mixed: ``cat 60 %``."""
    known = [label for row in rows if items.labels and (label := items.labels[row]) is not None]
    if not known:
        return f"cluster {number + 1}"
    label, count = Counter(known).most_common(1)[0]
    return label if count == len(rows) else f"{label} {count / len(rows):.0%}".replace("%", " %")


def _name_by_words(texts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the words that are frequent in one cluster and rare in the others."""
    from sklearn.feature_extraction.text import CountVectorizer

    if not texts:
        return ()
    counter = CountVectorizer(stop_words="english", token_pattern=r"(?u)\b[^\W\d_]{3,}\b")
    try:
        counts = np.asarray(counter.fit_transform([" ".join(members) for members in texts]).todense(), float)
    except ValueError:  # no words: numbers, or a script without spaces
        return tuple(f"cluster {number + 1}" for number in range(len(texts)))
    vocabulary = counter.get_feature_names_out()
    length = counts.sum(axis=1, keepdims=True)
    score = counts / np.maximum(length, 1) * np.log(1 + length.mean() / np.maximum(counts.sum(axis=0), 1))
    names = []
    for number, row in enumerate(score):
        best = [vocabulary[i] for i in np.argsort(-row, kind="stable")[:_WORDS_PER_NAME] if row[i] > 0]
        names.append(", ".join(best) or f"cluster {number + 1}")
    return tuple(names)
