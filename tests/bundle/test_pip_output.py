"""The output of pip becomes a failure that code can decide on."""

from __future__ import annotations

import pytest

from embedlab.bundle.pip_output import FailureKind, classify


@pytest.mark.parametrize(
    ("output", "kind", "detail"),
    [
        ("ERROR: No matching distribution found for torch>=2\n", FailureKind.NO_WHEEL, "torch>=2"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken\n"
            "ERROR: No matching distribution found for torch\n",
            FailureKind.UNREACHABLE,
            "",
        ),
        (
            "The conflict is caused by:\n    thing 2.0 depends on only-there\n",
            FailureKind.CONFLICT,
            "thing 2.0 depends on only-there",
        ),
        ("working\nERROR: no space\nmore\n", FailureKind.OTHER, "ERROR: no space"),
        ("", FailureKind.OTHER, "exit status 2"),
    ],
)
def test_the_words_of_pip_become_a_kind_of_failure(output: str, kind: FailureKind, detail: str) -> None:
    failure = classify(output, 2)
    assert (failure.kind, failure.detail) == (kind, detail)
