"""One layer of a walk in matplotlib: its items and links, and the steps drawn over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np

from embedlab.palette import ACCENT, CATEGORIES, INK
from embedlab.store.hnsw_walk_scene import Link, Scene, SceneLayer, SceneStep

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

Box = tuple[float, float, float, float]  # left, bottom, width, height in pixels

WIDTH, HEIGHT = 720, 480  # pixels
ITEM, FAINT = "#C9C9CF", "#DCDAE8"
LOOKED, NEXT, LAST_STEP = CATEGORIES[4], CATEGORIES[2], CATEGORIES[0]
PATH, STAR = CATEGORIES[5], CATEGORIES[1]
_FRAME = "#DCDCE0"


class _Style(TypedDict, total=False):
    marker: str
    facecolor: str
    edgecolor: str
    linewidth: float


class LayerDrawing:
    """The panel of one layer.

    Parameters
    ----------
    figure : Figure
    layer : SceneLayer
    box : tuple of float
        Where in the figure, in pixels.
    scene : Scene
    """

    def __init__(self, figure: Figure, layer: SceneLayer, box: Box, scene: Scene) -> None:
        left, bottom, width, height = box
        self.scene, self.layer = scene, layer.layer
        self.axes = figure.add_axes((left / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT))
        self.axes.set(xticks=[], yticks=[], facecolor="white")
        self.axes.set_xlim(-14 / width, 1 + 14 / width)
        self.axes.set_ylim(1 + 12 / height, -26 / height)
        self.size = 1.0 if not self.layer else 0.7
        for spine in self.axes.spines.values():
            spine.set_color(_FRAME)
        self._draw_lines(layer.links, "#888888", 0.22, 0.7, keep=True)
        self._draw_dots(layer.rows, 10, keep=True, facecolor=ITEM)
        self.axes.text(
            8 / width,
            1 - 6 / height,
            f"layer {self.layer} · {layer.n:,} item{'s' * (layer.n != 1)}",
            transform=self.axes.transAxes,
            va="top",
            fontsize=9.5,
            color="#555555",
        )

    def show(self, steps: Sequence[SceneStep]) -> None:
        """Draw what was done on this layer until the last of these steps."""
        now = steps[-1]
        mine = [step for step in steps if step.layer == self.layer]
        self._draw_links(mine, now)
        best = [*mine[-1].best] if mine else []
        opened = [step.row for step in mine if step.kind not in ("enter", "end")]
        looked = {row for step in mine for row in step.looked} - {*best, *opened}
        self._draw_dots(sorted(looked), 26, facecolor=LOOKED)
        if not self.layer:
            self._draw_dots([row for row in best if row not in opened], 36, facecolor=NEXT)
        self._draw_dots(opened, 40, facecolor=LAST_STEP)
        if not self.layer:
            self._draw_result(best, now)
        if now.layer == self.layer:
            self._mark_current(now)

    def _draw_links(self, mine: list[SceneStep], now: SceneStep) -> None:
        for step in mine:
            links = [(step.row, row) for row in step.looked]
            if step is now:
                self._draw_lines(links, LAST_STEP, 0.75, 1.2)
            else:
                self._draw_lines(links, FAINT, 1, 0.7, smooth=False)  # smooth lines would double the bytes
        moves = [(step.row, step.best[0]) for step in mine if step.kind == "move"]
        self._draw_lines(moves, PATH, 1, 2.4)

    def _draw_result(self, best: list[int], now: SceneStep) -> None:
        """Draw the star, the best so far, and at the end what was missed."""
        self._draw_dots([self.scene.star], 190, marker="*", facecolor=STAR, edgecolor=INK, linewidth=0.9)
        found = best[: self.scene.k]
        if now.kind == "end":
            missed = [row for row in self.scene.exact if row not in found]
            self._draw_dots(missed, 120, marker="X", facecolor=PATH, edgecolor="white", linewidth=0.9)
        self._draw_dots(found, 150, facecolor="none", edgecolor=ACCENT, linewidth=1.7)

    def _mark_current(self, now: SceneStep) -> None:
        """Ring the item of the current step, and frame this layer."""
        if now.kind != "end":
            row = now.best[0] if now.kind == "move" else now.row
            self._draw_dots([row], 170, facecolor="none", edgecolor=INK, linewidth=1.7)
        for spine in self.axes.spines.values():
            spine.set(color=LAST_STEP, linewidth=1.8)
            self.axes.draw_artist(spine)
            spine.set(color=_FRAME, linewidth=0.8)

    def _draw_dots(
        self, rows: list[int], size: float, *, keep: bool = False, **style: Unpack[_Style]
    ) -> None:
        if rows:
            positions = np.array([self.scene.places[row] for row in rows])
            full: _Style = {"linewidth": 0, "marker": "o", **style}
            dots = self.axes.scatter(positions[:, 0], positions[:, 1], s=size * self.size, zorder=3, **full)
            self._draw(dots, keep)

    def _draw_lines(
        self,
        links: list[Link],
        color: str,
        alpha: float,
        width: float,
        *,
        keep: bool = False,
        smooth: bool = True,
    ) -> None:
        from matplotlib.collections import LineCollection

        if links:
            places = self.scene.places
            lines = LineCollection(
                [[places[a], places[b]] for a, b in links],
                colors=color,
                alpha=alpha,
                linewidths=width,
                antialiaseds=smooth,
                zorder=2,
            )
            self._draw(self.axes.add_collection(lines, autolim=False), keep)

    def _draw(self, artist: Artist, keep: bool) -> None:
        """Draw an artist now and remove it, unless it stays in every frame."""
        if not keep:
            self.axes.draw_artist(artist)
            artist.remove()
