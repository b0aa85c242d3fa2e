"""Scaling rows to length 1."""

from __future__ import annotations

import numpy as np
import pytest

from embedlab.embeddings import unit_rows
from embedlab.errors import BadItem, ProblemCode

VECTORS = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, 2.0]])


def test_rows_have_length_one_in_the_wanted_precision() -> None:
    scaled = unit_rows(VECTORS[[0, 2]])
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled, np.array([[0.6, 0.8], [0, 1]], np.float32))
    assert unit_rows(VECTORS[:1], dtype=np.float64)[0, 0] == 3.0 / 5.0


def test_a_row_of_zeros_is_named_by_its_number_or_its_id() -> None:
    with pytest.raises(BadItem, match="Row 1 is all zeros") as error:
        unit_rows(VECTORS)
    assert set(error.value.problems) == {"row 1"}
    with pytest.raises(BadItem, match="item 'b' is all zeros") as error:
        unit_rows(VECTORS, ids=["a", "b", "c"])
    assert error.value.problems["b"].code is ProblemCode.EMPTY


def test_rows_of_zeros_can_stay_and_the_argument_is_not_changed() -> None:
    given = VECTORS.copy()
    np.testing.assert_array_equal(unit_rows(given, zeros="keep")[1], [0, 0])
    np.testing.assert_array_equal(given, VECTORS)
