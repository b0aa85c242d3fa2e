"""Compare several models on the same items: measure everything and return a :class:`Comparison`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from embedlab.analysis.neighbors import knn
from embedlab.comparison.copies import find_copies
from embedlab.comparison.cost import cost_table
from embedlab.comparison.evaluation import (
    Task,
    differences_table,
    evaluate_labels,
    evaluate_pairs,
    evaluate_queries,
    evaluate_zero_shot,
    resolve_relevant,
)
from embedlab.comparison.geometry_tables import geometry_table
from embedlab.comparison.groups import Groups, find_groups
from embedlab.comparison.inputs import align_items, replace_labels, shorten_names
from embedlab.comparison.ranking import Relevant
from embedlab.comparison.result import Comparison
from embedlab.comparison.similarity_tables import similarity_table
from embedlab.embedders import Embedder
from embedlab.embedders.dual import DualEmbedder
from embedlab.embedders.loading import load_again
from embedlab.embeddings import Embeddings
from embedlab.errors import Argument, BadItem, EmbedlabError
from embedlab.items import Items

_GRAPH_K = 20  # neighbours in each graph
_MIN_ITEMS = 4
_PER_MODEL = "[embeddings by the first model, embeddings by the second, …]"


def compare(
    embeddings: Sequence[Embeddings],
    queries: Items | Sequence[Embeddings] | None = None,
    labels: str | Sequence[object] | None = None,
    *,
    groups: str | Sequence[object] | None = None,
    relevant: Relevant | None = None,
    pairs: pd.DataFrame | None = None,
    k: int = 10,
    cost: bool = True,
    random_state: int = 0,
) -> Comparison:
    """Compare models on the same items, to find the one that is right for these data.

    Parameters
    ----------
    embeddings : sequence of Embeddings
        Two or more, of the same items; they are matched by id.
    queries : Items, or sequence of Embeddings, optional
        Questions to the items: embedded here by each model (loaded by its name), or embedded already, in the
        order of ``embeddings``.
    labels : str or sequence, optional
        What nearest neighbours should share: a metadata column, or one value for each item of the first
        embeddings; by default the labels of the first embeddings that have any.
    groups : str or sequence, optional
        Which items belong together, such as windows of one recording: a metadata column, or one value for
        each item of the first embeddings. In 1-NN accuracy and linear probe no item answers for another of
        its group, and intervals and tests over items resample whole groups. If each label occurs in one group
        only (views of one photograph, labelled with it), only the second holds. Copies are found
        automatically and treated in the same way.
    relevant : list or dict, optional
        For each query the ids it should find, as :func:`embedlab.comparison.ranking.rank` takes them. By
        default the queries' column ``answers`` (ids joined by ``|``), otherwise the items with the query's
        label.
    pairs : DataFrame, optional
        Columns ``a`` and ``b`` (ids of items) and ``score`` (their similarity according to people).
    k : int
        Results per search, for recall@k, nDCG@k and shared neighbours (those also for 1, 5 and 20); at most
        all other items.
    cost : bool
        Measure speed and memory on this machine: about ten seconds for each model.
    random_state : int
        Seed of bootstraps, permutations and samples.

    Returns
    -------
    Comparison
        A notebook shows it as a page.

    Raises
    ------
    BadItem
        For fewer than two embeddings or four items, for different items (``problems`` names them), for
        labels, groups, queries or pairs that do not fit, and for ``relevant`` without queries.
    WrongModel
        If a model that is loaded for the queries is not the one that made the embeddings.

    Notes
    -----
    Memory: the vectors of n items, their 20 nearest neighbours, and tables of dim x dim; tables of n x n only
    up to 2,000 items.
    """
    _check_arguments(embeddings, queries, relevant, k)
    aligned = replace_labels(align_items(embeddings), labels)
    by_name = dict(zip(shorten_names(aligned), aligned, strict=True))
    items = aligned[0].items
    if len(items) < _MIN_ITEMS:
        raise BadItem(f"{len(items)} items are too few to compare models; at least {_MIN_ITEMS} are needed.")
    k = min(k, len(items) - 1)
    vectors = {name: emb.vectors for name, emb in by_name.items()}
    neighbors = {name: knn(v, max(_GRAPH_K, k)) for name, v in vectors.items()}
    copies = find_copies(items, list(neighbors.values()))
    item_groups = find_groups(items, groups, copies)
    tasks: list[Task] = []
    queries_by_name: dict[str, Embeddings] = {}
    if queries is not None:
        queries_by_name = _embed_queries(by_name, queries)
        relevant = resolve_relevant(next(iter(queries_by_name.values())).items, items, relevant)
        tasks += evaluate_queries(by_name, queries_by_name, relevant, k)
    if pairs is not None:
        tasks.append(evaluate_pairs(by_name, pairs))
    tasks += evaluate_labels(by_name, neighbors, item_groups)
    tasks += _evaluate_zero_shot(by_name, item_groups)
    costs = cost_table(aligned, measure=cost)
    costs.index = pd.Index(list(by_name))
    return Comparison(
        embeddings=by_name,
        neighbors=neighbors,
        tasks=tuple(tasks),
        differences=differences_table(tasks),
        similarity=similarity_table(vectors, neighbors, ks=(1, 5, k, _GRAPH_K), random_state=random_state),
        geometry=geometry_table(vectors, neighbors),
        cost=costs,
        copies=copies,
        groups=item_groups,
        k=k,
        queries=queries_by_name,
        relevant=relevant,
        random_state=random_state,
    )


def _check_arguments(
    embeddings: Sequence[Embeddings],
    queries: Items | Sequence[Embeddings] | None,
    relevant: Relevant | None,
    k: int,
) -> None:
    if isinstance(embeddings, Embeddings) or len(embeddings) < 2:
        raise BadItem("compare() needs two embeddings or more, in a list: compare([first, second]).")
    if k < 1:
        raise BadItem(f"k must be at least 1, not {k}.")
    if queries is None and relevant is not None:
        raise BadItem(
            "relevant says what queries should find, but there are none. Pass ",
            Argument("queries"),
            ".",
        )


def _embed_queries(
    by_name: Mapping[str, Embeddings], queries: Items | Sequence[Embeddings]
) -> dict[str, Embeddings]:
    """Return the queries as each model embeds them."""
    if isinstance(queries, Embeddings):
        raise BadItem(
            f"The queries are embedded once, but {len(by_name)} models are compared. Pass ",
            Argument("queries"), f" {_PER_MODEL}, or the queries as Items.",
        )  # fmt: skip
    if isinstance(queries, Items):
        return {name: _embed_by_same_model(emb, queries) for name, emb in by_name.items()}
    if len(queries) != len(by_name):
        raise BadItem(
            f"{len(queries)} embeddings of queries, but {len(by_name)} models. Pass ",
            Argument("queries"), f" {_PER_MODEL}.",
        )  # fmt: skip
    for name, emb in zip(by_name, queries, strict=True):
        if emb.ids != queries[0].ids:
            raise BadItem(
                f"The queries of {name} have other ids than those of the first model, or another order. "
                "Embed the same queries with each model."
            )
    return dict(zip(by_name, queries, strict=True))


def _embed_by_same_model(emb: Embeddings, queries: Items) -> Embeddings:
    """Embed queries with the model that made some embeddings."""
    from embedlab.explorer.search import check_same_model  # the explorer is heavy to import

    try:
        model: Embedder = load_again(emb.model)
    except LookupError as error:
        raise BadItem(
            f"{emb.model.name} cannot be loaded by name to embed the queries. Embed them with each model and "
            "pass ", Argument("queries"), f" {_PER_MODEL}.", model=emb.model.name,
        ) from error  # fmt: skip
    check_same_model(model, emb)
    embed = getattr(model, "embed_queries", model.embed)  # some models put an instruction before a query
    embedded: Embeddings = embed(queries)
    return embedded


def _evaluate_zero_shot(by_name: Mapping[str, Embeddings], groups: Groups) -> list[Task]:
    """Evaluate images with labels by models that embed text too; possibly none."""
    items = next(iter(by_name.values())).items
    classes = sorted({label for label in items.labels or [] if label is not None})
    if items.modality != "image" or len(classes) < 2:
        return []
    class_vectors: dict[str, np.ndarray] = {}
    for name, emb in by_name.items():
        if emb.model.modality == "image+text":
            try:
                model = load_again(emb.model)
            except EmbedlabError:
                continue  # its weights are not on this machine
            if isinstance(model, DualEmbedder):
                class_vectors[name] = model.class_vectors(classes)
    return [evaluate_zero_shot(by_name, class_vectors, classes, groups)] if class_vectors else []
