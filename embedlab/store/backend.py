"""Which Milvus answers a store, and the features it has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from embedlab.store.errors import StoreError, StoreErrorCode


class Feature(StrEnum):
    """What Milvus Lite has, and Milvus servers only from some version on."""

    SEVERAL_MODELS = "several_models"
    HYBRID_SEARCH = "hybrid_search"
    GROUP_BY = "group_by"
    FULL_TEXT = "full_text"
    NULL_FILTERS = "null_filters"
    HNSW_SQ = "hnsw_sq"

    @property
    def label(self) -> str:
        """The feature in words."""
        return _SERVERS[self][0]

    @property
    def since(self) -> tuple[int, int]:
        """The first version of a Milvus server that has it, major and minor."""
        return _SERVERS[self][1]


# Older servers refuse some of these and silently ignore others.
_SERVERS: dict[Feature, tuple[str, tuple[int, int]]] = {
    Feature.SEVERAL_MODELS: ("several models in one collection", (2, 4)),
    Feature.HYBRID_SEARCH: ("hybrid search", (2, 4)),
    Feature.GROUP_BY: ("group_by", (2, 4)),
    Feature.FULL_TEXT: ("full-text search", (2, 5)),
    Feature.NULL_FILTERS: ("missing values in filters (is null)", (2, 5)),
    Feature.HNSW_SQ: ("the index HNSW_SQ", (2, 5)),
}


class MissingFeature(StoreError):
    """The backend lacks ``feature``."""

    def __init__(self, backend: str, feature: Feature) -> None:
        since = ".".join(map(str, feature.since))
        super().__init__(
            f"{backend} lacks {feature.label}. Use Milvus Lite, or a Milvus server from version {since}.",
            code=StoreErrorCode.UNSUPPORTED,
        )
        self.feature = feature


@dataclass(frozen=True)
class Backend:
    """The Milvus that answers a client.

    Attributes
    ----------
    name : str
        ``"Milvus Lite 3.2.2"``, ``"Milvus 2.3.5"``, ``"Zilliz Cloud (Milvus 2.5)"``.
    lite : bool
        Milvus Lite, in this process or as a server of its own.
    version : tuple of int
        Major and minor version of Milvus.
    """

    name: str
    lite: bool
    version: tuple[int, int]

    def has(self, feature: Feature) -> bool:
        """Return whether this backend has a feature."""
        return self.lite or self.version >= feature.since

    def require(self, feature: Feature) -> None:
        """Raise unless this backend has a feature.

        Raises
        ------
        MissingFeature
            With the feature, the backend and the version that has it.
        """
        if not self.has(feature):
            raise MissingFeature(self.name, feature)


def parse_backend(server_version: str) -> Backend:
    """Read what a Milvus client reports as its server's version.

    Parameters
    ----------
    server_version : str
        For example ``"v2.3.5"`` or ``"3.2.2 (milvus_lite)"``. Milvus tells its products apart in
        no other way.
    """
    lowered = server_version.lower()
    numbers = re.search(r"(\d+)\.(\d+)(?:\.\d+)?", server_version)
    version = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    number = numbers[0] if numbers else server_version
    if "milvus_lite" in lowered:
        return Backend(f"Milvus Lite {number}", True, version)
    if "zilliz" in lowered:
        return Backend(f"Zilliz Cloud (Milvus {number})", False, version)
    return Backend(f"Milvus {number}", False, version)
