"""Calls are repeated while a server is away, and only then."""

from __future__ import annotations

import grpc
import pytest
from pymilvus.exceptions import MilvusException
from refusals import RefusedCall

from embedlab.store.retry import retry_while_away


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_connection_that_the_server_shut_is_tried_again(wrapped: bool) -> None:
    """milvus-lite's server ends a connection that was idle for minutes with "Too many pings"."""
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        if len(calls) == 1:
            shut = RefusedCall(grpc.StatusCode.UNAVAILABLE, "Too many pings")
            if wrapped:
                raise MilvusException(message="server says no") from shut
            raise shut
        return "answer"

    assert retry_while_away(call, 5.0) == "answer"
    assert len(calls) == 2


def test_what_the_server_refused_is_not_tried_again() -> None:
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise RefusedCall(grpc.StatusCode.UNAUTHENTICATED, "auth check failure")

    with pytest.raises(grpc.RpcError):
        retry_while_away(call, 5.0)
    assert len(calls) == 1


@pytest.mark.parametrize(("seconds", "attempts"), [(0.0, 1), (0.7, 3)])
def test_it_gives_up_before_an_attempt_that_would_be_too_late(seconds: float, attempts: int) -> None:
    """After 0.2 and 0.4 s; the next pause of 0.8 s would end after 0.7 s."""
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise RefusedCall(grpc.StatusCode.UNAVAILABLE, "away")

    with pytest.raises(grpc.RpcError):
        retry_while_away(call, seconds)
    assert len(calls) == attempts
