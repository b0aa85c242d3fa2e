"""Where a store is: the folder of Milvus Lite, or the address of a server with its token."""

from __future__ import annotations

import os
from pathlib import Path

from embedlab.store.errors import StoreError, StoreErrorCode


class Token(str):
    """A token whose ``repr`` hides it, so that tracebacks and printed dicts do not show it."""

    def __repr__(self) -> str:
        return "<token>"

    @classmethod
    def wrap(cls, token: str | None) -> Token | None:
        """Wrap a token; None stays None."""
        return None if token is None else cls(token)


def is_address(where: str | Path) -> bool:
    """Return True for the address of a server, False for a file path."""
    return isinstance(where, str) and where.lower().startswith(("http://", "https://"))


def has_password(where: str | Path | None) -> bool:
    """Return True for an address such as ``http://user:password@host``."""
    return isinstance(where, str) and is_address(where) and "@" in where.split("//", 1)[1].split("/", 1)[0]


class PasswordInAddress(StoreError):
    """An address carries a password. The error does not repeat the address."""

    def __init__(self) -> None:
        super().__init__(
            "The address of the server carries a password, and addresses are shown and stored. Leave the "
            "password out and pass token=.",
            code=StoreErrorCode.BAD_ADDRESS,
            argument="token",
        )


def resolve_path(where: str | Path) -> Path:
    """Return the absolute folder of a Milvus Lite store, checked before Milvus starts.

    Raises
    ------
    StoreError
        If the name does not end in ``.db``, the parent folder is missing, or the path is not that of
        a store.
    """
    try:
        path = Path(where).expanduser()
        if reason := _why_unusable(path, str(where)):
            raise StoreError(reason, code=StoreErrorCode.BAD_PATH, path=path)
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise StoreError(
            f"{where} cannot be used as the path of a store: {error}. Choose another path.",
            code=StoreErrorCode.BAD_PATH,
            path=where,
        ) from error


def _why_unusable(path: Path, where: str) -> str:
    """Return the message for a path that cannot be a store, or an empty string."""
    if path.suffix != ".db":
        return f"The path of a store ends in .db. Write {(where or 'lab') + '.db'!r}."
    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist. Create it first, or choose another path."
    if path.is_file():
        return (
            f"{path} is a file, but Milvus Lite keeps a store in a folder. It may come from Milvus Lite "
            "before version 3, or from another program. Choose another path."
        )
    if path.is_dir() and any(path.iterdir()) and not (path / "collections").is_dir():
        return f"{path} is a folder that holds other files, not a store. Choose another path."
    return ""


def resolve_server(where: str | None, token: str | None) -> tuple[str, Token]:
    """Return address and token of a server, taken from the environment if not given.

    The token in the environment belongs to the server that the environment names, and is sent to no other.

    Raises
    ------
    StoreError
        If there is no address, or it carries a password.
    """
    default = os.environ.get("MILVUS_URI", "")
    address = where or default
    if not is_address(address):
        raise StoreError(
            'There is no address of a store. Write el.VectorStore("lab.db") for Milvus Lite, or pass the '
            "address of a server, or set it in the environment variable MILVUS_URI with its token in "
            "MILVUS_TOKEN.",
            code=StoreErrorCode.BAD_ADDRESS,
            argument="where",
        )
    if has_password(address):
        where = address = default = ""  # a traceback may show variables
        raise PasswordInAddress
    if token is None:
        token = os.environ.get("MILVUS_TOKEN", "") if address == (default or address) else ""
    return address, Token(token)
