"""The one place where errors of pymilvus, gRPC and Milvus Lite become :class:`StoreError`."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedlab.store.errors import FILTER_EXAMPLE, StoreError, StoreErrorCode

# These log a traceback for each refused call, which would land in the notebook beside our one clear error.
_LOUD_LOGGERS = (
    "pymilvus.decorators",
    "milvus_lite.server_manager",
    "milvus_lite.adapter.grpc.servicer",
    "grpc._server",
    "pymilvus.client.connection_manager",
    "pymilvus.orm.iterator",
    "pymilvus.orm.query_iterator",
    "pymilvus.client.iterator.query_iterator",
)
# Names of grpc.StatusCode. (gRPC is imported late: see connection.client_class.)
_BY_STATUS = {
    "UNAVAILABLE": StoreErrorCode.AWAY,
    "UNAUTHENTICATED": StoreErrorCode.REFUSED_TOKEN,
    "PERMISSION_DENIED": StoreErrorCode.REFUSED_TOKEN,
}
# Numbers of Milvus (pkg/util/merr/errors.go), of pymilvus (2) and of Milvus Lite (35).
_BY_NUMBER = {
    2: StoreErrorCode.AWAY,
    7: StoreErrorCode.DISK_FULL,
    35: StoreErrorCode.INDEX_EXISTS,
    100: StoreErrorCode.NO_COLLECTION,
    101: StoreErrorCode.NOT_LOADED,
    1400: StoreErrorCode.REFUSED_TOKEN,
    1401: StoreErrorCode.REFUSED_TOKEN,
}
_BAD_PARAMETER = {
    6,
    1100,
}  # Milvus Lite and Milvus: an argument of the call, such as its filter, is not valid
_BY_WORDS = (
    ("no space left", StoreErrorCode.DISK_FULL),
    ("disk quota", StoreErrorCode.DISK_FULL),
    ("disk full", StoreErrorCode.DISK_FULL),
    ("file too large", StoreErrorCode.DISK_FULL),
    ("no more space", StoreErrorCode.DISK_FULL),
    ("auth check failure", StoreErrorCode.REFUSED_TOKEN),
    ("missing authorization", StoreErrorCode.REFUSED_TOKEN),
    ("unauthenticated", StoreErrorCode.REFUSED_TOKEN),
    ("permission deny", StoreErrorCode.REFUSED_TOKEN),
    ("invalid token", StoreErrorCode.REFUSED_TOKEN),
    ("connect", StoreErrorCode.AWAY),
    ("unavailable", StoreErrorCode.AWAY),
)
# Milvus Lite counts columns from 1; a server says "line 1:7" and counts from 0.
_FILTER_COLUMN = re.compile(r"at column (\d+)|line 1:(\d+)")


@dataclass(frozen=True)
class MilvusFailure:
    """What an error of Milvus or of the connection to it means.

    Attributes
    ----------
    code : StoreErrorCode
    reason : str
        What the server or the connection said.
    column : int or None
        Where in the filter the error is, from 0.
    """

    code: StoreErrorCode
    reason: str
    column: int | None = None


def translate(error: BaseException, expression: str = "") -> MilvusFailure:
    """Turn an error of pymilvus, gRPC or Milvus Lite into a code.

    Types, gRPC status codes and Milvus error numbers decide first. Words of the message decide only what
    none of them tells: Milvus Lite passes errors of the operating system on as number 1, Milvus 2.3 reports
    filters that it cannot parse as number 65535, and proxies before Zilliz Cloud answer in plain text. The
    column of an error in a filter is only in the message.

    Parameters
    ----------
    error : BaseException
    expression : str
        The filter of the call, if it had one.
    """
    reason = _read_reason(error)
    code = _code_without_words(error)
    if code is not None:
        return MilvusFailure(code, reason)
    position = _FILTER_COLUMN.search(reason) if expression else None
    if position:
        column = int(position[1]) - 1 if position[1] else int(position[2])
        return MilvusFailure(StoreErrorCode.BAD_FILTER, reason, column)
    if expression and getattr(error, "code", None) in _BAD_PARAMETER:
        return MilvusFailure(StoreErrorCode.BAD_FILTER, reason)
    lowered = reason.lower()
    by_words = (code for words, code in _BY_WORDS if words in lowered)
    return MilvusFailure(next(by_words, StoreErrorCode.REJECTED), reason)


def _code_without_words(error: BaseException) -> StoreErrorCode | None:
    """Return the code that the type, gRPC's status or Milvus's number tells."""
    import grpc
    from milvus_lite import exceptions as lite

    if isinstance(error, lite.DataDirLockedError):
        return StoreErrorCode.LOCKED
    if isinstance(error, lite.WALCorruptedError | lite.ManifestCorruptedError):
        return StoreErrorCode.DAMAGED
    # pymilvus hides a refused token in the cause, behind a "cannot connect" of its own.
    for link in (error.__cause__, error):
        if isinstance(link, grpc.Call) and (status := link.code().name) in _BY_STATUS:
            return _BY_STATUS[status]
    number = getattr(error, "code", None)
    return _BY_NUMBER.get(number) if isinstance(number, int) else None


def _read_reason(error: BaseException) -> str:
    """Return what the server, or the connection to it, said."""
    import grpc

    link = error.__cause__ if isinstance(error.__cause__, grpc.RpcError) else error
    reason = link.details() if isinstance(link, grpc.Call) else getattr(error, "message", "")
    return reason or str(error)


class LogCapture(logging.Filter):
    """Keep log records off the screen, and remember the last exception they carried."""

    def __init__(self) -> None:
        super().__init__()
        self.exception: BaseException | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop every record."""
        if record.exc_info and record.exc_info[1] is not None:
            self.exception = record.exc_info[1]
        return False


