"""Open connections to Milvus: one per Milvus Lite folder and process, one per store on a server.

Milvus Lite runs its engine inside this process and locks the folder, so a path is opened once per process and
shared by every :class:`~embedlab.store.VectorStore` on it. That is what lets a notebook cell be run twice.
"""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedlab.store import retry
from embedlab.store.addresses import Token
from embedlab.store.backend import Backend, parse_backend
from embedlab.store.errors import StoreError, StoreErrorCode
from embedlab.store.integrity import check_files
from embedlab.store.milvus_errors import LogCapture, milvus_request, translate


@dataclass(eq=False)
class StoreConnection:
    """One open Milvus client.

    Attributes
    ----------
    client : pymilvus.MilvusClient
        Speaks to Milvus Lite and to a server in the same way. (pymilvus has no types.)
    backend : Backend
        Which Milvus answers, and what it can do.
    path : Path or None
        The folder of Milvus Lite; None for a server.
    uri : str or None
        The address of a server; None for Milvus Lite.
    loaded : set of str
        Collections whose index is known to be loaded.
    """

    client: Any
    backend: Backend
    path: Path | None = None
    uri: str | None = None
    loaded: set[str] = field(default_factory=set)

    def request(
        self, action: str, *, collection: str | None = None, expression: str = ""
    ) -> AbstractContextManager[LogCapture]:
        """Talk to Milvus in a ``with`` block: see :func:`~embedlab.store.milvus_errors.milvus_request`."""
        return milvus_request(
            action, expression=expression, collection=collection, path=self.path, uri=self.uri
        )


_open_folders: dict[Path, StoreConnection] = {}
_lock = threading.RLock()


def open_lite(path: Path) -> StoreConnection:
    """Return the connection to a Milvus Lite folder, shared within this process.

    Raises
    ------
    StoreError
        If another process has the folder open, or its files are damaged.
    """
    with _lock:
        shared = _open_folders.get(path)
        if shared is not None and not (path / "LOCK").exists():
            close_lite(path)  # the folder was deleted while open: do not write to nowhere
            shared = None
        if shared is None:
            client = _start_lite(path)
            try:
                check_files(path)  # now that no other process changes them, and before Milvus reads them
            except StoreError:
                _stop_lite(client, path)
                raise
            shared = StoreConnection(client, parse_backend(str(client.get_server_version())), path=path)
            _open_folders[path] = shared
        return shared


def close_lite(path: Path) -> None:
    """Close the client and stop the engine, so that another process may open the folder."""
    with _lock:
        shared = _open_folders.pop(path, None)
        if shared is not None:
            _stop_lite(shared.client, path)


def open_server(address: str, token: Token) -> StoreConnection:
    """Connect to a Milvus server or to Zilliz Cloud.

    Raises
    ------
    StoreError
        If it cannot be reached, or refuses the token.
    """
    make_client = client_class()

    def connect() -> StoreConnection:
        client = make_client(address, token=token)
        backend = parse_backend(str(client.get_server_version()))
        return StoreConnection(retry.RetryingClient(client), backend, uri=address)

    with milvus_request(f"reach {address}", uri=address):
        return retry.retry_while_away(connect, retry.CONNECT_SECONDS)


def client_class() -> Any:
    """Import pymilvus's client, with gRPC's own log lines turned off."""
    # gRPC reads this when first imported. Without it each fork (a `!ls` in a notebook) prints a line, and so
    # does each build of an index that keeps Milvus Lite from answering for ten seconds ("too_many_pings").
    # Errors are raised all the same.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from pymilvus import MilvusClient

    return MilvusClient


def _start_lite(path: Path) -> Any:
    make_client = client_class()
    from pymilvus.exceptions import MilvusException

    with milvus_request(f"open {path}", path=path) as capture:
        try:
            return make_client(str(path))
        except MilvusException as error:
            if capture.exception is None:
                raise
            # pymilvus raises a general error; what went wrong is only in the engine's log.
            code = translate(capture.exception).code
            if code is StoreErrorCode.LOCKED:
                raise StoreError(
                    f"{path} is open in another process, and Milvus Lite allows one process at a time. Close "
                    "it there with store.close(), or shut down that notebook's kernel (Kernel → Shut Down), "
                    "then try again. For several processes at once, use a Milvus server.",
                    code=code,
                    path=path,
                ) from error
            if code is StoreErrorCode.REJECTED:
                code = StoreErrorCode.BAD_PATH
            raise StoreError(
                f"{path} cannot be opened: {capture.exception}. Choose another path, or free this one.",
                code=code,
                path=path,
            ) from capture.exception


def _stop_lite(client: Any, path: Path) -> None:
    from milvus_lite.server_manager import server_manager_instance

    client.close()
    server_manager_instance.release_server(str(path))
