"""Build an explorer from embeddings or projections: align them, sample them, project them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from embedlab.analysis.agreement import select_common_items
from embedlab.analysis.projection import Method, Note, NoteCode, Projection, project
from embedlab.analysis.sampling import sample_stratified, select_points
from embedlab.embedders import Embedder
from embedlab.embeddings import Embeddings
from embedlab.explorer.widget import Explorer

MAX_ITEMS = 200_000  # more are not usable in a page
Source = Embeddings | Projection


def explore(
    embeddings: Source | Sequence[Source],
    *,
    method: Method = "umap",
    n_neighbors: int = 15,
    random_state: int = 0,
    n_components: int = 2,
    n_samples: int | None = None,
    color_by: str | None = None,
    model: Embedder | None = None,
    height: int = 560,
) -> Explorer:
    """Explore embeddings on a map, or several embeddings of the same items on maps side by side.

    Parameters
    ----------
    embeddings : Embeddings, Projection, or a sequence of them
        Embeddings are projected first, with the next four arguments; a projection is shown as it is. With
        several, only the items that all of them have are shown, and the maps are aligned with the first.
    method : {"umap", "pca", "tsne"}
    n_neighbors : int
    random_state : int
        Seed of the map and of the sample.
    n_components : {2, 3}
        Dimensions of the map: a plane, or a space that can be turned.
    n_samples : int, optional
        Most items to show: a sample stratified by label. The caption says how many of how many are shown. By
        default all, up to 200,000.
    color_by : str, optional
        ``"label"``, a metadata column, ``"distortion"``, ``"none"``, or with several embeddings
        ``"disagreement"``. By default the label, if there is one.
    model : Embedder, optional
        The model that embeds queries; by default the one that made the first embeddings, loaded at the first
        query.
    height : int
        Of a map, in pixels.

    Returns
    -------
    Explorer
        A widget: the last line of a cell shows it.

    Raises
    ------
    BadItem
        If there are no items, the embeddings are of different items, or ``color_by`` is unknown.
    WrongModel
        If ``model`` did not make the first embeddings.
    """
    sources = [embeddings] if isinstance(embeddings, (Embeddings, Projection)) else list(embeddings)
    if len(sources) != 1:
        sources = _keep_common_items(sources)
    first = _embeddings_of(sources[0])
    rows = sample_stratified(first.items, MAX_ITEMS if n_samples is None else n_samples, random_state)
    mask = np.isin(np.arange(len(first)), rows)
    note = None if mask.all() else _describe_sample(first, len(rows), random_state)

    def project_sample(sample: Embeddings) -> Projection:
        return project(
            sample, method, n_neighbors=n_neighbors, random_state=random_state, n_components=n_components
        )

    projections = [_project_source(source, mask, note, project_sample) for source in sources]
    return Explorer(projections, color_by=color_by, model=model, height=height)


def _project_source(
    source: Source, mask: np.ndarray, note: Note | None, project_sample: Callable[[Embeddings], Projection]
) -> Projection:
    """Project the items in ``mask``, or select their points if there is a projection already."""
    if isinstance(source, Projection):
        projection = select_points(source, mask) if note else source
    else:
        projection = project_sample(source.select(mask) if note else source)
    if not note:
        return projection
    return dataclasses.replace(projection, notes=(*projection.notes, note))


def _keep_common_items(sources: list[Source]) -> list[Source]:
    """Restrict all sources to their common items; a projection that loses none stays a projection."""
    common = select_common_items([_embeddings_of(source) for source in sources])
    return [
        source if isinstance(source, Projection) and source.embeddings.ids == shared.ids else shared
        for source, shared in zip(sources, common, strict=True)
    ]


def _embeddings_of(source: Source) -> Embeddings:
    return source.embeddings if isinstance(source, Projection) else source


def _describe_sample(embeddings: Embeddings, n_shown: int, random_state: int) -> Note:
    by = ", every label with its share" if embeddings.items.labels else ""
    text = f"A random sample{by} (random_state={random_state}): {n_shown:,} of {len(embeddings):,} items."
    return Note(NoteCode.SAMPLED, text)
