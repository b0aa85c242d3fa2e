"""Why a vector store cannot do what was asked, as a code and facts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from embedlab.errors import EmbedlabError, Part, Problem

FILTER_EXAMPLE = 'for example: label == "sea" and year > 1990'


class StoreErrorCode(StrEnum):
    """What a :class:`StoreError` is about."""

    # Opening a store
    BAD_PATH = "bad_path"  # not a path that Milvus Lite could use
    BAD_ADDRESS = "bad_address"  # no address of a server, or one with a password in it
    LOCKED = "locked"  # another process has the folder open
    DAMAGED = "damaged"  # files are missing or cut short
    CLOSED = "closed"  # close() was called
    # What Milvus answers
    AWAY = "away"  # the server cannot be reached
    REFUSED_TOKEN = "refused_token"
    DISK_FULL = "disk_full"
    UNSUPPORTED = "unsupported"  # this backend, or its version, lacks the feature
    REJECTED = "rejected"  # any other refusal by Milvus
    # Collections and their indexes
    NO_COLLECTION = "no_collection"
    FOREIGN = "foreign"  # another program made the collection
    EXISTS = "exists"  # the collection exists with other settings
    NOT_LOADED = "not_loaded"
    INDEX_EXISTS = "index_exists"
    INDEX_NOT_USED = "index_not_used"  # Milvus answers without the index that was asked for
    # Arguments
    BAD_NAME = "bad_name"  # not a valid name of a collection
    BAD_ARGUMENT = "bad_argument"  # ``argument`` names it
    BAD_FILTER = "bad_filter"
    BAD_QUERY = "bad_query"
    NO_ITEM = "no_item"  # ``ids`` are not in the collection
    NO_VECTORS = "no_vectors"  # the collection has no vectors of that model


class StoreError(EmbedlabError):
    """A store cannot be opened, or cannot do what was asked.

    Parameters
    ----------
    *parts : str or Argument
        The message.
    code : StoreErrorCode
        What went wrong, to decide on.
    path : path, optional
        The folder of a Milvus Lite store.
    uri : str, optional
        The address of a server.
    collection : str, optional
        The collection concerned.
    argument : str, optional
        The Python argument that has to change, for example ``"metric"``.
    problems : mapping of str to Problem, optional
        By item id.
    """

    def __init__(
        self,
        *parts: Part,
        code: StoreErrorCode,
        path: str | Path | None = None,
        uri: str | None = None,
        collection: str | None = None,
        argument: str | None = None,
        problems: Mapping[str, Problem] | None = None,
    ) -> None:
        super().__init__(*parts, problems=problems, path=path)
        self.code = code
        self.uri = uri
        self.collection = collection
        self.argument = argument

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the items concerned."""
        return tuple(self.problems)


class AddInterrupted(StoreError):
    """Adding stopped between two batches; the first ``n_added`` of ``n_items`` items are stored."""

    def __init__(self, cause: StoreError, *, n_added: int, n_items: int) -> None:
        super().__init__(
            *cause.parts,
            f" The first {n_added:,} of these {n_items:,} items are stored and stay stored. Fix the cause "
            "and add all of them again: items already stored are replaced.",
            code=cause.code,
            path=cause.path,
            uri=cause.uri,
            collection=cause.collection,
        )
        self.n_added = n_added
        self.n_items = n_items
