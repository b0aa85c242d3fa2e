"""Synthetic likes: people that do not exist, whose tastes are known because a seeded rule made them."""

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
        Ids that a recommender is shown, and ids that it should find.
    """

    user: str
    topics: tuple[str, ...]
    known: tuple[str, ...]
    hidden: tuple[str, ...]


def synthetic_likes(
    items: Items,
    n_users: int = 200,
    *,
    n_known: int = 9,
    n_hidden: int = 6,
    noise: float = 0.1,
    random_state: int = 0,
) -> list[Likes]:
    """Make up users by a stated rule. They are no people, and nothing about people can be learnt from them.

    Parameters
    ----------
    items : Items
        With labels, at least three.
    n_users, n_known, n_hidden : int
        Users, and likes of each.
    noise : float
        Share of likes that are drawn from all items.
    random_state : int

    Returns
    -------
    list of Likes
        A user has one to three of the labels, drawn evenly. An item has an appeal, the same for all users,
        that falls with its place in a random order as 1 / place^0.5. Each like is drawn by appeal, from
        one of the user's labels in turn, or with the chance ``noise`` from all. The drawn likes are
        shuffled and split.

    Raises
    ------
    BadItem
        With fewer than three labels, or too few items for so many likes.
    """
    labels = np.array([label or "" for label in items.labels or []], dtype=object)
    names = sorted(set(labels) - {""})
    n_likes = n_known + n_hidden
    if len(names) < 3 or min((labels == name).sum() for name in names) < n_likes:
        raise BadItem(f"At least 3 labels are needed, each with {n_likes} items or more.")
    # numpy promises the numbers of RandomState for ever.
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
