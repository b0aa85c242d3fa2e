"""Wait for a Milvus server that is away."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_exception, stop_before_delay, wait_exponential

from embedlab.store.errors import StoreErrorCode
from embedlab.store.milvus_errors import translate

T = TypeVar("T")
CONNECT_SECONDS = 5.0  # for how long the first call to a server is repeated
RETRY_SECONDS = 30.0  # the same for a server that answered before


def retry_while_away(call: Callable[[], T], seconds: float) -> T:
    """Call, and repeat after growing pauses while the server cannot be reached.

    pymilvus repeats calls by itself, but gives up at once if it cannot connect.

    Parameters
    ----------
    call : callable
    seconds : float
        No attempt starts later than this after the first.

    Raises
    ------
    MilvusException, grpc.RpcError
        That of the last attempt.
    """
    attempts = Retrying(
        retry=retry_if_exception(_is_away),
        wait=wait_exponential(multiplier=0.2, max=4.0),
        stop=stop_before_delay(seconds),
        reraise=True,
    )
    return attempts(call)


def _is_away(error: BaseException) -> bool:
    import grpc
    from pymilvus.exceptions import MilvusException

    return isinstance(error, MilvusException | grpc.RpcError) and translate(error).code is StoreErrorCode.AWAY


class RetryingClient:
    """A client of a server that repeats every call while the server cannot be reached.

    Every call of embedlab may be sent twice: rows are replaced by id, and Milvus accepts creating a
    collection that exists and dropping one that does not. A restarted server may have to load a collection
    again.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            from pymilvus.exceptions import MilvusException

            repeat = partial(method, *args, **kwargs)
            try:
                return retry_while_away(repeat, RETRY_SECONDS)
            except MilvusException as error:
                if translate(error).code is not StoreErrorCode.NOT_LOADED:
                    raise
                self._client.load_collection(args[0])
                return repeat()

        return call
