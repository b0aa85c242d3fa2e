"""Opening a store: a Milvus Lite folder by its path, or a Milvus server by its address.

Milvus Lite runs its engine inside this process and locks the folder, so a path is opened once per process and
shared by every :class:`~embedlab.store.VectorStore` on it. That is what lets a notebook cell be run twice.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from embedlab.store.backend import Place, place_of
from embedlab.store.errors import StoreError, explained
from embedlab.store.integrity import check_whole


@dataclass(eq=False)
class Connection:
    """One open Milvus client.

    Attributes
    ----------
    client : pymilvus.MilvusClient
        Speaks to Milvus Lite and to a server in the same way.
    place : Place
        Who answers, and what it can do.
    path : Path or None
        The folder of Milvus Lite; None for a server.
    ready : set of str
        Collections whose index is known to be loaded.
    """

    client: Any
    place: Place
    path: Path | None = None
    ready: set[str] = field(default_factory=set)


class Token(str):
    """A token that does not show itself, in a traceback with its variables or in a dict that is printed."""

    def __repr__(self) -> str:
        return "<token>"

    @classmethod
    def of(cls, token: str | None) -> Token | None:
        """The same, or None for none."""
        return None if token is None else cls(token)


T = TypeVar("T")
PATIENCE = 30.0  # seconds for which a call to a server that went away is tried again
AT_FIRST = 5.0  # the same for the first call
PASSWORD = "Leave the password out of the address, which is shown and stored: use token=."
_NOT_LOADED = 101  # what Milvus calls it

_opened: dict[Path, Connection] = {}
_guard = threading.RLock()

# These log a traceback for each refused call, which would land in the notebook beside our one clear error.
_LOUD = (
    "pymilvus.decorators",
    "milvus_lite.server_manager",
    "milvus_lite.adapter.grpc.servicer",
    "grpc._server",
    "pymilvus.client.connection_manager",
    "pymilvus.orm.iterator",
    "pymilvus.orm.query_iterator",
    "pymilvus.client.iterator.query_iterator",
)


class _Hush(logging.Filter):
    """Keep log records off the screen, and remember the last error they carried."""

    def __init__(self) -> None:
        super().__init__()
        self.caught: BaseException | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            self.caught = record.exc_info[1]
        return False


@contextmanager
def speaking(doing: str, expression: str = "") -> Iterator[_Hush]:
    """Talk to Milvus quietly; what goes wrong is raised once, as a :class:`StoreError` about ``doing``."""
    import grpc
    from pymilvus.exceptions import MilvusException

    hush = _Hush()
    loggers = [logging.getLogger(name) for name in _LOUD]
    for logger in loggers:
        logger.addFilter(hush)
    try:
        yield hush
    except (MilvusException, grpc.RpcError) as error:
        reason = _reason(error)
        _without_frames(error)
        raise StoreError(explained(doing, reason, expression)) from error
    finally:
        for logger in loggers:
            logger.removeFilter(hush)


def _without_frames(error: BaseException | None) -> None:
    """Take the places in pymilvus and gRPC off an error and its causes: their variables hold the token."""
    seen: list[BaseException] = []  # pymilvus makes an error its own cause
    while error is not None and error not in seen:
        error.__traceback__ = None
        seen.append(error)
        error = error.__cause__ or error.__context__


def _reason(error: Any) -> str:
    """What a server or the connection to it said; pymilvus keeps a refused token in the cause alone."""
    import grpc

    cause = error.__cause__ if isinstance(error.__cause__, grpc.RpcError) else error
    told = cause.details() if isinstance(cause, grpc.Call) else getattr(error, "message", "")
    return told or str(error)


def _unreachable(error: Any) -> bool:
    """True when the connection failed, not what was asked: the status of the call says so, or the words."""
    import grpc

    for told in (error, error.__cause__):
        if isinstance(told, grpc.Call) and told.code() is grpc.StatusCode.UNAVAILABLE:
            return True
    return any(sign in _reason(error).lower() for sign in ("connect", "unavailable"))


def patiently(call: Callable[[], T], seconds: float) -> T:
    """Call, and again after growing pauses while the server cannot be reached.

    pymilvus tries a call again by itself, but gives up at once when it cannot connect.
    """
    import grpc
    from pymilvus.exceptions import MilvusException

    until, pause = time.monotonic() + seconds, 0.2
    while True:
        try:
            return call()
        except (MilvusException, grpc.RpcError) as error:
            if not _unreachable(error) or time.monotonic() + pause > until:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 4.0)


class Patient:
    """A client of a server, each of whose calls is tried again while the server cannot be reached.

    What embedlab asks may be asked twice: rows are replaced by id, and a collection that is there already, or
    gone already, is no error to Milvus. A server that was started anew may have to load a collection again.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*given: Any, **named: Any) -> Any:
            from pymilvus.exceptions import MilvusException

            again = partial(method, *given, **named)
            try:
                return patiently(again, PATIENCE)
            except MilvusException as error:
                if error.code != _NOT_LOADED:
                    raise
                self._client.load_collection(given[0])
                return again()

        return call


