"""What :func:`compare` returns: the data of a comparison, with words, pictures and a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from embedlab.analysis.projection import Method
from embedlab.comparison import figures
from embedlab.comparison.caveats import Caveat, find_caveats
from embedlab.comparison.data import ComparisonData
from embedlab.comparison.maps import explore_maps
from embedlab.comparison.page import render_document, render_page
from embedlab.comparison.verdict import write_verdict
from embedlab.comparison.wording import join_words
from embedlab.embedders import Embedder
from embedlab.errors import BadItem
from embedlab.io.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from embedlab.explorer import Explorer


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(ComparisonData):
    """Everything that :func:`compare` measured; a notebook shows it as a page."""

    @property
    def verdict(self) -> list[str]:
        """What to choose, and what that rests on: a few paragraphs."""
        return write_verdict(self)

    @property
    def caveats(self) -> list[Caveat]:
        """What a reader should know before believing a number, with codes and facts."""
        return find_caveats(self)

    @property
    def warnings(self) -> list[str]:
        """The caveats as sentences."""
        return [str(caveat) for caveat in self.caveats]

    def figure(self, what: Literal["scores", "similarity", "shape", "smaller"] = "scores") -> Figure:
        """Draw the scores with their intervals, the similarities, the shapes, or recall against bytes.

        Returns
        -------
        matplotlib.figure.Figure
            Not registered with pyplot, so that a notebook shows it once.

        Raises
        ------
        BadItem
            If ``what`` is not one of the four, or there are no scores to draw.
        """
        if what == "scores":
            return figures.scores_figure(self.tasks, self.names)
        if what == "similarity":
            n = len(self.items)
            return figures.heatmap_figure(
                {
                    f"CKA, n = {n:,}": self.matrix("cka"),
                    f"mutual kNN, k = {self.k}, n = {n:,}": self.matrix("mutual_knn"),
                }
            )
        if what == "shape":
            return figures.shape_figure(self.embeddings, self.neighbors)
        if what == "smaller":
            return figures.compression_figure(self.smaller, self.k)
        raise BadItem(f"Unknown figure {what!r}: choose 'scores', 'similarity', 'shape' or 'smaller'.")

    def explore(
        self,
        *,
        method: Method = "umap",
        n_neighbors: int = 15,
        random_state: int = 0,
        n_components: int = 2,
        n_samples: int | None = None,
        color_by: str | None = None,
        model: Embedder | None = None,
        height: int = 560,
    ) -> Explorer:
        """Show the maps of all models, linked; parameters as for :func:`explore`.

        The neighbours that are known already are used again.
        """
        return explore_maps(
            self, method=method, n_neighbors=n_neighbors, random_state=random_state,
            n_components=n_components, n_samples=n_samples, color_by=color_by, model=model, height=height,
        )  # fmt: skip

    def to_html(self, path: str | Path) -> Path:
        """Write the page as one file that needs neither Python nor a network."""
        target = Path(path)
        text = render_document(self)
        with atomic_write(target) as part:
            part.write_text(text, encoding="utf-8")
        return target

    def __repr__(self) -> str:
        title = f"Comparison of {join_words(self.names)} on {len(self.items):,} items"
        return "\n\n".join([title, *self.verdict])

    def _repr_mimebundle_(self, **_options: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the page, and the widget with the button that opens the linked maps."""
        from embedlab.comparison.widget import comparison_widget  # the command line has no widgets

        view = {"version_major": 2, "version_minor": 0, "model_id": comparison_widget(self).model_id}
        return {
            "text/plain": repr(self),
            "application/vnd.jupyter.widget-view+json": view,
            "text/html": str(render_page(self)),
        }, {}
