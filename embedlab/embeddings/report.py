"""What happened while items were embedded."""

from __future__ import annotations

from dataclasses import dataclass, field

from embedlab.errors import Problem


@dataclass(frozen=True)
class EmbedReport:
    """How much was computed, and which items were not read completely.

    Attributes
    ----------
    n_computed, n_cached : int
        Items that ran through the model, and items whose vector was in the cache.
    truncated : tuple of str
        Ids of the items that are longer than the model reads; only their beginning was used.
    skipped : dict of str to Problem
        Ids of the items that could not be embedded, each with the reason (``on_error="skip"``). A parquet
        file stores the reasons without their codes: after loading, each code is ``ProblemCode.UNREADABLE``.
    seconds : float
        Wall time of the whole call.
    """

    n_computed: int = 0
    n_cached: int = 0
    truncated: tuple[str, ...] = ()
    skipped: dict[str, Problem] = field(default_factory=dict)
    seconds: float = 0.0
