"""Where a store is: Milvus Lite, a Milvus server or Zilliz Cloud, and what each of them can do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from embedlab.store.errors import StoreError

# Since which version a Milvus server has it. Older ones refuse some of these and ignore others without a
# word.
SINCE = {
    "several models in one collection": (2, 4),
    "hybrid search": (2, 4),
    "group_by": (2, 4),
    "full-text search": (2, 5),
    "missing values in filters (is null)": (2, 5),
    "the index HNSW_SQ": (2, 5),
}


@dataclass(frozen=True)
class Place:
    """What answers a client.

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

    def has(self, feature: str) -> bool:
        """Whether this place has a feature of :data:`SINCE`."""
        return self.lite or self.version >= SINCE[feature]

    def require(self, feature: str) -> None:
        """Refuse what this place lacks.

        Raises
        ------
        StoreError
            Naming the feature, the place, and where it is to be had.
        """
        if not self.has(feature):
            since = ".".join(map(str, SINCE[feature]))
            raise StoreError(
                f"{self.name} lacks {feature}: Milvus Lite has it, and Milvus servers from version {since}."
            )


def place_of(client: Any) -> Place:
    """Ask a client who answers it."""
    told = str(client.get_server_version())
    numbers = re.search(r"(\d+)\.(\d+)(?:\.\d+)?", told)
    version = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    number = numbers[0] if numbers else told
    if "milvus_lite" in told.lower():
        return Place(f"Milvus Lite {number}", True, version)
    if "zilliz" in told.lower():
        return Place(f"Zilliz Cloud (Milvus {number})", False, version)
    return Place(f"Milvus {number}", False, version)