def _client_class() -> Any:
    # gRPC reads this when first imported. Without it each fork (a `!ls` in a notebook) prints a line, and so
    # does each build of an index that keeps Milvus Lite from answering for ten seconds ("too_many_pings").
    # What goes wrong is raised all the same.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from pymilvus import MilvusClient

    return MilvusClient


def is_address(where: str | Path) -> bool:
    """True for the address of a Milvus server, False for a file path."""
    return isinstance(where, str) and where.lower().startswith(("http://", "https://"))


def carries_password(where: str | Path | None) -> bool:
    """True for an address such as ``http://user:password@host``."""
    return isinstance(where, str) and is_address(where) and "@" in where.split("//", 1)[1].split("/", 1)[0]


def local_path(where: str | Path) -> Path:
    """The folder of a Milvus Lite store, absolute, and checked before Milvus starts.

    Raises
    ------
    StoreError
        When the name does not end in ``.db``, its folder is missing, or something else is in its place.
    """
    try:
        path = Path(where).expanduser()
        if path.suffix != ".db":
            raise StoreError(f"The path of a store ends in .db: write {(str(where) or 'lab') + '.db'!r}.")
        if not path.parent.is_dir():
            raise StoreError(
                f"The folder {path.parent} does not exist. Create it first, or choose another path."
            )
        if path.is_file():
            raise StoreError(
                f"{path} is a file, but Milvus Lite keeps a store in a folder. It may come from a version "
                "before 3, or from another program: choose another path."
            )
        if path.is_dir() and any(path.iterdir()) and not (path / "collections").is_dir():
            raise StoreError(f"{path} is a folder with other things in it, not a store: choose another path.")
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise StoreError(f"{where} cannot be used as the path of a store: {error}") from error


def open_lite(path: Path) -> Connection:
    """The connection to a Milvus Lite folder, shared within this process."""
    with _guard:
        shared = _opened.get(path)
        if shared is not None and not (path / "LOCK").exists():
            close_lite(path)  # the folder was deleted while open: start anew instead of writing to nowhere
            shared = None
        if shared is None:
            client = _start(path)
            try:
                check_whole(path)  # now that no other process changes it, and before Milvus reads it
            except StoreError:
                _stop(client, path)
                raise
            shared = _opened[path] = Connection(client, place_of(client), path)
        return shared


def _start(path: Path) -> Any:
    make = _client_class()
    from pymilvus.exceptions import MilvusException

    with speaking(f"open {path}") as hush:
        try:
            return make(str(path))
        except MilvusException as error:
            cause = hush.caught
            if cause is None:
                raise
            if type(cause).__name__ == "DataDirLockedError":
                raise StoreError(
                    f"{path} is open in another process, and Milvus Lite allows one process at a time. Close "
                    "it there with store.close(), or shut down that notebook's kernel (Kernel → Shut Down), "
                    "then try again. Several processes at once need a Milvus server."
                ) from error
            raise StoreError(f"{path} cannot be opened: {cause}") from cause


def close_lite(path: Path) -> None:
    """Close the client and stop the engine, so that another process may open the folder."""
    with _guard:
        shared = _opened.pop(path, None)
        if shared is None:
            return
        _stop(shared.client, path)


def _stop(client: Any, path: Path) -> None:
    from milvus_lite.server_manager import server_manager_instance

    client.close()
    server_manager_instance.release_server(str(path))


def open_server(address: str, token: Token) -> Connection:
    """A connection to a Milvus server or to Zilliz Cloud."""
    make = _client_class()

    def reached() -> Connection:
        client = make(address, token=token)
        return Connection(Patient(client), place_of(client))

    with speaking(f"reach {address}"):
        return patiently(reached, AT_FIRST)


def server_of(where: str | None, token: str | None) -> tuple[str, Token]:
    """Address and token of a server; what is not given comes from the environment.

    The token of the environment is for the server that the environment names: it is sent to no other.

    Raises
    ------
    StoreError
        When there is no address, or it carries a password, which would be shown with it.
    """
    usual = os.environ.get("MILVUS_URI", "")
    address = where or usual
    if not is_address(address):
        raise StoreError(
            'Say where the store is: el.VectorStore("lab.db") for Milvus Lite, or the address of a server, '
            "here or in the environment variable MILVUS_URI, with its token in MILVUS_TOKEN."
        )
    if carries_password(address):
        where = address = usual = ""
        raise StoreError(PASSWORD)
    if token is None:
        token = os.environ.get("MILVUS_TOKEN", "") if address == (usual or address) else ""
    return address, Token(token)
