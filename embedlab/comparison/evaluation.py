"""How good each model is on this data: what labels, queries and pairs can measure, and every difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from embedlab.analysis.neighbors import Neighbors
from embedlab.comparison.groups import Groups
from embedlab.comparison.ranking import relevant_by
from embedlab.comparison.retrieval import (
    mrr,
    ndcg_at_k,
    rank,
    recall_at_k,
    success_at_k,
    zero_shot_accuracy,
)
from embedlab.comparison.scores import Score
from embedlab.comparison.significance import Difference, holm, paired_difference, paired_spearman
from embedlab.comparison.tasks import knn_accuracy, linear_probe, pair_similarity, silhouette
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.items import Items

CLEAR = 0.05  # adjusted p value below which a difference is called clear
Named = Mapping[str, Embeddings]


@dataclass(frozen=True, eq=False)
class Task:
    """One measure of all models, on the same questions.

    Attributes
    ----------
    measure : str
        Its name in the field, for example ``"recall@10"``.
    question : str
        What it asks, as words that follow the model's name.
    chance : float
        What a model would have that knows nothing; NaN where that has no simple answer.
    scores : dict of str to Score
        By model; a model that cannot do it is left out.
    unit : str
        What ``n`` counts.
    lowest : float
        The worst value there is: 0 or −1.
    """

    measure: str
    question: str
    chance: float
    scores: dict[str, Score]
    unit: str
    lowest: float = 0.0
    truth: np.ndarray | None = None

    def difference(self, one: str, other: str) -> Difference:
        """One model's score minus another's, with its interval and p value."""
        a, b = self.scores[one], self.scores[other]
        if self.truth is not None:
            return paired_spearman(a, b, self.truth)
        return paired_difference(a, b)


def label_tasks(named: Named, neighbors: Mapping[str, Neighbors], groups: Groups) -> list[Task]:
    """1-NN accuracy, linear probe and silhouette: those that the labels allow, possibly none."""
    first = next(iter(named.values()))
    labels = pd.Series(first.items.labels or [None] * len(first), dtype=object)
    sizes = labels.value_counts().to_numpy()
    n, drawn = int(sizes.sum()), groups.drawn
    if n < 3 or len(sizes) < 2 or sizes.max() < 2:
        return []
    chance = float((sizes * (sizes - 1)).sum() / (n * (n - 1)))
    ways: list[tuple[str, str, float, float, Callable[[str], Score]]] = [
        ("1-NN accuracy", "puts an item with the same label next to an item", chance, 0,
         lambda m: knn_accuracy(named[m], groups=groups.apart, drawn=drawn, neighbors=neighbors[m])),
        ("linear probe", "lets a linear classifier name the label", float(sizes.max() / n), 0,
         lambda m: linear_probe(named[m], groups=groups.apart, drawn=drawn)),
        ("silhouette", "keeps labels apart", 0, -1, lambda m: silhouette(named[m], groups=drawn)),
    ]  # fmt: skip
    tasks = []
    for measure, question, expected, lowest, score in ways:
        try:
            scores = {model: score(model) for model in named}
        except BadItem:
            continue  # too few items of each label for this one
        tasks.append(Task(measure, question, expected, scores, "items", lowest))
    return tasks


def query_tasks(named: Named, asked: Mapping[str, Embeddings], relevant: Any, k: int) -> list[Task]:
    """success@1, recall@k, MRR and nDCG@k of queries, given as embeddings by each model."""
    rankings = {model: rank(asked[model], emb, relevant) for model, emb in named.items()}
    first = next(iter(rankings.values()))
    n = first.n_documents
    per_query = np.bincount(first.query)
    return [
        Task(measure, question, chance, {m: score(r) for m, r in rankings.items()}, "queries")
        for measure, question, chance, score in (
            ("success@1", "finds a right item first", float((per_query / n).mean()),
             lambda r: success_at_k(r, 1)),
            (f"recall@{k}", f"finds, of what it should, among its first {k}", min(k / n, 1.0),
             lambda r: recall_at_k(r, k)),
            ("MRR", "has as 1 / place of the first right item", float("nan"), mrr),
            (f"nDCG@{k}", "ranks the right items high", float("nan"), lambda r: ndcg_at_k(r, k)),
        )
    ]  # fmt: skip


def pair_task(named: Named, pairs: pd.DataFrame) -> Task:
    """Spearman's correlation of cosines with people's scores; the columns are ``a``, ``b`` and ``score``."""
    if lacking := [name for name in ("a", "b", "score") if name not in pairs.columns]:
        raise BadItem(f"The pairs have no column {', '.join(lacking)}: ids in 'a' and 'b', and 'score'.")
    first, second = (pairs[side].astype(str).tolist() for side in ("a", "b"))
    truth = pairs["score"].to_numpy(float)
    scores = {m: pair_similarity(emb, first, second, truth) for m, emb in named.items()}
    question = "orders pairs as people do"
    return Task("Spearman", question, 0.0, scores, "pairs", -1.0, truth=truth)


def zero_shot_task(
    named: Named, class_vectors: Mapping[str, np.ndarray], classes: list[str], groups: Groups
) -> Task:
    """Accuracy of the nearest class name, for the models that read names."""
    scores = {
        m: zero_shot_accuracy(named[m], vectors, classes, groups=groups.drawn)
        for m, vectors in class_vectors.items()
    }
    return Task(
        "zero-shot accuracy", "names an item, from the names alone", 1 / len(classes), scores, "items"
    )


def answers(queries: Items, items: Items, relevant: Any) -> Any:
    """What each query should find, as :func:`rank` takes it.

    Raises
    ------
    BadItem
        When neither ``relevant``, nor a column ``answers`` (ids, joined by ``|`` or in lists), nor labels on
        both sides say it.
    """
    if relevant is not None:
        return relevant
    if "answers" in queries.frame.columns:
        given = queries.frame["answers"]
        return [value.split("|") if isinstance(value, str) else list(value) for value in given]
    if queries.labels and items.labels:
        return relevant_by(queries, items, "label")
    raise BadItem(
        "Nothing says what the queries should find. Pass relevant= (for each query the ids of the items), "
        "give the queries a column 'answers', or give queries and items labels."
    )


def scores_table(tasks: Sequence[Task]) -> pd.DataFrame:
    """One row per measure and model: its value, the ends of its interval, chance, and n."""
    rows = [
        [task.measure, model, score.value, score.low, score.high, task.chance, score.n, task.unit]
        for task in tasks
        for model, score in task.scores.items()
    ]
    columns = ["measure", "model", "value", "low", "high", "chance", "n", "unit"]
    return pd.DataFrame(rows, columns=columns)


def differences_table(tasks: Sequence[Task]) -> pd.DataFrame:
    """One row per measure and pair of models, the better first.

    Returns
    -------
    DataFrame
        ``measure``, ``better``, ``worse``, ``difference`` with its 95 % interval ``low`` to ``high``,
        ``p_value`` (paired permutations), ``p_adjusted`` (Holm, for all rows of the table), ``clear``
        (``p_adjusted`` below 0.05), ``n``.
    """
    rows = []
    for task in tasks:
        for a, b in combinations(task.scores, 2):
            if task.scores[a].value < task.scores[b].value:
                a, b = b, a
            found = task.difference(a, b)
            rows.append([task.measure, a, b, found.value, found.low, found.high, found.p_value, found.n])
    columns = ["measure", "better", "worse", "difference", "low", "high", "p_value", "n"]
    table = pd.DataFrame(rows, columns=columns)
    adjusted = holm(table["p_value"].tolist())
    table.insert(7, "p_adjusted", adjusted)
    table.insert(8, "clear", adjusted < CLEAR)
    return table
