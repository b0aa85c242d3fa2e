"""Scale vectors to length 1, so that a dot product is a cosine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from embedlab.errors import BadItem, Problem, ProblemCode

_ALL_ZEROS = Problem(ProblemCode.EMPTY, "its vector is all zeros")


def unit_rows(
    vectors: np.ndarray,
    *,
    ids: Sequence[str] | None = None,
    zeros: Literal["raise", "keep"] = "raise",
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Scale each row to length 1.

    Lengths are computed in the precision of ``vectors``.

    Parameters
    ----------
    vectors : ndarray, shape (n, dim)
    ids : sequence of str, optional
        For the message, if the rows belong to items.
    zeros : {"raise", "keep"}
        What to do with rows of zeros, which have no direction.
    dtype : dtype
        Of the result.

    Returns
    -------
    ndarray, shape (n, dim)

    Raises
    ------
    BadItem
        For rows of zeros if ``zeros="raise"``; ``problems`` has the id of each, or ``"row 7"``.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    is_zero = lengths[:, 0] == 0
    if is_zero.any():
        if zeros == "raise":
            raise _no_direction(np.flatnonzero(is_zero), ids)
        lengths[is_zero] = 1
    scaled: np.ndarray[Any, Any] = (vectors / lengths).astype(dtype, copy=False)
    return scaled


def _no_direction(rows: np.ndarray, ids: Sequence[str] | None) -> BadItem:
    if ids is None:
        first, names = f"Row {rows[0]} is", [f"row {row}" for row in rows]
    else:
        first, names = f"The vector of item {ids[rows[0]]!r} is", [ids[row] for row in rows]
    return BadItem(
        f"{first} all zeros ({len(rows)} in all): it has no direction, so no cosine to anything. "
        "Leave it out with select().",
        problems=dict.fromkeys(names, _ALL_ZEROS),
    )
