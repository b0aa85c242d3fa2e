"""The data of a walk through an HNSW graph: what was asked, every step, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from embedlab.analysis.projection import Projection, project
from embedlab.embeddings import Embeddings
from embedlab.store.hnsw_walk import HnswGraph, Step


@dataclass(frozen=True, eq=False, repr=False)
class WalkData:
    """One search through an HNSW graph.

    Attributes
    ----------
    embeddings : Embeddings
        What was searched.
    query : str
        What was asked.
    k, ef : int
        How many neighbours were wanted, and how many were kept on the way.
    graph : HnswGraph
    trace : list of Step
        What the search did; :attr:`steps` has it as a table.
    cosines : ndarray, shape (n_items,), float32
        Of each item with the query. The search computed :attr:`compared` of them.
    exact_rows : ndarray, shape (k,)
        Rows of the true neighbours, from comparing everything.
    given_projection : Projection or None
        The map to draw the walk on; None makes one (UMAP) when it is first needed.
    """

    embeddings: Embeddings
    query: str
    k: int
    ef: int
    graph: HnswGraph
    trace: list[Step]
    cosines: np.ndarray
    exact_rows: np.ndarray
    given_projection: Projection | None = None

    @cached_property
    def projection(self) -> Projection:
        """The map on which the walk is drawn."""
        return self.given_projection or project(self.embeddings)

    @property
    def rows(self) -> list[int]:
        """Rows of what was found, nearest first."""
        return list(self.trace[-1].best[: self.k])

    @property
    def found(self) -> pd.DataFrame:
        """What was found: ``rank``, ``id``, ``score`` (cosine), ``true`` (a true neighbour), ``title``."""
        ids = [self.embeddings.ids[row] for row in self.rows]
        return pd.DataFrame(
            {
                "rank": range(1, len(ids) + 1),
                "id": ids,
                "score": self.cosines[self.rows].astype(float),
                "true": np.isin(self.rows, self.exact_rows),
                "title": [self.embeddings.items.title(item_id) for item_id in ids],
            }
        )

    @property
    def compared(self) -> int:
        """How many distances the search computed; exact search computes one for each item."""
        return self.trace[-1].compared

    @property
    def recall(self) -> float:
        """Share of the true neighbours that were found."""
        return float(np.isin(self.exact_rows, self.rows).mean())

    @property
    def steps(self) -> pd.DataFrame:
        """One row a step: the item whose links it follows, what it compared, and what happened in words.

        ``looked`` is how many distances the step computed, ``nearest`` the nearest item so far.
        """
        ids = self.embeddings.ids
        return pd.DataFrame(
            [
                {
                    "layer": step.layer,
                    "kind": step.kind,
                    "id": ids[step.row],
                    "looked": len(step.looked),
                    "compared": step.compared,
                    "nearest": ids[step.best[0]],
                    "score": float(self.cosines[step.best[0]]),
                    "words": words,
                }
                for step, words in zip(self.trace, self.words, strict=True)
            ]
        )

    @cached_property
    def words(self) -> list[str]:
        """What happens at each step, in one or two sentences."""
        previous = [self.trace[0], *self.trace]
        return [self._explain(step, before) for step, before in zip(self.trace, previous, strict=False)]

    def _explain(self, step: Step, before: Step) -> str:
        """Describe one step; ``before`` is the step before it."""
        item, best = self._title(step.row), self._title(step.best[0])
        count, near = len(step.looked), f"cosine {self.cosines[step.best[0]]:.2f}"
        links = f"{count} link{'s' * (count != 1)}"
        match step.kind:
            case "enter":
                return f"Enter at the top. Every search begins at the same item, {item} ({near})."
            case "move":
                return (
                    f"Follow the {links} from here. Of these, {best} is nearest to the query ({near}): go "
                    "there."
                )
            case "down":
                none = f"None of the {links} from {item} leads nearer"
                why = none if count else f"Nothing is linked to {item}"
                return f"{why}. Down to layer {step.layer - 1}, at the same item."
            case "open":
                new = len({*step.best} & {*step.looked})
                rank = "the place where we came down" if before.layer else "the nearest not opened yet"
                return (
                    f"Open {item}, {rank}. {count} of its links are new; {new} of them are among the "
                    f"{self.ef} best so far. Nearest: {near}."
                )
            case "end":
                return self._explain_end(step)

    def _explain_end(self, step: Step) -> str:
        wanted = len(self.exact_rows)
        right = round(self.recall * wanted)
        missed = " A cross marks what was missed." if right < wanted else ""
        return (
            f"All of the {len(step.best)} best are opened, and no link leads nearer: stop. {right} of the "
            f"true {wanted} nearest found in {step.compared} comparisons; exact search needs "
            f"{len(self.embeddings):,}.{missed}"
        )

    def _title(self, row: int) -> str:
        return f"“{self.embeddings.items.title(self.embeddings.ids[row], 44)}”"
