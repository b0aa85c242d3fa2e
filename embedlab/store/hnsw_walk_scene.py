"""What is drawn of a walk: positions on the map, layers with their links, and the steps."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from embedlab.analysis.projection import METHOD_NAMES
from embedlab.io.text import clean, clip
from embedlab.store.hnsw_walk import HnswGraph, Kind
from embedlab.store.hnsw_walk_data import WalkData

MAX_BACKGROUND = 2000  # items that the walk never meets; more would only make the map grey

Link = tuple[int, int]


@dataclass(frozen=True)
class SceneLayer:
    """One layer of the graph.

    Attributes
    ----------
    layer : int
    n : int
        How many items it has.
    rows : list of int
        Those that are drawn.
    links : list of pairs of int
        Drawn between them; none on the lowest layer, which would be grey with them.
    """

    layer: int
    n: int
    rows: list[int]
    links: list[Link]


@dataclass(frozen=True)
class SceneStep:
    """A step, as :class:`~embedlab.store.hnsw_walk.Step`, with its explanation in words."""

    kind: Kind
    layer: int
    row: int
    looked: tuple[int, ...]
    best: tuple[int, ...]
    compared: int
    words: str


@dataclass(frozen=True)
class Scene:
    """All that is drawn of a walk. ``front/walk.js`` reads the fields by these names.

    Attributes
    ----------
    query, things : str
        What was asked, and the name of the items.
    n, k, ef : int
        How many items there are, neighbours were wanted, and were kept on the way.
    places : dict of int to list of float
        Position of each drawn row, x and y from 0 to 1, from the top left.
    names : dict of int to str
        Titles of the rows that the walk meets.
    layers : list of SceneLayer
        From the top.
    star : int
        The row nearest to the query.
    exact : list of int
        Rows of the true neighbours.
    steps : list of SceneStep
    caution : str
        What the picture cannot show.
    """

    query: str
    things: str
    n: int
    k: int
    ef: int
    places: dict[int, list[float]]
    names: dict[int, str]
    layers: list[SceneLayer]
    star: int
    exact: list[int]
    steps: list[SceneStep]
    caution: str

    def to_dict(self) -> dict[str, object]:
        """Return the fields as plain values."""
        return asdict(self)

    def to_json(self) -> str:
        """Write the fields as JSON, for the browser."""
        return json.dumps(asdict(self))


def make_scene(walk: WalkData) -> Scene:
    """Lay a walk out on its map."""
    met = {row for step in walk.trace for row in (step.row, *step.looked)} | {*walk.exact_rows.tolist()}
    drawn = met | {*_choose_background(len(walk.embeddings))}
    items = walk.embeddings.items
    return Scene(
        query=clip(walk.query, 80),
        things=clean(items.name),
        n=len(walk.embeddings),
        k=walk.k,
        ef=walk.ef,
        places=_positions(walk.projection.coords[:, :2].astype(float), drawn),
        names={row: clip(items.title(walk.embeddings.ids[row], 70), 70) for row in sorted(met)},
        layers=[_make_layer(walk.graph, layer, drawn) for layer in reversed(range(walk.graph.n_layers))],
        star=int(walk.exact_rows[0]),
        exact=walk.exact_rows.tolist(),
        steps=[
            SceneStep(step.kind, step.layer, step.row, step.looked, step.best, step.compared, clean(words))
            for step, words in zip(walk.trace, walk.words, strict=True)
        ],
        caution=_caution(walk),
    )


def _positions(coords: np.ndarray, drawn: set[int]) -> dict[int, list[float]]:
    """Scale coordinates of shape (n_items, 2) to 0 to 1, with y downwards."""
    low, span = coords.min(axis=0), np.ptp(coords, axis=0)
    scaled = np.where(span > 0, (coords - low) / np.where(span > 0, span, 1), 0.5)
    return {row: [round(x, 4), round(1 - y, 4)] for row, (x, y) in enumerate(scaled) if row in drawn}


def _make_layer(graph: HnswGraph, layer: int, drawn: set[int]) -> SceneLayer:
    rows = np.flatnonzero(graph.levels > layer).tolist()
    links: set[Link] = set()
    if layer and len(rows) <= MAX_BACKGROUND:
        for row in rows:
            for neighbor in graph.neighbors(row, layer).tolist():
                links.add((min(row, neighbor), max(row, neighbor)))
    return SceneLayer(
        layer,
        len(rows),
        [row for row in rows if row in drawn],
        [link for link in sorted(links) if drawn.issuperset(link)],
    )


def _caution(walk: WalkData) -> str:
    """Say what the picture cannot show."""
    method = METHOD_NAMES[walk.projection.method]
    return (
        f"The walk runs in all {walk.embeddings.dim:,} numbers. The map ({method}) is a flattening of them, "
        "so a short step can look like a jump. The query has no place on it: the star stands at its nearest "
        "item."
    )


def _choose_background(n: int) -> list[int]:
    """Choose rows to draw beside those that the walk meets."""
    if n <= MAX_BACKGROUND:
        return list(range(n))
    chosen: list[int] = np.random.default_rng(0).choice(n, MAX_BACKGROUND, replace=False).tolist()
    return chosen
