"""Score every model with labels, queries and pairs, and test every difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from embedlab.analysis.neighbors import Neighbors
from embedlab.comparison.groups import Groups
from embedlab.comparison.ranking import Ranking, Relevant, match_column
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
from embedlab.errors import Argument, BadItem
from embedlab.items import Items

CLEAR = 0.05  # adjusted p value below which a difference is called clear
# Names of measures; those that depend on k are made with it: "recall@10".
KNN_ACCURACY = "1-NN accuracy"
LINEAR_PROBE = "linear probe"
SILHOUETTE = "silhouette"
SUCCESS_AT_1 = "success@1"
MRR = "MRR"
SPEARMAN = "Spearman"
ZERO_SHOT = "zero-shot accuracy"

EmbeddingsByName = Mapping[str, Embeddings]


@dataclass(frozen=True, eq=False)
class Task:
    """The scores of all models by one measure, on the same questions.

    Attributes
    ----------
    measure : str
        Its name in the field, for example ``"recall@10"``.
    question : str
        What it measures, as words that follow the model's name.
    chance : float
        Expected score of a random model; NaN if there is no simple formula.
    scores : dict of str to Score
        By model; models that the measure does not apply to are missing.
    unit : str
        What ``n`` counts.
    lowest : float
        The worst possible value: 0 or −1.
    reference : ndarray, shape (n_pairs,), optional
        Scores that people gave to pairs.
    """

    measure: str
    question: str
    chance: float
    scores: dict[str, Score]
    unit: str
    lowest: float = 0.0
    reference: np.ndarray | None = None

    def difference(self, a: str, b: str) -> Difference:
        """Test the score of model ``a`` minus that of model ``b``."""
        if self.reference is not None:
            return paired_spearman(self.scores[a], self.scores[b], self.reference)
        return paired_difference(self.scores[a], self.scores[b])


def evaluate_labels(
    embeddings: EmbeddingsByName, neighbors: Mapping[str, Neighbors], groups: Groups
) -> list[Task]:
    """Compute 1-NN accuracy, linear probe and silhouette, as far as the labels allow; possibly none."""
    first = next(iter(embeddings.values()))
    labels = pd.Series(first.items.labels or [None] * len(first), dtype=object)
    sizes = labels.value_counts().to_numpy()
    n = int(sizes.sum())
    exclusion, resampling = groups.exclusion, groups.resampling
    if n < 3 or len(sizes) < 2 or sizes.max() < 2:
        return []
    chance = float((sizes * (sizes - 1)).sum() / (n * (n - 1)))
    measures: list[tuple[str, str, float, float, Callable[[str], Score]]] = [
        (KNN_ACCURACY, "puts an item with the same label next to an item", chance, 0,
         lambda m: knn_accuracy(embeddings[m], groups=exclusion, resample_groups=resampling,
                                neighbors=neighbors[m])),
        (LINEAR_PROBE, "lets a linear classifier name the label", float(sizes.max() / n), 0,
         lambda m: linear_probe(embeddings[m], groups=exclusion, resample_groups=resampling)),
        (SILHOUETTE, "keeps labels apart", 0, -1, lambda m: silhouette(embeddings[m], groups=resampling)),
    ]  # fmt: skip
    tasks = []
    for measure, question, expected, lowest, score in measures:
        try:
            scores = {model: score(model) for model in embeddings}
        except BadItem:
            continue  # too few items of each label for this measure
        tasks.append(Task(measure, question, expected, scores, "items", lowest))
    return tasks


def evaluate_queries(
    embeddings: EmbeddingsByName, queries: EmbeddingsByName, relevant: Relevant, k: int
) -> list[Task]:
    """Compute success@1, recall@k, MRR and nDCG@k of queries that each model embedded."""
    rankings = {model: rank(queries[model], emb, relevant) for model, emb in embeddings.items()}
    first = next(iter(rankings.values()))
    n = first.n_documents
    per_query = np.bincount(first.query)
    measures: list[tuple[str, str, float, Callable[[Ranking], Score]]] = [
        (SUCCESS_AT_1, "finds a right item first", float((per_query / n).mean()),
         lambda r: success_at_k(r, 1)),
        (f"recall@{k}", f"finds, of what it should, among its first {k}", min(k / n, 1.0),
         lambda r: recall_at_k(r, k)),
        (MRR, "has as 1 / place of the first right item", float("nan"), mrr),
        (f"nDCG@{k}", "ranks the right items high", float("nan"), lambda r: ndcg_at_k(r, k)),
    ]  # fmt: skip
    return [
        Task(measure, question, chance, {m: score(r) for m, r in rankings.items()}, "queries")
        for measure, question, chance, score in measures
    ]


def evaluate_pairs(embeddings: EmbeddingsByName, pairs: pd.DataFrame) -> Task:
    """Compute Spearman's correlation of cosines with the scores that people gave to pairs.

    Parameters
    ----------
    embeddings : mapping of str to Embeddings
    pairs : DataFrame
        Columns ``a``, ``b`` (ids) and ``score``.

    Raises
    ------
    BadItem
        If a column is missing, and as :func:`pair_similarity`.
    """
    if missing := [name for name in ("a", "b", "score") if name not in pairs.columns]:
        raise BadItem(
            f"The pairs have no column {', '.join(missing)}. Pass a table with the columns 'a' and 'b' (ids) "
            "and 'score'."
        )
    first, second = (pairs[side].astype(str).tolist() for side in ("a", "b"))
    reference = pairs["score"].to_numpy(float)
    scores = {m: pair_similarity(emb, first, second, reference) for m, emb in embeddings.items()}
    question = "orders pairs as people do"
    return Task(SPEARMAN, question, 0.0, scores, "pairs", -1.0, reference=reference)


def evaluate_zero_shot(
    embeddings: EmbeddingsByName, class_vectors: Mapping[str, np.ndarray], classes: list[str], groups: Groups
) -> Task:
    """Compute the accuracy of the nearest class name, for the models that embed names too."""
    scores = {
        m: zero_shot_accuracy(embeddings[m], vectors, classes, groups=groups.resampling)
        for m, vectors in class_vectors.items()
    }
    return Task(ZERO_SHOT, "names an item, from the names alone", 1 / len(classes), scores, "items")


def resolve_relevant(queries: Items, items: Items, relevant: Relevant | None) -> Relevant:
    """Return what each query should find, as :func:`rank` takes it.

    By default the queries' column ``answers`` (ids, joined by ``|`` or in lists), otherwise the items with
    the query's label.

    Raises
    ------
    BadItem
        If none of the three exists.
    """
    if relevant is not None:
        return relevant
    if "answers" in queries.frame.columns:
        given = queries.frame["answers"]
        return [value.split("|") if isinstance(value, str) else list(value) for value in given]
    if queries.labels and items.labels:
        return match_column(queries, items, "label")
    raise BadItem(
        "It is unknown what the queries should find. Pass ",
        Argument("relevant"),
        " (the ids of the items for each query), give the queries a column 'answers', or give both "
        "queries and items labels.",
    )


def scores_table(tasks: Sequence[Task]) -> pd.DataFrame:
    """Tabulate all scores: one row per measure and model, with interval, chance and n."""
    rows = [
        [task.measure, model, score.value, score.low, score.high, task.chance, score.n, task.unit]
        for task in tasks
        for model, score in task.scores.items()
    ]
    columns = ["measure", "model", "value", "low", "high", "chance", "n", "unit"]
    return pd.DataFrame(rows, columns=columns)


def differences_table(tasks: Sequence[Task]) -> pd.DataFrame:
    """Test all pairs of models in all tasks: one row each, the better model first.

    Returns
    -------
    DataFrame
        ``measure``, ``better``, ``worse``, ``difference`` with its 95 % interval ``low`` to ``high``,
        ``p_value`` (paired permutations), ``p_adjusted`` (Holm, for all rows of the table), ``clear``
        (``p_adjusted`` below 0.05) and ``n``.
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
