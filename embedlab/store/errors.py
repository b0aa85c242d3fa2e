"""What goes wrong with a store, in words that say what to do."""

from __future__ import annotations

import re

from embedlab.errors import EmbedlabError

_COLUMN = re.compile(r"at column (\d+)|line 1:(\d+)")
_REFUSED = (
    "auth check failure",
    "missing authorization",
    "unauthenticated",
    "permission deny",
    "invalid token",
)
_FULL = ("no space left", "disk quota", "disk full", "file too large", "no more space")


class StoreError(EmbedlabError):
    """The store cannot be opened, or cannot do what was asked; the message says what to do."""


def explained(doing: str, reason: str, expression: str = "") -> str:
    """What to tell of a refusal by Milvus.

    Parameters
    ----------
    doing : str
        What was tried: ``"search 'notes'"``.
    reason : str
        What Milvus said.
    expression : str
        The filter, so that the place of an error in it can be shown.
    """
    low = reason.lower()
    if any(sign in low for sign in _FULL):
        return (
            f"Milvus could not {doing}: the disk is full ({reason}). What was acknowledged before is kept. "
            "Make room, then do the same again: what is there already is replaced by itself."
        )
    if any(sign in low for sign in _REFUSED):
        return (
            f"Milvus could not {doing}: it does not accept the token ({reason}). Set MILVUS_TOKEN, or give "
            'token="user:password" or an API key.'
        )
    if expression and (found := _COLUMN.search(reason)):
        # Milvus Lite counts columns from 1, and points at them itself; a server counts from 0.
        column = int(found[1]) - 1 if found[1] else int(found[2])
        drawn = (expression.strip(), "^")
        said = "; ".join(line for line in reason.splitlines() if line.strip() not in drawn)
        return f"Milvus could not {doing}: {said}\n\n    {expression}\n    {' ' * column}^"
    return f"Milvus could not {doing}: {reason}"
