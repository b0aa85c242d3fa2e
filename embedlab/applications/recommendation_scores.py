"""Score recommendations against hidden likes, next to the baselines of popularity and chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from embedlab.applications.likes import Likes
from embedlab.applications.recommendation import recommend
from embedlab.comparison.scores import Score, bootstrap
from embedlab.embeddings import Embeddings

Recommender = Callable[[Likes], list[str]]
_MEASURES = ("recall", "on topic", "topics", "similarity")


def build_recommenders(embeddings: Embeddings, users: Sequence[Likes], k: int = 10) -> dict[str, Recommender]:
    """Build the recommenders to compare, by name: content-based ones, popularity and chance.

    Each maps a user to ``k`` ids.
    """
    counts = Counter(id for user in users for id in user.known)
    popular = sorted(embeddings.ids, key=lambda id: (-counts[id], id))

    def by_content(tastes: int = 1, diversity: float = 0.0) -> Recommender:
        def recommend_ids(user: Likes) -> list[str]:
            table = recommend(embeddings, user.known, k=k, tastes=tastes, diversity=diversity)
            ids: list[str] = table["id"].tolist()
            return ids

        return recommend_ids

    def by_popularity(user: Likes) -> list[str]:
        return [id for id in popular if id not in user.known][:k]

    def by_chance(user: Likes) -> list[str]:
        rng = np.random.RandomState(int(user.user[1:]))
        return [id for id in rng.permutation(embeddings.ids) if id not in user.known][:k]

    return {
        "mean of the likes": by_content(),
        "two tastes": by_content(tastes=2),
        "three tastes": by_content(tastes=3),
        "mean, diverse": by_content(diversity=0.3),
        "popular": by_popularity,
        "random": by_chance,
    }


def evaluate_recommenders(
    embeddings: Embeddings, users: Sequence[Likes], recommenders: dict[str, Recommender]
) -> dict[str, dict[str, Score]]:
    """Score each recommender on all users, with bootstrap intervals.

    Returns
    -------
    dict of dict of Score
        By recommender: ``"recall"``, the share of the hidden likes that were recommended; ``"on topic"``, the
        share of the recommendations whose label the user cares about; ``"topics"``, the share of the user's
        labels that appear at all; ``"similarity"``, the mean cosine between two recommendations of a list.
    """
    labels = dict(zip(embeddings.ids, embeddings.items.labels or [], strict=True))
    rows = {id: row for row, id in enumerate(embeddings.ids)}
    unit = embeddings.normalize().vectors
    scores = {}
    for name, recommend_ids in recommenders.items():
        values = []
        for user in users:
            ids = recommend_ids(user)
            topics = [labels[id] for id in ids]
            vectors = unit[[rows[id] for id in ids]]
            cosines = (vectors @ vectors.T)[np.triu_indices(len(ids), 1)]
            values.append(
                (
                    len(set(ids) & set(user.hidden)) / len(user.hidden),
                    sum(topic in user.topics for topic in topics) / len(ids),
                    len(set(topics) & set(user.topics)) / len(user.topics),
                    float(cosines.mean()),
                )
            )
        columns = zip(_MEASURES, np.array(values).T, strict=True)
        scores[name] = {measure: bootstrap(column) for measure, column in columns}
    return scores


def tabulate_scores(scores: dict[str, dict[str, Score]]) -> pd.DataFrame:
    """Write scores as a table: one row per recommender, each score with its 95 % interval as text."""
    return pd.DataFrame(
        {
            name: {m: f"{s.value:.2f} [{s.low:.2f}, {s.high:.2f}]" for m, s in row.items()}
            for name, row in scores.items()
        }
    ).T
