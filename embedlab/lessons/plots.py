"""The plots of the text lesson, in one style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from embedlab.palette import CATEGORIES, GREY, INK, style

_WIDTH, _HEIGHT = 8.0, 4.5
FIRST, SECOND = CATEGORIES[0], CATEGORIES[7]  # two models side by side: indigo and orange


def token_grid(rows: Sequence[Sequence[str]], padding: str = "[PAD]") -> None:
    """Draw a batch of token lists of equal length as a table of boxes; padding is grey.

    Parameters
    ----------
    rows : sequence of sequences of str, shape (n_texts, n_tokens)
    padding : str
        The padding token.
    """
    figure, axes = _canvas(height=0.62 * len(rows) + 0.5)
    for y, row in enumerate(rows):
        for x, token in enumerate(row):
            empty = token == padding
            face = "#EEEEEE" if empty else "#D6EEEA"
            axes.add_patch(Rectangle((x + 0.04, y + 0.08), 0.92, 0.84, facecolor=face, edgecolor="none"))
            axes.text(x + 0.5, y + 0.5, token, ha="center", va="center", color="#777777" if empty else INK)
    axes.set(xlim=(0, max(map(len, rows))), ylim=(len(rows), 0))
    axes.axis("off")
    _show(figure)


def table(frame: pd.DataFrame) -> HTML:
    """Show a table of texts, wrapped and aligned left; cells are escaped."""
    with pd.option_context("display.max_colwidth", None):
        markup = frame.rename_axis(columns=None).to_html(index=False, escape=True)
    for cell in ("td", "th"):  # JupyterLab sets both flush right
        markup = markup.replace(f"<{cell}>", f'<{cell} style="text-align: left; vertical-align: top">')
    return HTML(markup)  # type: ignore[no-untyped-call]


def padding_curve(n_padding: Sequence[int], naive: Sequence[float], masked: Sequence[float]) -> None:
    """Draw the cosine of a text with its unpadded self against the padding, with and without mask.

    Parameters
    ----------
    n_padding, naive, masked : sequences of the same length
        Number of padding tokens, and the cosine with the vector of the text alone.
    """
    figure, axes = _canvas()
    axes.plot(n_padding, masked, color=FIRST, marker="o", label="mask used")
    axes.plot(n_padding, naive, color=SECOND, marker="s", label="mask forgotten")
    axes.set(
        xlabel="padding tokens beside the text", ylabel="cosine with the text on its own", ylim=(0, 1.08)
    )
    axes.legend(frameon=False, loc="center right")
    _show(figure)


def layer_steps(accuracy: Sequence[float]) -> None:
    """Draw one number per hidden state, from the input to the last."""
    figure, axes = _canvas(height=3.8)
    layers = np.arange(len(accuracy))
    axes.plot(layers, accuracy, color=GREY, zorder=1)
    axes.scatter(layers, accuracy, color=[GREY] * (len(layers) - 1) + [FIRST], s=90, zorder=2)
    for layer, value in zip(layers, accuracy, strict=True):
        axes.annotate(f"{value:.2f}", (layer, value), (0, 9), textcoords="offset points", ha="center")
    names = ["0\ninput", *map(str, layers[1:-1]), f"{layers[-1]}\nlast"]
    axes.set_xticks(layers, names)
    axes.set(xlabel="hidden state", ylabel="nearest note shares the topic", ylim=(0, 1))
    _show(figure)


def bars(table: pd.DataFrame) -> None:
    """Draw shares (0 to 1): a group of bars for each row of the table, a colour for each column."""
    figure, axes = _canvas(height=0.9 + 0.95 * len(table))
    thick = 0.8 / len(table.columns)
    for j, column in enumerate(table.columns):
        places = np.arange(len(table)) + (j - (len(table.columns) - 1) / 2) * thick
        drawn = axes.barh(places, table[column], thick * 0.92, color=(FIRST, SECOND)[j % 2], label=column)
        axes.bar_label(drawn, fmt="%.2f", padding=4)
    axes.set_yticks(range(len(table)), list(table.index))
    axes.set(xlim=(0, 1.0), xlabel="share")
    axes.invert_yaxis()
    axes.legend(frameon=False, ncols=len(table.columns), loc="lower right", bbox_to_anchor=(1, 1))
    _show(figure)


def strips(groups: Mapping[str, Sequence[float]], xlabel: str = "cosine") -> None:
    """Draw every value as a dot, one row a group, with the median as a bar.

    Parameters
    ----------
    groups : mapping of str to sequence of float
        The label of each row, and its values.
    xlabel : str
    """
    figure, axes = _canvas(height=1.0 + 0.75 * len(groups))
    for y, values in enumerate(groups.values()):
        color, _ = style((0, 3, 2, 7, 6, 5)[y % 6])
        jitter = np.random.default_rng(0).uniform(-0.16, 0.16, len(values))
        axes.scatter(values, y + jitter, s=42, color=color, alpha=0.75, linewidths=0)
        axes.plot([np.median(values)] * 2, [y - 0.34, y + 0.34], color=INK, linewidth=2.5)
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set(xlabel=f"{xlabel} (bar: median)", xlim=(-0.2, 1.05), ylim=(len(groups) - 0.5, -0.5))
    _show(figure)


def _canvas(height: float = _HEIGHT) -> tuple[Any, Any]:
    figure, axes = plt.subplots(figsize=(_WIDTH, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=11, colors=INK)
    axes.xaxis.label.set_fontsize(11)
    axes.yaxis.label.set_fontsize(11)
    return figure, axes


def _show(figure: Any) -> None:
    """Show the figure once, and close it."""
    for text in figure.findobj(Text):
        text.set_fontsize(max(text.get_fontsize(), 11))
    plt.show()
    plt.close(figure)
