"""Open and close a store: the base of :class:`~embedlab.store.VectorStore`."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from embedlab.store import addresses, connection
from embedlab.store.addresses import Token
from embedlab.store.backend import Backend
from embedlab.store.connection import StoreConnection
from embedlab.store.errors import StoreError, StoreErrorCode


class OpenStore:
    """A store that is open until :meth:`close`: a Milvus Lite folder, or a Milvus server.

    Parameters
    ----------
    where, token
        As for :class:`~embedlab.store.VectorStore`.
    """

    def __init__(self, where: str | Path | None = None, *, token: str | None = None) -> None:
        self._closed = False
        self._server: StoreConnection | None = None
        token = Token.wrap(token)
        self.where: str | Path = ""
        if addresses.has_password(where):
            where = ""  # a traceback may show variables
            raise addresses.PasswordInAddress
        if where is None or addresses.is_address(where):
            self.where, token = addresses.resolve_server(None if where is None else str(where), token)
            self._server = connection.open_server(self.where, token)
        else:
            self.where = addresses.resolve_path(where)
            connection.open_lite(self.where)

    def close(self) -> None:
        """Write everything down and release the folder. Closing twice is allowed."""
        if self._closed:
            return
        self._closed = True
        if self._server is not None:
            self._server.client.close()
        elif isinstance(self.where, Path):
            connection.close_lite(self.where)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def backend(self) -> Backend:
        """Which Milvus answers, with its version, and what it can do."""
        return self._connection.backend

    @property
    def _connection(self) -> StoreConnection:
        if self._closed:
            raise StoreError(
                f'This store is closed. Open it again: store = el.VectorStore("{self.where}").',
                code=StoreErrorCode.CLOSED,
                path=self.where if isinstance(self.where, Path) else None,
                uri=self.where if isinstance(self.where, str) else None,
            )
        return self._server if self._server is not None else connection.open_lite(Path(self.where))

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A store can be neither pickled nor copied, because its connection is open. Open it again where "
            f"it is used, with el.VectorStore({str(self.where)!r})."
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.where)!r}{', closed' if self._closed else ''})"
