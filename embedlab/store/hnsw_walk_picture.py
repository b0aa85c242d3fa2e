"""The walk as a picture that moves without Python: for stored notebooks, slides and web pages."""

from __future__ import annotations

import io
import textwrap
import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from embedlab.io.text import clip
from embedlab.palette import ACCENT, CATEGORIES, INK
from embedlab.store.hnsw_walk_view import scene

if TYPE_CHECKING:
    from PIL.Image import Image

    from embedlab.store.hnsw_walk_result import HnswWalk

WIDTH, HEIGHT, DPI = 720, 480, 100  # pixels, pixels, pixels per inch
_TOP, _BOTTOM, _SIDE, _GAP = 34, 90, 176, 8  # pixels: title, words, width of the upper layers
_PACE, _REST = 1500, 6000  # milliseconds: of a step, and of the last
_DOT, _LOOKED, _BEST, _OPENED = "#C9C9CF", CATEGORIES[4], CATEGORIES[2], CATEGORIES[0]
_PATH, _STAR, _FAINT = CATEGORIES[5], CATEGORIES[1], "#DCDAE8"


def picture(walk: HnswWalk, form: str) -> bytes:
    """Draw a walk.

    Parameters
    ----------
    walk : HnswWalk
    form : {"png", "apng", "gif"}
        The last step, or all steps one after the other. An APNG is a PNG that moves; what cannot play it
        shows the last step.

    Returns
    -------
    bytes
    """
    told = scene(walk)
    steps = range(len(told["steps"])) if form != "png" else [len(told["steps"]) - 1]
    frames = _few_colors(_frames(told, list(steps)))
    out = io.BytesIO()
    times = [_PACE] * (len(frames) - 1) + [_REST]
    if form == "png":
        frames[0].save(out, "PNG", optimize=True)
    elif form == "apng":
        frames[-1].save(
            out, "PNG", save_all=True, append_images=_changes(frames), default_image=True, blend=1,
            duration=[0, *times], loop=0, optimize=True, transparency=0,
        )  # fmt: skip
    else:
        frames[0].save(
            out, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True
        )
    return out.getvalue()


def _few_colors(frames: list[Image]) -> list[Image]:
    """All frames in one palette of our own: each colour in a few strengths. Index 0 is left free."""
    from PIL import Image

    colors = [_DOT, "#888888", _FAINT, _LOOKED, _BEST, _OPENED, _PATH, _STAR, ACCENT, INK]
    shades = [255, 0, 255] + [255] * 3
    for color in colors:
        full = [int(color[place : place + 2], 16) for place in (1, 3, 5)]
        for strength in (1, 0.6, 0.25):
            shades += [round(255 - strength * (255 - value)) for value in full]
    palette = Image.new("P", (1, 1))
    palette.putpalette(shades)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]


def _changes(frames: list[Image]) -> list[Image]:
    """Of each frame but the first only what differs from the one before; the rest is see-through."""
    from PIL import Image

    pixels = [np.asarray(frame) for frame in frames]
    found = [frames[0]]
    for before, after in pairwise(pixels):
        change = Image.fromarray(np.where(before == after, 0, after).astype(np.uint8), "P")
        change.putpalette(frames[0].getpalette() or [])
        found.append(change)
    return found


