"""What a comparison measured: plain data, without words, pictures or widgets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from embedlab.analysis.neighbors import Neighbors
from embedlab.comparison.compression import compression_table
from embedlab.comparison.copies import Copies
from embedlab.comparison.evaluation import KNN_ACCURACY, Task, scores_table
from embedlab.comparison.groups import Groups
from embedlab.comparison.permutations import MeasureName
from embedlab.comparison.ranking import Relevant
from embedlab.comparison.similarity_tables import KNN_MEASURES, to_matrix
from embedlab.comparison.tasks import knn_accuracy
from embedlab.embeddings import Embeddings
from embedlab.items import Items


@dataclass(frozen=True)
class CopyLeakage:
    """1-NN accuracy of one model with copies allowed to answer for each other, and without."""

    with_copies: float
    without_copies: float


@dataclass(frozen=True, eq=False, repr=False)
class ComparisonData:
    """What was measured for several models on the same items.

    Attributes
    ----------
    embeddings : dict of str to Embeddings
        By the name of the model.
    neighbors : dict of str to Neighbors
    tasks : tuple of Task
        Each with a :class:`Score` for each model.
    differences : DataFrame
        Every pair of models in every task, with interval and p value; see :func:`differences_table`.
    similarity : DataFrame
        How similar the models are, with what chance gives; see :func:`similarity_table`.
    geometry : DataFrame
        The shape of each cloud; see :func:`geometry_table`.
    cost : DataFrame
        See :func:`cost_table`.
    copies : Copies
        Items that occur more than once.
    groups : Groups
        Items that depend on each other.
    k : int
    queries : dict of str to Embeddings
        By the name of the model; empty without queries.
    relevant : list, dict or None
        What each query should find.
    random_state : int
    """

    embeddings: dict[str, Embeddings]
    neighbors: dict[str, Neighbors]
    tasks: tuple[Task, ...]
    differences: pd.DataFrame
    similarity: pd.DataFrame
    geometry: pd.DataFrame
    cost: pd.DataFrame
    copies: Copies
    groups: Groups
    k: int
    queries: dict[str, Embeddings]
    relevant: Relevant | None
    random_state: int

    @property
    def names(self) -> list[str]:
        """The short names of the models."""
        return list(self.embeddings)

    @property
    def items(self) -> Items:
        """The items that every model embedded."""
        return next(iter(self.embeddings.values())).items

    @property
    def table(self) -> pd.DataFrame:
        """One row per model: its scores, shape and cost; intervals are in :attr:`scores`."""
        scores = pd.DataFrame(
            {task.measure: {name: score.value for name, score in task.scores.items()} for task in self.tasks},
            index=self.names,
        )
        cost = self.cost.drop(columns=["status", "detail", "n_measured"])
        return pd.concat([scores, self.geometry, cost], axis=1)

    @property
    def scores(self) -> pd.DataFrame:
        """One row per task and model, with interval, chance and n."""
        return scores_table(self.tasks)

    @cached_property
    def smaller(self) -> pd.DataFrame:
        """What compressed vectors lose: one row per model, way and size; see :func:`compression_table`."""
        parts = []
        for name, emb in self.embeddings.items():
            table = compression_table(
                emb,
                k=self.k,
                queries=self.queries[name].vectors if self.queries else None,
                relevant=self.relevant,
                groups=self.groups.exclusion,
                resample_groups=self.groups.resampling,
                random_state=self.random_state,
            )
            parts.append(table.assign(model=name))
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def copy_leakage(self) -> dict[str, CopyLeakage]:
        """What copies would add to the 1-NN accuracy of each model; empty without labels or copies."""
        task = self.task(KNN_ACCURACY)
        if task is None or not self.copies.n_items:
            return {}
        groups = None if self.groups.labels_nested else self.groups.given
        leakage = {}
        for name, emb in self.embeddings.items():
            score = knn_accuracy(emb, groups=groups, neighbors=self.neighbors[name])
            leakage[name] = CopyLeakage(score.value, task.scores[name].value)
        return leakage

    def task(self, measure: str) -> Task | None:
        """Return the task of a measure, or None if it was not evaluated."""
        return next((task for task in self.tasks if task.measure == measure), None)

    def matrix(self, measure: MeasureName = "cka", k: int | None = None) -> pd.DataFrame:
        """Return one measure of similarity for all pairs of models, shape (n_models, n_models).

        Parameters
        ----------
        measure : {"cka", "cka_biased", "procrustes", "rsa", "mutual_knn", "jaccard_knn"}
        k : int, optional
            For the last two; by default the ``k`` of the comparison.
        """
        if measure not in KNN_MEASURES:
            return to_matrix(self.similarity, measure)
        return to_matrix(self.similarity, measure, self.k if k is None else k)
