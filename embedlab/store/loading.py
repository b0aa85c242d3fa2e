"""Create a collection, and have its index built and loaded."""

from __future__ import annotations

from embedlab.store.connection import StoreConnection
from embedlab.store.provenance import PROPERTY, CollectionRecord
from embedlab.store.schema import create_indexes, make_schema

# A server has written down what it acknowledged, and seals and indexes rows by itself as they become many.
# Having that done at once ("flush") takes three seconds (Milvus 2.3.5) and leaves many small segments: it
# pays for many rows only, since a few are compared one by one quickly.
SEAL_ROWS = 10_000


def create(connection: StoreConnection, name: str, record: CollectionRecord) -> None:
    """Create an empty collection with its record and its index, not yet loaded.

    While it is not loaded, Milvus Lite builds no index in the background. So :func:`load`, after the last
    flush, builds it once over everything; indexes attach to flushed rows only.

    A server answers at once with what this process has written ("Session"), and with what others have written
    moments later. To be sure of those too ("Strong"), it would wait 200 ms before each search (Milvus 2.3.5).
    """
    connection.client.create_collection(
        name,
        schema=make_schema(connection.client, record, connection.backend),
        properties={PROPERTY: record.to_json()},
        consistency_level="Session",
    )
    create_indexes(connection.client, name, record, connection.backend)
    if connection.backend.lite:
        connection.client.release_collection(name)


def load(connection: StoreConnection, name: str, record: CollectionRecord) -> None:
    """Load a collection with its index, and build what is missing.

    A process that was killed can leave a collection without index, or half of an index file. An index can
    always be built again from the rows.
    """
    from pymilvus.exceptions import MilvusException

    client, backend = connection.client, connection.backend
    if name in connection.loaded:
        return
    if not {*record.indexed_fields} <= {*client.list_indexes(name)}:
        create_indexes(client, name, record, backend)
    try:
        client.load_collection(name)
    except MilvusException:
        if not backend.lite:
            raise
        for field in record.indexed_fields:
            client.drop_index(name, field)
        create_indexes(client, name, record, backend)
        client.load_collection(name)
    connection.loaded.add(name)


def finish(connection: StoreConnection, name: str, record: CollectionRecord, n_items: int) -> None:
    """Flush if that is worth it, and load, after the last of ``n_items`` was written."""
    if connection.backend.lite or n_items >= SEAL_ROWS:
        connection.client.flush(name)
    load(connection, name, record)
