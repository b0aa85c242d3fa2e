"""Several models on the same items: ``compare(embeddings)`` asks everything and keeps the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from embedlab.analysis.neighbors import knn
from embedlab.comparison.copies import find_copies
from embedlab.comparison.cost import cost_table
from embedlab.comparison.evaluation import (
    Task,
    answers,
    differences_table,
    label_tasks,
    pair_task,
    query_tasks,
    zero_shot_task,
)
from embedlab.comparison.geometry_tables import geometry_table
from embedlab.comparison.groups import Groups, find_groups
from embedlab.comparison.inputs import joined, short_names, with_labels
from embedlab.comparison.result import Comparison
from embedlab.comparison.similarity_tables import similarity_table
from embedlab.embedders import Embedder
from embedlab.embedders.dual import DualEmbedder
from embedlab.embedders.loading import load_again
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, EmbedlabError
from embedlab.items import Items

_K = 20  # neighbours in each graph


def compare(
    embeddings: Sequence[Embeddings],
    queries: Items | Sequence[Embeddings] | None = None,
    labels: str | Sequence[Any] | None = None,
    *,
    groups: str | Sequence[Any] | None = None,
    relevant: Any = None,
    pairs: pd.DataFrame | None = None,
    k: int = 10,
    cost: bool = True,
    random_state: int = 0,
) -> Comparison:
    """Which of these models is right for these items?

    Parameters
    ----------
    embeddings : sequence of Embeddings
        Two or more, of the same items; they are joined by id.
    queries : Items, or sequence of Embeddings, optional
        Questions to the items, embedded by each model (loaded by its name), or embedded already, in the order
        of ``embeddings``.
    labels : str or sequence, optional
        What nearest neighbours should share: a metadata column, or one value for each item of the first
        embeddings; by default the labels of the first that have any.
    groups : str or sequence, optional
        Which items belong together, such as windows of one recording: a metadata column, or one value for
        each item of the first embeddings. No item answers for another of its group, in 1-NN accuracy and
        linear probe, and the intervals and tests of what is asked of items draw whole groups. Where each
        label lies in one group (views of one photograph, labelled with it) only the second holds.
        Copies are found without being told, and treated the same way.
    relevant : list or dict, optional
        For each query the ids it should find, as :func:`embedlab.comparison.ranking.rank` takes them. By
        default the queries' column ``answers`` (ids joined by ``|``), else the items with the query's label.
    pairs : DataFrame, optional
        Columns ``a`` and ``b`` (ids of items) and ``score`` (how alike they are to people).
    k : int
        Results that count, for recall@k, nDCG@k and shared neighbours (those also for 1, 5 and 20); at most
        all other items.
    cost : bool
        Measure speed and memory here: about ten seconds for each model.
    random_state : int
        Of bootstraps, permutations and samples.

    Returns
    -------
    Comparison
        A notebook shows it as a page.

    Raises
    ------
    BadItem
        For fewer than two embeddings or four items, different items (naming them), labels, groups, queries
        or pairs that do not fit, ``relevant`` without queries.
    WrongModel
        When a model that is loaded for the queries is not the one that made the embeddings.

    Notes
    -----
    Of n items it holds the vectors, their 20 nearest neighbours, and tables of dim x dim; nothing of n x n
    beyond 2,000 items.
    """
    if isinstance(embeddings, Embeddings) or len(embeddings) < 2:
        raise BadItem("A comparison wants two embeddings or more, in a list: compare([one, other]).")
    if k < 1:
        raise BadItem(f"k must be at least 1, not {k}.")
    if queries is None and relevant is not None:
        raise BadItem("relevant says what queries should find, but there are no queries: pass queries=.")
    same = with_labels(joined(embeddings), labels)
    named = dict(zip(short_names(same), same, strict=True))
    first = same[0]
    if len(first) < 4:
        raise BadItem(f"{len(first)} items are too few to compare models by; 4 are needed.")
    k = min(k, len(first) - 1)
    neighbors = {name: knn(emb.vectors, max(_K, k)) for name, emb in named.items()}
    copies = find_copies(first.items, list(neighbors.values()))
    together = find_groups(first.items, groups, copies)
    tasks, asked = [], None
    if queries is not None:
        given = _asked(named, queries)
        asked = answers(next(iter(given.values())).items, first.items, relevant)
        tasks += query_tasks(named, given, asked, k)
    if pairs is not None:
        tasks.append(pair_task(named, pairs))
    tasks += label_tasks(named, neighbors, together)
    tasks += _zero_shot(named, together)
    vectors = {name: emb.vectors for name, emb in named.items()}
    costs = cost_table(same, measure=cost)
    costs.index = pd.Index(list(named))
    return Comparison(
        embeddings=named,
        neighbors=neighbors,
        tasks=tuple(tasks),
        differences=differences_table(tasks),
        similarity=similarity_table(vectors, neighbors, ks=(1, 5, k, _K), random_state=random_state),
        geometry=geometry_table(vectors, neighbors),
        cost=costs,
        copies=copies,
        groups=together,
        k=k,
        queries=given if queries is not None else {},
        relevant=asked,
        random_state=random_state,
    )


def _asked(named: Mapping[str, Embeddings], queries: Items | Sequence[Embeddings]) -> dict[str, Embeddings]:
    """The queries as each model sees them."""
    from embedlab.explorer.search import check_same_model

    if isinstance(queries, Embeddings):
        raise BadItem(
            f"One table of queries, but {len(named)} models: each has to embed them. Pass "
            "queries=[embeddings of the first, embeddings of the second, …], or the queries as Items."
        )
    if not isinstance(queries, Items):
        if len(queries) != len(named):
            raise BadItem(f"{len(queries)} embeddings of queries, but {len(named)} models.")
        ids = queries[0].ids
        for name, emb in zip(named, queries, strict=True):
            if emb.ids != ids:
                raise BadItem(
                    f"The queries of {name} are others, or in another order. Embed the same queries."
                )
        return dict(zip(named, queries, strict=True))
    found = {}
    for name, emb in named.items():
        model = _loaded(emb)
        check_same_model(model, emb)
        ask = getattr(model, "embed_queries", model.embed)  # some put other words before a query
        found[name] = ask(queries)
    return found


def _loaded(emb: Embeddings) -> Embedder:
    try:
        return load_again(emb.model)
    except LookupError as error:
        raise BadItem(
            f"{emb.model.name} cannot be loaded by name to embed the queries. Embed them with each model and "
            "pass queries=[embeddings of the first, embeddings of the second, …]."
        ) from error


def _zero_shot(named: Mapping[str, Embeddings], groups: Groups) -> list[Task]:
    """For pictures with labels, and models that read words too."""
    first = next(iter(named.values()))
    classes = sorted({label for label in first.items.labels or [] if label is not None})
    if first.items.modality != "image" or len(classes) < 2:
        return []
    vectors: dict[str, np.ndarray] = {}
    for name, emb in named.items():
        if emb.model.modality == "image+text":
            try:
                model = load_again(emb.model)
            except EmbedlabError:
                continue
            if isinstance(model, DualEmbedder):
                vectors[name] = model.class_vectors(classes)
    return [zero_shot_task(named, vectors, classes, groups)] if vectors else []
