"""The result of index_lab: a table, a drawing, and a proposal in words."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from markupsafe import Markup

from embedlab.io.html import render
from embedlab.palette import CATEGORIES, GREY, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = {"FLAT": 0, "HNSW": 2, "HNSW_SQ": 7, "IVF_FLAT": 8, "IVF_SQ8": 5, "AUTOINDEX": 10}
_MARKERS = {"FLAT": "s", "HNSW": "o", "HNSW_SQ": "D", "IVF_FLAT": "^", "IVF_SQ8": "v", "AUTOINDEX": "P"}


@dataclass(frozen=True, eq=False)
class IndexLab:
    """Measurements of indexes, each beside exact search.

    Attributes
    ----------
    measured : DataFrame
        One row per place, index and settings: ``place``, ``index``, ``build``, ``search`` (settings),
        ``recall`` (mean recall@k), ``median_ms``, ``p95_ms`` (of one search), ``build_s``, ``size_mb`` (of
        the index; NaN if it cannot be seen).
    n_items, dim, k, n_queries : int
        What was measured.
    recall : float
        What the proposal had to reach.
    model : str
        Of the vectors.
    stores : tuple of str
        Those of :attr:`places` that are vector stores, Milvus Lite first.
    """

    measured: pd.DataFrame
    n_items: int
    dim: int
    k: int
    n_queries: int
    recall: float
    model: str
    stores: tuple[str, ...]

    @property
    def places(self) -> list[str]:
        """What was measured, with versions; bare FAISS first."""
        return list(dict.fromkeys(self.measured["place"]))

    @property
    def table(self) -> pd.DataFrame:
        """The measurements with ``pareto``: no other setting in that place finds more and is quicker."""
        table = self.measured.copy()
        table["pareto"] = False
        for place in self.places:
            rows = table.index[table["place"] == place]
            table.loc[rows, "pareto"] = pareto_front(table.loc[rows, "recall"], table.loc[rows, "median_ms"])
        return table

    def proposal(self, place: str | None = None) -> pd.Series:
        """Return the quickest setting that reaches the recall; of several as quick, the one that finds most.

        If none reaches it, return the one with the highest recall.

        Parameters
        ----------
        place : str, optional
            Of :attr:`places`; by default Milvus Lite.
        """
        rows = self.measured[self.measured["place"] == (place or self.stores[0])]
        enough = rows[rows["recall"] >= self.recall]
        chosen: pd.Series
        if enough.empty:
            chosen = rows.iloc[int(rows["recall"].to_numpy().argmax())]
        else:
            # Times within a tenth of each other are the same: then the one that finds more.
            quick = enough[enough["median_ms"] <= 1.1 * enough["median_ms"].min()]
            chosen = quick.sort_values(["recall", "median_ms"], ascending=[False, True]).iloc[0]
        return chosen

    @property
    def verdict(self) -> list[str]:
        """Which index to use, in sentences: one for each store that was measured."""
        return [self._verdict(place) for place in self.stores]

    def _verdict(self, place: str) -> str:
        best = self.proposal(place)
        sentences = [
            f"{place}: {best['index']}{_format_settings(best['build'], best['search'])} finds "
            f"{best['recall']:.2f} of the true {self.k} nearest in {best['median_ms']:.1f} ms (95 % within "
            f"{best['p95_ms']:.1f} ms)."
        ]
        if best["recall"] < self.recall:
            sentences.append(
                f"None of the settings reaches {self.recall:.2f}: look harder (ef, nprobe), or use FLAT."
            )
        rows = self.measured[self.measured["place"] == place]
        flat = rows[rows["index"] == "FLAT"]
        if len(flat):
            exact = float(flat["median_ms"].iloc[0])
            gain = exact / float(best["median_ms"])
            if best["index"] == "FLAT" or gain < 1.5:
                sentences.append(
                    f"FLAT compares every vector, misses nothing and takes {exact:.1f} ms: with "
                    f"{self.n_items:,} items an index hardly pays."
                )
            else:
                sentences.append(
                    f"That is {gain:.1f} times as fast as comparing every vector ({exact:.1f} ms)."
                )
        return " ".join(sentences)

    def figure(self) -> Figure:
        """Draw recall against the time of a search, a panel for each place, with rings on the Pareto front.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from matplotlib.figure import Figure

        places, table = self.places, self.table
        figure = Figure(figsize=(4.6 * len(places) + 1.6, 4.4), layout="constrained")
        panels = figure.subplots(1, len(places), sharey=True, squeeze=False)[0]
        for axes, place in zip(panels, places, strict=True):
            self._draw_panel(axes, table[table["place"] == place])
            axes.set_title(place, fontsize=12, color=INK)
        panels[0].set_ylabel(f"recall@{self.k}", fontsize=11)
        panels[0].set_ylim(top=1.03)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper", fontsize=10, frameon=False)
        figure.supxlabel(
            f"{self.n_items:,} vectors of {self.dim} numbers ({self.model}), {self.n_queries} queries",
            fontsize=10, color="#666666",
        )  # fmt: skip
        return figure

    def _draw_panel(self, axes: Axes, measured: pd.DataFrame) -> None:
        """Draw the measurements of one place."""
        for (index, _), rows in measured.groupby(["index", measured["build"].map(str)], sort=False):
            axes.plot(
                rows["median_ms"],
                rows["recall"],
                "-",
                marker=_MARKERS[str(index)],
                color=CATEGORIES[_COLORS[str(index)]],
                markersize=6,
                linewidth=1.4,
                label=f"{index}{_format_settings(rows['build'].iloc[0])}",
            )
        front = measured[measured["pareto"]].sort_values("median_ms")
        axes.scatter(
            front["median_ms"],
            front["recall"],
            s=130,
            facecolors="none",
            edgecolors=INK,
            linewidths=1.1,
            label="Pareto front",
        )
        axes.axhline(self.recall, color=GREY, linewidth=1, linestyle="--", zorder=0)
        _scale_times(axes, measured["median_ms"])
        axes.set_xlabel("milliseconds for one search (median)", fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)

    def __repr__(self) -> str:
        return "\n".join(["IndexLab", *self.verdict])

    def _repr_html_(self) -> str:
        drawing = io.BytesIO()
        self.figure().savefig(drawing, format="png", dpi=110)
        table = self.table[self.table["pareto"]].drop(columns="pareto").round(3)
        values = {
            "verdict": self.verdict,
            "k": self.k,
            "drawing": base64.b64encode(drawing.getvalue()).decode(),
            "n_settings": len(self.measured),
            "table": Markup(table.to_html(index=False, escape=True, na_rep="–")),
        }
        return render("embedlab.store", "index_lab.html", values)


def _scale_times(axes: Axes, milliseconds: pd.Series) -> None:
    """Use a linear axis for times that differ a little, and a logarithmic one from a factor of four."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    low, high = float(milliseconds.min()), float(milliseconds.max())
    if high < 4 * low:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        return
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def pareto_front(recall: pd.Series, milliseconds: pd.Series) -> np.ndarray:
    """Return which rows no other beats, shape (n_rows,), bool.

    A row beats another with at least its recall in at most its time, and better in one of the two.
    """
    r, t = recall.to_numpy(), milliseconds.to_numpy()
    beaten = (
        (r[None] >= r[:, None]) & (t[None] <= t[:, None]) & ((r[None] > r[:, None]) | (t[None] < t[:, None]))
    )
    front: np.ndarray = np.logical_not(np.any(beaten, axis=1))
    return front


def _format_settings(*several: Mapping[str, int]) -> str:
    text = ", ".join(f"{name}={value}" for settings in several for name, value in settings.items())
    return f" ({text})" if text else ""
