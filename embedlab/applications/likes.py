"""Synthetic likes: invented users whose tastes are known because a seeded rule made them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedlab.errors import BadItem
from embedlab.items import Items


@dataclass(frozen=True)
class Likes:
    """What one synthetic user likes.

    Attributes
    ----------
    user : str
    topics : tuple of str
        The labels that the user cares about.
    known, hidden : tuple of str
        Ids that a recommender is given, and ids that it should find.
    """

    user: str
    topics: tuple[str, ...]
    known: tuple[str, ...]
    hidden: tuple[str, ...]


def make_likes(
    items: Items,
    n_users: int = 200,
    *,
    n_known: int = 9,
    n_hidden: int = 6,
    noise: float = 0.1,
    random_state: int = 0,
) -> list[Likes]:
    """Invent users by a stated rule; nothing about real people can be learnt from them.

    Parameters
    ----------
    items : Items
        With at least three labels.
    n_users, n_known, n_hidden : int
        Number of users, and of likes per user.
    noise : float
        Share of likes that are drawn from all items, whatever the user cares about.
    random_state : int
        Seed.

    Returns
    -------
    list of Likes
        A user cares about one to three labels, drawn uniformly. An item has an appeal, the same for all
        users: 1 / rank^0.5 for its rank in a random order. Each like is drawn in proportion to the appeal,
        from the user's labels in turn, or with probability ``noise`` from all items. The likes are then
        shuffled and split.

    Raises
    ------
    BadItem
        If there are fewer than three labels, or a label has fewer items than a user has likes.
    """
    labels = np.array([label or "" for label in items.labels or []], dtype=object)
    names = sorted(set(labels) - {""})
    n_likes = n_known + n_hidden
    if len(names) < 3 or min((labels == name).sum() for name in names) < n_likes:
        raise BadItem(
            f"At least 3 labels with {n_likes} items or more each are needed (n_known + n_hidden); the items "
            f"have {len(names)} labels."
        )
    # numpy guarantees the numbers of RandomState across versions.
    rng = np.random.RandomState(random_state)
    appeal = 1 / np.sqrt(1 + rng.permutation(len(items)))
    ids = np.array(items.ids, dtype=object)
    users = []
    for number in range(n_users):
        topics = [names[i] for i in rng.permutation(len(names))[: 1 + number % 3]]
        chosen: list[int] = []
        for place in range(n_likes):
            weights = appeal.copy()
            if rng.random_sample() >= noise:
                weights[labels != topics[place % len(topics)]] = 0
            weights[chosen] = 0
            chosen.append(int(rng.choice(len(ids), p=weights / weights.sum())))
        likes = [str(i) for i in ids[rng.permutation(chosen)]]
        users.append(Likes(f"u{number:03d}", tuple(topics), tuple(likes[:n_known]), tuple(likes[n_known:])))
    return users