def _frames(told: dict[str, Any], steps: list[int]) -> list[Image]:
    """One picture a step; what stands still is drawn once."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    _write(figure, 12, HEIGHT - 22, f"HNSW looks for “{clip(told['query'], 32)}”", size=11.5, weight="bold")
    for place, line in enumerate(textwrap.wrap(told["caution"], 116)):
        _write(figure, 12, 26 - 14 * place, line, size=8, color="#666666")
    sheets = {about["layer"]: _Sheet(figure, about, box, told) for about, box in _boxes(told["layers"])}
    made = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas.draw()  # type: ignore[no-untyped-call]
        still = canvas.copy_from_bbox(figure.bbox)  # type: ignore[no-untyped-call]
        for step in steps:
            canvas.restore_region(still)  # type: ignore[no-untyped-call]
            now = told["steps"][step]
            for sheet in sheets.values():
                sheet.show(told["steps"][: step + 1])
            count = f"{now['compared']} comparisons · exact search: {told['n']:,}"
            drawn = [_write(figure, WIDTH - 12, HEIGHT - 22, count, size=11, ha="right")]
            for place, line in enumerate(textwrap.wrap(now["words"], 102)[:3]):
                drawn.append(_write(figure, 12, _BOTTOM - 24 - 17 * place, line, size=9.5))
            for text in drawn:
                figure.draw_artist(text)
                text.remove()
            pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
            made.append(Image.fromarray(pixels).convert("RGB"))
    return made


Box = tuple[float, float, float, float]  # left, bottom, width, height in pixels


def _boxes(layers: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Box]]:
    """The upper layers at the left, from the top down; layer 0 large at the right."""
    upper, high = layers[:-1], HEIGHT - _TOP - _BOTTOM
    if not upper:
        return [(layers[0], (12, _BOTTOM, WIDTH - 24, high))]
    columns = 2 if len(upper) > 4 else 1
    rows = -(-len(upper) // columns)
    wide, each = (_SIDE - _GAP * (columns - 1)) / columns, (high - _GAP * (rows - 1)) / rows
    found = []
    for place, about in enumerate(upper):
        row, column = divmod(place, columns)
        bottom = _BOTTOM + high - (row + 1) * each - row * _GAP
        found.append((about, (12 + column * (wide + _GAP), bottom, wide, each)))
    left = 12 + _SIDE + _GAP
    return [*found, (layers[-1], (left, _BOTTOM, WIDTH - 12 - left, high))]


class _Sheet:
    """One layer: its items and links stand still, the steps are drawn over them."""

    def __init__(self, figure: Any, about: dict[str, Any], box: Box, told: dict[str, Any]) -> None:
        left, bottom, wide, high = box
        self.told, self.layer = told, about["layer"]
        self.axes = figure.add_axes((left / WIDTH, bottom / HEIGHT, wide / WIDTH, high / HEIGHT))
        self.axes.set(xticks=[], yticks=[], facecolor="white")
        self.axes.set_xlim(-14 / wide, 1 + 14 / wide)
        self.axes.set_ylim(1 + 12 / high, -26 / high)
        self.size = 1.0 if not self.layer else 0.7
        for side in self.axes.spines.values():
            side.set_color("#DCDCE0")
        self._lines(about["links"], "#888888", 0.22, 0.7, still=True)
        self._dots(about["rows"], 10, still=True, facecolor=_DOT)
        n = about["n"]
        name = f"layer {self.layer} · {n:,} item{'s' * (n != 1)}"
        self.name = self.axes.text(
            8 / wide,
            1 - 6 / high,
            name,
            transform=self.axes.transAxes,
            va="top",
            fontsize=9.5,
            color="#555555",
        )

    def show(self, steps: list[dict[str, Any]]) -> None:
        """What was done on this layer until the last of these steps."""
        now = steps[-1]
        mine = [step for step in steps if step["layer"] == self.layer]
        for step in mine:
            pairs = [(step["row"], row) for row in step["looked"]]
            if step is now:
                self._lines(pairs, _OPENED, 0.75, 1.2)
            else:
                self._lines(pairs, _FAINT, 1, 0.7, smooth=False)  # smooth lines would double the bytes
        moves = [(step["row"], step["best"][0]) for step in mine if step["kind"] == "move"]
        self._lines(moves, _PATH, 1, 2.4)
        best = [*mine[-1]["best"]] if mine else []
        opened = [step["row"] for step in mine if step["kind"] not in ("enter", "end")]
        looked = {row for step in mine for row in step["looked"]} - {*best, *opened}
        self._dots(sorted(looked), 26, facecolor=_LOOKED)
        if not self.layer:
            self._dots([row for row in best if row not in opened], 36, facecolor=_BEST)
        self._dots(opened, 40, facecolor=_OPENED)
        if not self.layer:
            star: dict[str, Any] = {"facecolor": _STAR, "edgecolor": INK, "linewidth": 0.9}
            self._dots([self.told["star"]], 190, marker="*", **star)
            found = best[: self.told["k"]]
            if now["kind"] == "end":
                missed = [row for row in self.told["exact"] if row not in found]
                self._dots(missed, 120, marker="X", facecolor=_PATH, edgecolor="white", linewidth=0.9)
            self._dots(found, 150, facecolor="none", edgecolor=ACCENT, linewidth=1.7)
        if now["layer"] == self.layer:
            if now["kind"] != "end":
                here = now["best"][0] if now["kind"] == "move" else now["row"]
                self._dots([here], 170, facecolor="none", edgecolor=INK, linewidth=1.7)
            for side in self.axes.spines.values():
                side.set(color=_OPENED, linewidth=1.8)
                self.axes.draw_artist(side)
                side.set(color="#DCDCE0", linewidth=0.8)

    def _dots(
        self, rows: list[int], size: float, *, still: bool = False, marker: str = "o", **how: Any
    ) -> None:
        if rows:
            places = np.array([self.told["places"][row] for row in rows])
            style = {"linewidth": 0, **how}
            made = self.axes.scatter(*places.T, s=size * self.size, marker=marker, zorder=3, **style)
            self._drawn(made, still)

    def _lines(
        self,
        pairs: list[Any],
        color: str,
        alpha: float,
        width: float,
        *,
        still: bool = False,
        smooth: bool = True,
    ) -> None:
        from matplotlib.collections import LineCollection

        if pairs:
            places = self.told["places"]
            ends = [[places[a], places[b]] for a, b in pairs]
            made = LineCollection(
                ends, colors=color, alpha=alpha, linewidths=width, antialiaseds=smooth, zorder=2
            )
            self._drawn(self.axes.add_collection(made, autolim=False), still)

    def _drawn(self, artist: Any, still: bool) -> None:
        if not still:
            self.axes.draw_artist(artist)
            artist.remove()


def _write(figure: Any, x: float, y: float, text: str, *, size: float, color: str = INK, **how: Any) -> Any:
    written = figure.text(x / WIDTH, y / HEIGHT, text, fontsize=size, color=color, **how)
    written.set_parse_math(False)
    return written
