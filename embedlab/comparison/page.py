"""A comparison as one page of HTML: verdict, a card per model, scores, similarities, shapes, compression."""

from __future__ import annotations

import base64
import io
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup

from embedlab.comparison import figures
from embedlab.comparison.caveats import find_caveats
from embedlab.comparison.compression_words import describe_compression
from embedlab.comparison.data import ComparisonData
from embedlab.comparison.page_scores import model_cards, score_lanes, tabulate_differences
from embedlab.comparison.page_spaces import (
    explain_measures,
    similarity_matrices,
    tabulate_shapes,
    tabulate_similarities,
)
from embedlab.comparison.verdict import write_verdict
from embedlab.io.html import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PACKAGE = "embedlab.comparison"


def render_page(data: ComparisonData) -> Markup:
    """Render the page for a notebook's cell: one element with its own style."""
    shapes, shapes_note = tabulate_shapes(data)
    values = {
        "style": _style(),
        "heading": " or ".join(data.names),
        "about": _describe_items(data),
        "verdict": write_verdict(data),
        "caveats": find_caveats(data),
        "cards": model_cards(data),
        "tasks": [score_lanes(data, task) for task in data.tasks],
        "scores_note": _explain_scores(n_models=len(data.names)),
        "differences": tabulate_differences(data) if data.tasks and len(data.names) > 2 else [],
        "matrices": similarity_matrices(data),
        "similarities": tabulate_similarities(data),
        "meanings": explain_measures(),
        "names": data.names,
        "shapes": shapes,
        "shapes_note": shapes_note,
        "shape_picture": _data_address(figures.shape_figure(data.embeddings, data.neighbors)),
        "compression": describe_compression(data.smaller, data.k),
        "compression_picture": _data_address(figures.compression_figure(data.smaller, data.k)),
    }
    return render(_PACKAGE, "page.html", values)


def render_document(data: ComparisonData) -> Markup:
    """Render the page as a file of its own, which needs neither Python nor a network."""
    title = f"{' and '.join(data.names)} on {data.items.name}"
    return render(_PACKAGE, "document.html", {"title": title, "page": render_page(data)})


@cache
def _style() -> Markup:
    return Markup(files(_PACKAGE).joinpath("templates", "page.css").read_text(encoding="utf-8"))


def _describe_items(data: ComparisonData) -> str:
    about = f"{len(data.items):,} items of “{data.items.name}” ({data.items.modality})"
    if data.queries:
        about += f", {len(next(iter(data.queries.values()))):,} queries"
    return f"{about}, k = {data.k}"


def _explain_scores(n_models: int) -> str:
    if n_models == 2:
        right = (
            "the difference on the same questions, its interval, and p, which is adjusted for all "
            "comparisons (intervals are not)."
        )
    else:
        right = "what can be told apart (p below 0.05, adjusted for all comparisons)."
    return f"Dot: the score. Bar: its 95 % interval. Upright line: chance. Right: {right}"


def _data_address(figure: Figure) -> str:
    """Return a figure as the address of an image, which the page then contains."""
    file = io.BytesIO()
    figure.savefig(file, format="svg")
    return f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
