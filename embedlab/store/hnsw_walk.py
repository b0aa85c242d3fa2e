"""How HNSW finds neighbours: its graph, and the search through it as a loop that reports each step.

HNSW (Malkov & Yashunin 2018, "Efficient and robust approximate nearest neighbor search using Hierarchical
Navigable Small World graphs") links each vector to some near ones. A few vectors are on upper layers too,
where links reach farther. A search enters at the top, goes from link to link towards the query, and looks
around thoroughly on the lowest layer only.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["enter", "move", "down", "open", "end"]


@dataclass(frozen=True, eq=False)
class HnswGraph:
    """The links of an HNSW index, read out of FAISS.

    Attributes
    ----------
    entry_point : int
        The row at which every search enters.
    levels : ndarray, shape (n_items,), int32
        On how many layers each item is, at least 1.
    index : faiss.IndexHNSWFlat
        The index that the links were read from; it searches the same graph in C++.
    """

    entry_point: int
    levels: np.ndarray
    index: Any
    _links: np.ndarray
    _starts: np.ndarray
    _per_layer: np.ndarray

    @property
    def n_layers(self) -> int:
        """How many layers there are; the lowest, 0, has all items."""
        return int(self.levels[self.entry_point])

    def neighbors(self, row: int, layer: int) -> np.ndarray:
        """Return the rows that an item is linked to on one layer, in the order of FAISS."""
        start = self._starts[row]
        links = self._links[start + self._per_layer[layer] : start + self._per_layer[layer + 1]]
        return links[links >= 0]  # FAISS fills up with -1


def build_graph(units: np.ndarray, *, M: int, ef_construction: int) -> HnswGraph:
    """Build an HNSW index with FAISS, and read its links.

    Parameters
    ----------
    units : ndarray, shape (n_items, dim), float32
        Vectors of length 1, so that the inner product is the cosine.
    M : int
        Links of an item on each upper layer; twice as many on layer 0.
    ef_construction : int
        How many candidates FAISS keeps while it looks for what to link to.
    """
    import faiss

    index = faiss.IndexHNSWFlat(units.shape[1], M, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = ef_construction
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # several threads would link in another order at each run
    try:
        index.add(units)
    finally:
        faiss.omp_set_num_threads(threads)
    hnsw: Any = index.hnsw  # the types that come with FAISS lack its vectors
    return HnswGraph(
        int(hnsw.entry_point),
        faiss.vector_to_array(hnsw.levels),
        index,
        faiss.vector_to_array(hnsw.neighbors),
        faiss.vector_to_array(hnsw.offsets).astype(np.int64),
        faiss.vector_to_array(hnsw.cum_nneighbor_per_level),
    )


@dataclass(frozen=True)
class Step:
    """One step of a search.

    Attributes
    ----------
    kind : {"enter", "move", "down", "open", "end"}
        ``enter`` at the entry point; ``move`` to a nearer neighbour or ``down`` a layer, on the upper layers;
        ``open`` a candidate on layer 0; ``end``.
    layer : int
    row : int
        The item whose links are followed.
    looked : tuple of int
        Rows whose distance to the query was computed in this step.
    best : tuple of int
        The nearest so far, nearest first: one on the upper layers, at most ``ef`` on layer 0.
    compared : int
        Distances computed so far.
    """

    kind: Kind
    layer: int
    row: int
    looked: tuple[int, ...]
    best: tuple[int, ...]
    compared: int


def walk(graph: HnswGraph, units: np.ndarray, query: np.ndarray, ef: int) -> Iterator[Step]:
    """Search as FAISS does, and yield each step; ``best`` of the last step is what was found.

    Parameters
    ----------
    graph : HnswGraph
    units : ndarray, shape (n_items, dim), float32
        The vectors of the graph, of length 1.
    query : ndarray, shape (dim,), float32
        Of length 1.
    ef : int
        How many of the nearest so far are kept, and opened, on layer 0.
    """

    def distance(row: int) -> float:
        return 1 - float(units[row] @ query)

    current = graph.entry_point
    nearest_distance, compared = distance(current), 1
    yield Step("enter", graph.n_layers - 1, current, (current,), (current,), compared)

    # The upper layers: always to the nearest neighbour, until none is nearer.
    for layer in range(graph.n_layers - 1, 0, -1):
        while True:
            looked = tuple(int(row) for row in graph.neighbors(current, layer))
            compared += len(looked)
            nearest = min(looked, key=distance, default=current)
            if distance(nearest) >= nearest_distance:
                break
            yield Step("move", layer, current, looked, (nearest,), compared)
            current, nearest_distance = nearest, distance(nearest)
        yield Step("down", layer, current, looked, (current,), compared)

    # Layer 0: of the ef nearest so far, open the nearest that was not opened, until all were.
    seen = {current}
    candidates, best = [(nearest_distance, current)], [(nearest_distance, current)]
    while candidates:
        candidate_distance, current = heapq.heappop(candidates)
        if len(best) == ef and candidate_distance > best[-1][0]:
            break  # ef others are nearer
        looked = tuple(int(row) for row in graph.neighbors(current, 0) if row not in seen)
        seen.update(looked)
        compared += len(looked)
        for row in looked:
            row_distance = distance(row)
            if len(best) < ef or row_distance < best[-1][0]:
                heapq.heappush(candidates, (row_distance, row))
                best = sorted([*best, (row_distance, row)])[:ef]
        yield Step("open", 0, current, looked, tuple(row for _, row in best), compared)
    yield Step("end", 0, best[0][1], (), tuple(row for _, row in best), compared)