@contextmanager
def milvus_request(
    action: str,
    *,
    expression: str = "",
    collection: str | None = None,
    path: Path | None = None,
    uri: str | None = None,
) -> Iterator[LogCapture]:
    """Talk to Milvus without its log lines, and raise what goes wrong as one :class:`StoreError`.

    Parameters
    ----------
    action : str
        For the message, to follow "Milvus could not": ``"search 'notes'"``.
    expression : str
        The filter of the call, so that an error can be pointed at.
    collection, path, uri
        Facts for the error.

    Raises
    ------
    StoreError
        With the code of :func:`translate`.
    """
    import grpc
    from pymilvus.exceptions import MilvusException

    capture = LogCapture()
    loggers = [logging.getLogger(name) for name in _LOUD_LOGGERS]
    for logger in loggers:
        logger.addFilter(capture)
    try:
        yield capture
    except (MilvusException, grpc.RpcError) as error:
        failure = translate(error, expression)
        _drop_tracebacks(error)
        message = _explain(failure, action, expression)
        raise StoreError(message, code=failure.code, collection=collection, path=path, uri=uri) from error
    finally:
        for logger in loggers:
            logger.removeFilter(capture)


def _drop_tracebacks(error: BaseException | None) -> None:
    """Remove the tracebacks of an error and its causes, whose frames hold the token."""
    seen: list[BaseException] = []  # pymilvus makes an error its own cause
    while error is not None and error not in seen:
        error.__traceback__ = None
        seen.append(error)
        error = error.__cause__ or error.__context__


def _explain(failure: MilvusFailure, action: str, expression: str) -> str:
    """Compose the message for a refusal by Milvus: what failed, why, and what to do."""
    match failure.code:
        case StoreErrorCode.DISK_FULL:
            return (
                f"Milvus could not {action}: the disk is full ({failure.reason}). Everything acknowledged "
                "before is kept. Free some space and run the same call again: items already stored are "
                "replaced."
            )
        case StoreErrorCode.REFUSED_TOKEN:
            return (
                f"Milvus could not {action}: it does not accept the token ({failure.reason}). Set "
                'MILVUS_TOKEN, or pass token="user:password" or an API key.'
            )
        case StoreErrorCode.AWAY:
            return (
                f"Milvus could not {action}: the server cannot be reached ({failure.reason}). Check its "
                "address, and that it is running."
            )
        case StoreErrorCode.BAD_FILTER:
            return _point_at(failure, action, expression)
    return f"Milvus could not {action}: {failure.reason}"


def _point_at(failure: MilvusFailure, action: str, expression: str) -> str:
    """Write the filter with a mark below the column that Milvus names."""
    # Milvus Lite repeats the filter and draws the same mark.
    drawn = (expression.strip(), "^")
    lines = [line.strip() for line in failure.reason.splitlines()]
    reason = "; ".join(line for line in lines if line not in drawn)
    message = f"Milvus could not {action}: the filter is not valid, {reason} ({FILTER_EXAMPLE})."
    if failure.column is None:
        return f"{message}\n\n    {expression}"
    return f"{message}\n\n    {expression}\n    {' ' * failure.column}^"
