"""How alike models are, two by two: each measure beside what chance gives, in a table and as a matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from embedlab.analysis.neighbors import Neighbors
from embedlab.comparison.scores import bootstrap
from embedlab.comparison.similarity import Measure, cka, ckas, nuclear_norm, pair_ranks, procrustes
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem

Name = Literal["cka", "cka_biased", "procrustes", "rsa", "mutual_knn", "jaccard_knn"]
MEASURES: dict[str, str] = {
    "cka": "Do the same items lie close to each other in both? 1: the same space, turned; 0: unrelated.",
    "cka_biased": "The same without debiasing: high for any two models when items are few. Mind chance.",
    "procrustes": "How well can one space be turned onto the other? Chance is well above 0.",
    "rsa": "Do both order the pairs of items alike, from the nearest to the farthest (Spearman)?",
    "mutual_knn": "Of the k nearest neighbours of an item, what share do both name?",
    "jaccard_knn": "The neighbours that both name, as a share of those that either names.",
}
COLUMNS = ["first", "second", "measure", "k", "value", "low", "high", "chance", "p_value", "n"]
_WORK = 2e10  # multiplications that the permutations of one measure may take: less than a second
_FETCH = 300  # multiplications in the time that a number is fetched from anywhere in a table
_FEW, _MANY = 19, 99  # permutations: p can be 0.05 with the few
_MIXED = 4000  # items that are really mixed up; of more, what mixing them tends to is drawn


def similarity_table(
    vectors: Mapping[str, np.ndarray],
    neighbors: Mapping[str, Neighbors],
    *,
    ks: Sequence[int] = (1, 10),
    random_state: int = 0,
) -> pd.DataFrame:
    """Every measure for every pair of models.

    Parameters
    ----------
    vectors : mapping of str to ndarray, shape (n_items, dim)
        By the name of the model; the same items in the same order.
    neighbors : mapping of str to Neighbors
        The graphs of the same spaces, with as many neighbours as the largest of ``ks``.
    ks : sequence of int
        Neighbours that count.
    random_state : int

    Returns
    -------
    DataFrame
        Columns ``first``, ``second``, ``measure``, ``k`` (0 where it does not apply), ``value``; ``low`` and
        ``high`` (95 % bootstrap interval over the items, for shares of neighbours; NaN for the others),
        ``chance`` and ``p_value`` (mean of the same measure when the items of one space are mixed up, and how
        often that is as high: 19 to 99 permutations; for shares of neighbours ``chance`` is exact), ``n``.
        Each p value is of its line alone. At no time more than a few tables of the size of the vectors, 20 of
        dim x dim, or, for ``rsa``, 2,000 x 2,000.

    Notes
    -----
    Above 4,000 items the spaces are not mixed up for CKA and Procrustes: their product, one of them mixed up,
    has the mean 0 and the covariance (own product) x (other's product) / (n - 1), and is nearly normal
    (combinatorial central limit theorem, Hoeffding 1951). So it is drawn, at a cost that n does not change.
    """
    rows = [
        [a, b, *row]
        for a, b in combinations(vectors, 2)
        for row in (
            *_of_vectors(vectors[a], vectors[b], random_state),
            *_of_neighbors(neighbors[a], neighbors[b], ks, random_state),
        )
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def square(table: pd.DataFrame, measure: Name = "cka", k: int = 0) -> pd.DataFrame:
    """One measure as a matrix of models by models, 1 on the diagonal.

    Raises
    ------
    BadItem
        For a measure, or a ``k``, that the table does not have.
    """
    if measure not in set(table["measure"]):
        raise BadItem(f"No measure {measure!r}: choose one of {', '.join(table['measure'].unique())}.")
    chosen = table[table["measure"] == measure]
    if k not in set(chosen["k"]):
        raise BadItem(f"{measure} is known for k = {', '.join(map(str, sorted(set(chosen['k']))))}, not {k}.")
    names = list(dict.fromkeys([*table["first"], *table["second"]]))
    matrix = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    chosen = chosen[chosen["k"] == k]
    for a, b, value in zip(chosen["first"], chosen["second"], chosen["value"], strict=True):
        matrix.loc[a, b] = matrix.loc[b, a] = value
    return matrix


def layer_similarity(
    one: Mapping[str, Embeddings], other: Mapping[str, Embeddings], measure: Measure = cka
) -> pd.DataFrame:
    """Every layer of one model against every layer of another (or of itself).

    Parameters
    ----------
    one, other : mapping of str to Embeddings
        What :func:`embed_layers` returned for the same items.
    measure : callable
        Of two arrays: :func:`cka`, :func:`procrustes`, :func:`rsa`.

    Returns
    -------
    DataFrame, shape (layers of one, layers of other)

    Raises
    ------
    BadItem
        Without any layer, or for different items.
    """
    if not one or not other:
        raise BadItem("There are no layers to compare: embed_layers gives at least one.")
    ids = next(iter(one.values())).ids
    for name, embeddings in (*one.items(), *other.items()):
        if embeddings.ids != ids:
            raise BadItem(f"Layer {name!r} holds other items, or in another order. Embed the same items.")
    values = [[measure(a.vectors, b.vectors) for b in other.values()] for a in one.values()]
    return pd.DataFrame(values, index=list(one), columns=list(other))


Row = tuple[str, int, float, float, float, float, float, int]


def _of_vectors(x: np.ndarray, y: np.ndarray, seed: int) -> Iterator[Row]:
    one, other, n = _single(x), _single(y), len(x)
    drawn = _drawn(one, other, seed) if n > _MIXED else None
    orders = _orders(n, n * min(_FETCH * n, x.shape[1] * y.shape[1]), seed)
    (biased, debiased), (flattered, chance) = ckas(x, y), _ckas_by_chance(one, other, orders, drawn)
    yield _row("cka", debiased, chance, n)
    yield _row("cka_biased", biased, flattered, n)
    orders = _orders(n, n * x.shape[1] * y.shape[1] + 3 * min(x.shape[1], y.shape[1]) ** 3, seed)
    size = float(np.linalg.norm(one) * np.linalg.norm(other)) or np.nan
    turned = [nuclear_norm(product) for product in drawn or (one.T @ other[order] for order in orders)]
    yield _row("procrustes", procrustes(x, y), [norm / size for norm in turned], n)
    ranks, other_ranks = pair_ranks(x, y, random_state=seed)
    few = len(ranks)
    size = float(np.linalg.norm(ranks) * np.linalg.norm(other_ranks)) or np.nan
    orders = _orders(few, _FETCH * few * few, seed)
    mixed = [float(np.vdot(ranks, other_ranks[np.ix_(order, order)]) / size) for order in orders]
    yield _row("rsa", float(np.vdot(ranks, other_ranks) / size), mixed, few)


def _ckas_by_chance(
    one: np.ndarray, other: np.ndarray, orders: list[np.ndarray], drawn: list[np.ndarray] | None
) -> tuple[list[float], list[float]]:
    """CKA with and without bias; only the product across the spaces changes when items are mixed up."""
    n = len(one)
    lengths, other_lengths = (np.einsum("ij,ij->i", v, v, dtype=np.float64) for v in (one, other))
    gram = drawn is None and _FETCH * n <= one.shape[1] * other.shape[1]
    left, right = (one @ one.T, other @ other.T) if gram else (one, other)
    own = np.array([_size(one, lengths), _size(other, other_lengths)])  # biased, debiased
    sizes = np.sqrt(np.where(own > 0, own, np.nan).prod(axis=0))
    found = []
    for place, order in enumerate(orders):
        if drawn is not None:
            total = float(np.square(drawn[place]).sum())
        elif gram:
            total = float(np.vdot(left, right[np.ix_(order, order)]))
        else:
            total = float(np.square(left.T @ right[order]).sum())
        found.append([total, total - _diagonal(lengths, other_lengths[order])] / sizes)
    biased, debiased = np.array(found).T.tolist()
    return biased, debiased


def _drawn(one: np.ndarray, other: np.ndarray, seed: int) -> list[np.ndarray]:
    """Products of two spaces whose items are mixed up, but for a rotation; see :func:`similarity_table`."""
    rng = np.random.default_rng(seed)
    roots, others = (np.sqrt(np.maximum(np.linalg.eigvalsh(v.T @ v), 0)) for v in (one, other))
    scale = np.outer(roots, others) / np.float32(np.sqrt(len(one) - 1))
    return [scale * rng.standard_normal(scale.shape, np.float32) for _ in range(_FEW)]


def _size(vectors: np.ndarray, lengths: np.ndarray) -> list[float]:
    product = vectors @ vectors.T if len(vectors) <= vectors.shape[1] else vectors.T @ vectors
    total = float(np.square(product).sum())
    return [total, total - _diagonal(lengths, lengths)]


def _diagonal(lengths: np.ndarray, other: np.ndarray) -> float:
    """What an item paired with itself adds, see :func:`cka`."""
    n = len(lengths)
    return float(n / (n - 2) * (lengths @ other) - lengths.sum() * other.sum() / ((n - 1) * (n - 2)))


def _single(vectors: np.ndarray) -> np.ndarray:
    """Centred, of a size of about 1, in single precision: enough for what chance gives, and twice as fast."""
    vectors = np.asarray(vectors, np.float64)
    centred = vectors - vectors.mean(axis=0)
    return np.asarray(centred / (np.linalg.norm(centred) or 1.0) * np.sqrt(len(centred)), np.float32)


def _orders(n: int, work: float, seed: int) -> list[np.ndarray]:
    """Random orders of n items: as many as their work allows."""
    rng = np.random.default_rng(seed)
    if n > _MIXED:
        work = np.inf
    return [rng.permutation(n) for _ in range(int(np.clip(_WORK // work, _FEW, _MANY)))]


def _row(name: str, value: float, mixed: Sequence[float], n: int) -> Row:
    p_value = (1 + int((np.array(mixed) >= value).sum())) / (1 + len(mixed)) if np.isfinite(value) else np.nan
    return name, 0, value, np.nan, np.nan, float(np.mean(mixed)), p_value, n


def _of_neighbors(one: Neighbors, other: Neighbors, ks: Sequence[int], seed: int) -> Iterator[Row]:
    from embedlab.analysis.agreement import neighbor_overlap

    n, most = len(one.indices), min(one.k, other.k)
    for k in sorted({min(k, most) for k in ks}):
        shares = neighbor_overlap([one, other], k).astype(np.float64)
        own, mixed = one.indices[:, :k], []
        for order in _orders(n, 500 * n * k, seed):  # a sort
            # The other space with its items renamed: item i is now called order[i].
            renamed = np.empty_like(other.indices[:, :k])
            renamed[order] = order[other.indices[:, :k]]
            mixed.append(neighbor_overlap([_graph(own), _graph(renamed)], k).mean())
        for name, per_item in (("mutual_knn", shares), ("jaccard_knn", shares / (2 - shares))):
            score = bootstrap(per_item, random_state=seed)
            p_value = (1 + int((np.array(mixed) >= shares.mean()).sum())) / (1 + len(mixed))
            chance = k / (n - 1)
            expected = chance if name == "mutual_knn" else _jaccard_by_chance(n - 1, k)
            yield name, k, score.value, score.low, score.high, expected, p_value, n


def _graph(indices: np.ndarray) -> Neighbors:
    return Neighbors(indices, np.zeros(indices.shape, np.float32), "cosine", True)


def _jaccard_by_chance(others: int, k: int) -> float:
    """Expected Jaccard index of two random sets of k among the others: the shared ones are hypergeometric."""
    from scipy.stats import hypergeom

    shared = np.arange(k + 1)
    return float(hypergeom.pmf(shared, others, k, k) @ (shared / (2 * k - shared)))
