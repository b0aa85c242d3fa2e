"""What a comparison of models found: numbers, words, pictures."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from embedlab.analysis.neighbors import Neighbors
from embedlab.comparison.caveats import caveats
from embedlab.comparison.compression import smaller
from embedlab.comparison.copies import Copies
from embedlab.comparison.evaluation import Task, scores_table
from embedlab.comparison.groups import Groups
from embedlab.comparison.similarity_tables import Name, square
from embedlab.comparison.tasks import knn_accuracy
from embedlab.comparison.verdict import Facts, listed, verdict
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.io.atomic import atomic_write
from embedlab.items import Items

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from embedlab.analysis.projection import Method
    from embedlab.explorer import Explorer


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Everything that :func:`compare` found; a notebook shows it as a page.

    Attributes
    ----------
    embeddings : dict of str to Embeddings
        By the name of the model.
    neighbors : dict of str to Neighbors
    tasks : tuple of Task
        Each with a :class:`Score` for each model.
    differences : DataFrame
        Every two models in every task, with interval and p value; see :func:`differences_table`.
    similarity : DataFrame
        How alike the models are, each measure beside chance; see :func:`similarity_table`.
    geometry : DataFrame
        The shape of each cloud; see :func:`geometry_table`.
    cost : DataFrame
        See :func:`cost_table`.
    copies : Copies
        Items that are there twice.
    groups : Groups
        Items that belong together.
    k : int
    queries : dict of str to Embeddings
    relevant : list, dict or None
    random_state : int
    """

    embeddings: dict[str, Embeddings]
    neighbors: dict[str, Neighbors]
    tasks: tuple[Task, ...]
    differences: pd.DataFrame
    similarity: pd.DataFrame
    geometry: pd.DataFrame
    cost: pd.DataFrame
    copies: Copies
    groups: Groups
    k: int
    queries: dict[str, Embeddings]
    relevant: Any
    random_state: int

    # -- numbers -----------------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """The models, as they are called here."""
        return list(self.embeddings)

    @property
    def items(self) -> Items:
        """What was embedded."""
        return next(iter(self.embeddings.values())).items

    @property
    def table(self) -> pd.DataFrame:
        """One row per model: its scores, shape and cost; intervals are in :attr:`scores`."""
        scores = pd.DataFrame(
            {task.measure: {name: score.value for name, score in task.scores.items()} for task in self.tasks},
            index=self.names,
        )
        return pd.concat([scores, self.geometry, self.cost.drop(columns=["note", "n_measured"])], axis=1)

    @property
    def scores(self) -> pd.DataFrame:
        """One row per task and model, with interval, chance and n."""
        return scores_table(self.tasks)

    @cached_property
    def smaller(self) -> pd.DataFrame:
        """What smaller vectors lose, one row per model, way and size; see :func:`smaller`."""
        parts = []
        for name, emb in self.embeddings.items():
            asked = self.queries[name].vectors if self.queries else None
            found = smaller(
                emb, k=self.k, queries=asked, relevant=self.relevant,
                groups=self.groups.apart, drawn=self.groups.drawn, random_state=self.random_state,
            )  # fmt: skip
            parts.append(found.assign(model=name))
        return pd.concat(parts, ignore_index=True)

    def matrix(self, measure: Name = "cka", k: int | None = None) -> pd.DataFrame:
        """One measure of similarity for all pairs of models, shape (n_models, n_models).

        Parameters
        ----------
        measure : {"cka", "cka_biased", "procrustes", "rsa", "mutual_knn", "jaccard_knn"}
        k : int, optional
            For the last two; by default the ``k`` of the comparison.
        """
        of_neighbors = measure in ("mutual_knn", "jaccard_knn")
        return square(self.similarity, measure, (self.k if k is None else k) if of_neighbors else 0)

    # -- words -------------------------------------------------------------------------------------------

    @property
    def verdict(self) -> list[str]:
        """What to choose, and what that rests on: a few paragraphs."""
        return verdict(
            Facts(
                self.items.name, len(self.items), self.tasks, self.differences, self.similarity, self.cost,
                self.k, self.groups.n_given,
            )
        )  # fmt: skip

    @property
    def warnings(self) -> list[str]:
        """What the reader should know before believing a number."""
        return caveats(self)

    @cached_property
    def copies_help(self) -> dict[str, tuple[float, float]]:
        """1-NN accuracy of each model with copies allowed, and without; empty without labels or copies."""
        task = next((task for task in self.tasks if task.measure == "1-NN accuracy"), None)
        if task is None or not self.copies.n_items:
            return {}
        given = None if self.groups.inside else self.groups.given
        return {
            name: (
                knn_accuracy(emb, groups=given, neighbors=self.neighbors[name]).value,
                task.scores[name].value,
            )
            for name, emb in self.embeddings.items()
        }

    # -- pictures ----------------------------------------------------------------------------------------

    def figure(self, what: Literal["scores", "similarity", "shape", "smaller"] = "scores") -> Figure:
        """A picture: the scores with their intervals, the similarities, the shapes, or recall against bytes.

        Returns
        -------
        matplotlib.figure.Figure
            Not registered with pyplot, so that it shows once.
        """
        from embedlab.comparison import figures

        if what == "scores":
            return figures.scores_figure(self.tasks, self.names)
        if what == "similarity":
            n = len(self.items)
            titles = f"CKA, n = {n:,}", f"mutual kNN, k = {self.k}, n = {n:,}"
            return figures.heat_figure(
                dict(zip(titles, (self.matrix("cka"), self.matrix("mutual_knn")), strict=True))
            )
        if what == "shape":
            vectors = {name: emb.vectors for name, emb in self.embeddings.items()}
            return figures.shape_figure(vectors, self.neighbors)
        if what == "smaller":
            return figures.smaller_figure(self.smaller, self.k)
        raise BadItem(f"No picture {what!r}: choose 'scores', 'similarity', 'shape' or 'smaller'.")

    def explore(
        self,
        *,
        method: Method = "umap",
        n_neighbors: int = 15,
        random_state: int = 0,
        n_components: int = 2,
        **options: Any,
    ) -> Explorer:
        """The maps of all models, linked; options as for :func:`explore`. No neighbour is looked up again."""
        from embedlab.analysis.projection import project
        from embedlab.explorer import explore
        from embedlab.explorer.build import MAX_ITEMS

        several = list(self.embeddings.values())
        if len({emb.model.name for emb in several}) < len(several):
            # One model in several ways: the maps go by the names that tell them apart.
            several = [
                dataclasses.replace(emb, model=dataclasses.replace(emb.model, name=name))
                for name, emb in self.embeddings.items()
            ]
        how: dict[str, Any] = {
            "method": method, "n_neighbors": n_neighbors, "random_state": random_state,
            "n_components": n_components,
        }  # fmt: skip
        if options.get("n_samples") is not None or len(self.items) > MAX_ITEMS:
            return explore(several, **how, **options)  # maps of a sample, with neighbours of its own
        maps = [
            project(emb, **how, neighbors=graph)
            for emb, graph in zip(several, self.neighbors.values(), strict=True)
        ]
        return explore(maps, random_state=random_state, **options)

    def to_html(self, path: str | Path) -> Path:
        """Write the page as one file that needs neither Python nor a network."""
        from embedlab.comparison.page import whole_page

        target = Path(path)
        text = whole_page(self)
        with atomic_write(target) as part:
            part.write_text(text, encoding="utf-8")
        return target

    def __repr__(self) -> str:
        title = f"Comparison of {listed(self.names)} on {len(self.items):,} items"
        return "\n\n".join([title, *self.verdict])

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The page; live, with a button that opens the linked maps."""
        from embedlab.comparison.live import view
        from embedlab.comparison.page import page

        live = {"version_major": 2, "version_minor": 0, "model_id": view(self).model_id}
        widget = "application/vnd.jupyter.widget-view+json"
        return {"text/plain": repr(self), widget: live, "text/html": page(self)}, {}
