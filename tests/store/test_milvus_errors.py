"""Errors of pymilvus, gRPC and Milvus Lite become codes, by number and status first and by words last."""

from __future__ import annotations

import grpc
import pytest
from milvus_lite.exceptions import DataDirLockedError, ManifestCorruptedError, WALCorruptedError
from pymilvus.exceptions import MilvusException
from refusals import RefusedCall, refuses

from embedlab.store import StoreErrorCode
from embedlab.store.milvus_errors import milvus_request, translate


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MilvusException(2, "Fail connecting to server on x"), StoreErrorCode.AWAY),
        (MilvusException(7, "disk limit exceeded"), StoreErrorCode.DISK_FULL),
        (MilvusException(35, "index already exists for field"), StoreErrorCode.INDEX_EXISTS),
        (MilvusException(100, "can't connect the words of collection"), StoreErrorCode.NO_COLLECTION),
        (MilvusException(101, "collection not loaded"), StoreErrorCode.NOT_LOADED),
        (MilvusException(1401, "privilege not permitted"), StoreErrorCode.REFUSED_TOKEN),
        (MilvusException(1, "[Errno 28] No space left on device"), StoreErrorCode.DISK_FULL),
        (MilvusException(1, "something else"), StoreErrorCode.REJECTED),
        (MilvusException(6, "limit must be positive"), StoreErrorCode.REJECTED),
        (RefusedCall(grpc.StatusCode.UNAVAILABLE, "Too many pings"), StoreErrorCode.AWAY),
        (RefusedCall(grpc.StatusCode.UNAUTHENTICATED, "no"), StoreErrorCode.REFUSED_TOKEN),
        (RefusedCall(grpc.StatusCode.PERMISSION_DENIED, "no"), StoreErrorCode.REFUSED_TOKEN),
        (RefusedCall(grpc.StatusCode.INTERNAL, "no"), StoreErrorCode.REJECTED),
        (DataDirLockedError("held by pid 7"), StoreErrorCode.LOCKED),
        (WALCorruptedError("cut"), StoreErrorCode.DAMAGED),
        (ManifestCorruptedError("cut"), StoreErrorCode.DAMAGED),
    ],
)
def test_numbers_status_and_types_decide(error: BaseException, code: StoreErrorCode) -> None:
    assert translate(error).code is code


def test_a_refused_token_that_pymilvus_hides_behind_a_failed_connection() -> None:
    error = MilvusException(2, "Fail connecting to server on x, illegal connection params")
    error.__cause__ = RefusedCall(grpc.StatusCode.UNAUTHENTICATED, "auth check failure")
    assert translate(error).code is StoreErrorCode.REFUSED_TOKEN


@pytest.mark.parametrize(
    ("number", "message", "offset"),
    [
        (6, "unexpected token '>' at column 8\n  year > > 3\n         ^\nexpected literal", 7),
        (65535, "cannot parse expression: year > > 3, error: line 1:7 no viable alternative at input", 7),
    ],
)
def test_a_filter_that_milvus_cannot_parse_is_pointed_at(number: int, message: str, offset: int) -> None:
    with (
        refuses(StoreErrorCode.BAD_FILTER, collection="notes", uri="http://x") as caught,
        milvus_request("search 'notes'", expression="year > > 3", collection="notes", uri="http://x"),
    ):
        raise MilvusException(number, message)
    *_, expression, mark = str(caught.value).splitlines()
    assert expression == "    year > > 3"
    assert mark == " " * (4 + offset) + "^"
    assert str(caught.value).count("^") == 1


def test_the_frames_of_pymilvus_are_dropped_since_they_hold_the_token() -> None:
    with refuses(StoreErrorCode.REJECTED) as caught, milvus_request("list the collections"):
        raise MilvusException(1, "no")
    cause = caught.value.__cause__
    assert isinstance(cause, MilvusException)
    assert cause.__traceback__ is None
