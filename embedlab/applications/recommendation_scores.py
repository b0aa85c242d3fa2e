"""How good are recommendations? Against likes that were hidden, and beside popularity and chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from embedlab.applications.likes import Likes
from embedlab.applications.recommending import recommend
from embedlab.comparison.scores import Score, bootstrap
from embedlab.embeddings import Embeddings

Recommender = Callable[[Likes], list[str]]


def recommenders(embeddings: Embeddings, users: Sequence[Likes], k: int = 10) -> dict[str, Recommender]:
    """The ways that are compared, each a function from a user to ids: content, popularity, chance."""
    counts = Counter(id for user in users for id in user.known)
    popular = sorted(embeddings.ids, key=lambda id: (-counts[id], id))

    def by_content(**settings: float) -> Recommender:
        return lambda user: recommend(embeddings, user.known, k=k, **settings)["id"].tolist()  # type: ignore[arg-type]

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


def evaluate(
    embeddings: Embeddings, users: Sequence[Likes], ways: dict[str, Recommender]
) -> dict[str, dict[str, Score]]:
    """Score each way for each user.

    Returns
    -------
    dict of dict of Score
        By way: ``"recall"``, the share of the hidden likes that were recommended; ``"on topic"``, the share
        of recommendations with a label that the user cares about; ``"topics"``, the share of the user's
        labels that appear at all; ``"likeness"``, the mean cosine between two recommendations of a list.
    """
    labels = dict(zip(embeddings.ids, embeddings.items.labels or [], strict=True))
    rows = {id: row for row, id in enumerate(embeddings.ids)}
    unit = embeddings.normalize().vectors
    scores = {}
    for name, way in ways.items():
        values = []
        for user in users:
            ids = way(user)
            found = [labels[id] for id in ids]
            some = unit[[rows[id] for id in ids]]
            pairs = (some @ some.T)[np.triu_indices(len(ids), 1)]
            values.append(
                (
                    len(set(ids) & set(user.hidden)) / len(user.hidden),
                    sum(label in user.topics for label in found) / len(ids),
                    len(set(found) & set(user.topics)) / len(user.topics),
                    float(pairs.mean()),
                )
            )
        columns = ("recall", "on topic", "topics", "likeness")
        scores[name] = {c: bootstrap(v) for c, v in zip(columns, np.array(values).T, strict=True)}
    return scores


def score_table(scores: dict[str, dict[str, Score]]) -> pd.DataFrame:
    """One row for each way, each score with its 95 % interval as text."""
    return pd.DataFrame(
        {
            name: {c: f"{s.value:.2f} [{s.low:.2f}, {s.high:.2f}]" for c, s in row.items()}
            for name, row in scores.items()
        }
    ).T
