"""What a store refuses, asserted by code and facts; and what gRPC raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from embedlab.store import StoreError, StoreErrorCode


@contextmanager
def refuses(code: StoreErrorCode, **facts: object) -> Iterator[pytest.ExceptionInfo[StoreError]]:
    """Expect a :class:`StoreError` with this code, whose attributes are these facts."""
    with pytest.raises(StoreError) as caught:
        yield caught
    assert caught.value.code is code, caught.value
    assert {name: getattr(caught.value, name) for name in facts} == facts, caught.value


class RefusedCall(grpc.RpcError, grpc.Call):  # type: ignore[misc]
    """What gRPC raises when a call fails."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        self._code, self._details = code, details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details
