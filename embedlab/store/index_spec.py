"""How a collection is indexed: index type, metric and settings, checked before Milvus sees them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from embedlab.store.backend import Backend, Feature
from embedlab.store.errors import StoreError, StoreErrorCode

IndexType = Literal["AUTOINDEX", "FLAT", "HNSW", "HNSW_SQ", "IVF_FLAT", "IVF_SQ8"]
Metric = Literal["COSINE", "IP", "L2"]
SearchSetting = Literal["ef", "nprobe"]

INDEX_TYPES: tuple[IndexType, ...] = get_args(IndexType)
METRICS: tuple[Metric, ...] = get_args(Metric)
DEFAULT_INDEX: IndexType = "AUTOINDEX"
DEFAULT_METRIC: Metric = "COSINE"

# Attributes of IndexSpec that build an index, and how Milvus spells them.
_SPELLING = {"M": "M", "ef_construction": "efConstruction", "nlist": "nlist"}
_GRAPHS = ("HNSW", "HNSW_SQ")
_CELLS = ("IVF_FLAT", "IVF_SQ8")


def build_settings(index: IndexType) -> tuple[str, ...]:
    """Name the settings with which an index is built, as Milvus spells them."""
    if index in _GRAPHS:
        return ("M", "efConstruction")
    return ("nlist",) if index in _CELLS else ()


def search_setting(index: IndexType) -> SearchSetting | None:
    """Name the setting that says how hard an index looks; None for FLAT, which compares with every vector."""
    if index in _CELLS:
        return "nprobe"
    return None if index == "FLAT" else "ef"


@dataclass(frozen=True)
class IndexSpec:
    """How a collection is indexed.

    What is None is chosen by embedlab for a new collection, and is as it is for one that exists.

    Attributes
    ----------
    index : {"AUTOINDEX", "FLAT", "HNSW", "HNSW_SQ", "IVF_FLAT", "IVF_SQ8"}, optional
        By default ``"AUTOINDEX"``, which is HNSW in Milvus Lite. ``"HNSW_SQ"`` needs Milvus Lite or a Milvus
        server from 2.5.
    metric : {"COSINE", "IP", "L2"}, optional
        By default ``"COSINE"``; ``"IP"`` is the inner product.
    M : int, optional
        Links of a vector in HNSW.
    ef_construction : int, optional
        How many candidates HNSW keeps while it links a vector.
    nlist : int, optional
        Number of cells of IVF.
    full_text : str, optional
        A column of texts that is also searched by words (BM25). Needs Milvus Lite or a Milvus server from
        2.5.

    Raises
    ------
    StoreError
        For an index type, metric or setting that Milvus does not have. Milvus Lite ignores what it does not
        know and compares with every vector instead.
    """

    index: IndexType | None = None
    metric: Metric | None = None
    M: int | None = None
    ef_construction: int | None = None
    nlist: int | None = None
    full_text: str | None = None

    def __post_init__(self) -> None:
        _check_choice("index", self.index, INDEX_TYPES)
        _check_choice("metric", self.metric, METRICS)
        known = build_settings(self.index) if self.index else tuple(_SPELLING.values())
        check_settings(self._given(), known, f"building {self.index or 'an index'}")

    @classmethod
    def from_arguments(
        cls,
        index: IndexType | IndexSpec | None = None,
        metric: Metric | None = None,
        params: Mapping[str, int] | None = None,
        full_text: str | None = None,
    ) -> IndexSpec:
        """Make a spec from the arguments of :meth:`VectorStore.add`.

        Raises
        ------
        StoreError
            As the class; also for further arguments beside a whole spec.
        """
        if isinstance(index, IndexSpec):
            for argument, value in (("metric", metric), ("params", params), ("full_text", full_text)):
                if value is not None:
                    raise StoreError(
                        f"{argument} is given beside an IndexSpec. Set it in the IndexSpec.",
                        code=StoreErrorCode.BAD_ARGUMENT,
                        argument=argument,
                    )
            return index
        _check_choice("index", index, INDEX_TYPES)
        known = build_settings(index) if index else tuple(_SPELLING.values())
        check_settings(params or {}, known, f"building {index or 'an index'}")
        settings = {name: (params or {}).get(milvus) for name, milvus in _SPELLING.items()}
        return cls(index, metric, **settings, full_text=full_text)

    @property
    def index_type(self) -> IndexType:
        """The index, or the default one."""
        return self.index or DEFAULT_INDEX

    @property
    def params(self) -> dict[str, int]:
        """The settings with which the index is built, as Milvus spells them."""
        return {milvus: int(value) for milvus, value in self._given().items()}  # NumPy's numbers are not JSON

    def _given(self) -> dict[str, int]:
        values = {milvus: getattr(self, name) for name, milvus in _SPELLING.items()}
        return {milvus: value for milvus, value in values.items() if value is not None}

    def complete(self, n_items: int, backend: Backend) -> IndexSpec:
        """Fill in what is None, for a new collection.

        Raises
        ------
        StoreError
            If the settings do not belong to the index.
        MissingFeature
            If the backend lacks the index or full-text search.
        """
        spec = dataclasses.replace(self, index=self.index_type, metric=self.metric or DEFAULT_METRIC)
        if spec.full_text is not None:
            backend.require(Feature.FULL_TEXT)
        if spec.index == "HNSW_SQ":
            backend.require(Feature.HNSW_SQ)
        if spec.params:
            return spec
        if spec.index in _CELLS:
            return dataclasses.replace(spec, nlist=default_nlist(n_items))
        if spec.index in _GRAPHS and not backend.lite:  # a server has no defaults for them
            return dataclasses.replace(spec, M=16, ef_construction=200)
        return spec


def default_nlist(n_items: int) -> int:
    """Return how many cells an IVF index gets: at least 39 items each, which FAISS's k-means asks for."""
    return max(1, min(128, n_items // 39))


def check_search_params(params: Mapping[str, int], index: IndexType) -> None:
    """Raise :class:`StoreError` for a search setting that this index does not have."""
    setting = search_setting(index)
    check_settings(params, (setting,) if setting else (), f"searching {index}")


def check_count(argument: str, value: object, minimum: int) -> None:
    """Raise :class:`StoreError` unless a value is a whole number from ``minimum`` upwards."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise StoreError(
            f"{argument} must be a whole number from {minimum} upwards, not {value!r}.",
            code=StoreErrorCode.BAD_ARGUMENT,
            argument=argument,
        )


def check_settings(params: Mapping[str, int], known: tuple[str, ...], purpose: str) -> None:
    """Raise :class:`StoreError` for a setting that is unknown or not a whole number from 1 upwards."""
    for name, value in params.items():
        if name not in known:
            advice = f"Use one of: {', '.join(known)}." if known else "Leave it out."
            raise StoreError(
                f"{name!r} is not a setting for {purpose}. {advice}",
                code=StoreErrorCode.BAD_ARGUMENT,
                argument=name,
            )
        check_count(name, value, 1)


def _check_choice(argument: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise StoreError(
            f"{value!r} is not a supported {argument}. Use one of: {', '.join(choices)}.",
            code=StoreErrorCode.BAD_ARGUMENT,
            argument=argument,
        )
