"""The walk as a picture that moves without Python: for stored notebooks, slides and web pages."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from embedlab.io.text import clip
from embedlab.palette import ACCENT, INK
from embedlab.store.hnsw_walk_layer import (
    FAINT,
    HEIGHT,
    ITEM,
    LAST_STEP,
    LOOKED,
    NEXT,
    PATH,
    STAR,
    WIDTH,
    Box,
    LayerDrawing,
)
from embedlab.store.hnsw_walk_scene import Scene, SceneLayer

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from PIL.Image import Image

Form = Literal["png", "apng", "gif"]

_DPI = 100  # pixels per inch
_TOP, _BOTTOM, _SIDE, _GAP = 34, 90, 176, 8  # pixels: title, words, width of the upper layers
_STEP_MS, _LAST_MS = 1500, 6000  # for how long a step is shown, and the last


def draw_walk(scene: Scene, form: Form) -> bytes:
    """Draw a walk.

    Parameters
    ----------
    scene : Scene
    form : {"png", "apng", "gif"}
        The last step, or all steps one after the other. An APNG is a PNG that moves; programs that cannot
        play it show the last step.

    Returns
    -------
    bytes
        The file.
    """
    n_steps = len(scene.steps)
    frames = _quantize(_draw_frames(scene, range(n_steps) if form != "png" else [n_steps - 1]))
    times = [_STEP_MS] * (len(frames) - 1) + [_LAST_MS]
    out = io.BytesIO()
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


def _quantize(frames: list[Image]) -> list[Image]:
    """Convert all frames to one palette: each colour in three strengths. Index 0 stays free."""
    from PIL import Image

    colors = [ITEM, "#888888", FAINT, LOOKED, NEXT, LAST_STEP, PATH, STAR, ACCENT, INK]
    shades = [255, 0, 255] + [255] * 3
    for color in colors:
        full = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
        for strength in (1, 0.6, 0.25):
            shades += [round(255 - strength * (255 - value)) for value in full]
    palette = Image.new("P", (1, 1))
    palette.putpalette(shades)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]


def _changes(frames: list[Image]) -> list[Image]:
    """Keep of each frame but the first only what differs from the one before; the rest is transparent."""
    from PIL import Image

    pixels = [np.asarray(frame) for frame in frames]
    changes = [frames[0]]
    for before, after in pairwise(pixels):
        change = Image.fromarray(np.where(before == after, 0, after).astype(np.uint8), "P")
        change.putpalette(frames[0].getpalette() or [])
        changes.append(change)
    return changes


def _draw_frames(scene: Scene, steps: Sequence[int]) -> list[Image]:
    """Draw one picture a step; what does not change is drawn once."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(WIDTH / _DPI, HEIGHT / _DPI), dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    _write(figure, 12, HEIGHT - 22, f"HNSW looks for “{clip(scene.query, 32)}”", size=11.5, bold=True)
    for number, line in enumerate(textwrap.wrap(scene.caution, 116)):
        _write(figure, 12, 26 - 14 * number, line, size=8, color="#666666")
    drawings = [LayerDrawing(figure, layer, box, scene) for layer, box in _place_layers(scene.layers)]
    frames = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas.draw()  # type: ignore[no-untyped-call]
        background = canvas.copy_from_bbox(figure.bbox)  # type: ignore[no-untyped-call]
        for step in steps:
            canvas.restore_region(background)  # type: ignore[no-untyped-call]
            for drawing in drawings:
                drawing.show(scene.steps[: step + 1])
            for text in _write_step(figure, scene, step):
                figure.draw_artist(text)
                text.remove()
            pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
            frames.append(Image.fromarray(pixels).convert("RGB"))
    return frames


def _write_step(figure: Figure, scene: Scene, step: int) -> list[Text]:
    """Write the count of comparisons and what happens."""
    now = scene.steps[step]
    count = f"{now.compared} comparisons · exact search: {scene.n:,}"
    texts = [_write(figure, WIDTH - 12, HEIGHT - 22, count, size=11, right=True)]
    for number, line in enumerate(textwrap.wrap(now.words, 102)[:3]):
        texts.append(_write(figure, 12, _BOTTOM - 24 - 17 * number, line, size=9.5))
    return texts


def _place_layers(layers: list[SceneLayer]) -> list[tuple[SceneLayer, Box]]:
    """Place the upper layers at the left, from the top down, and layer 0 large at the right."""
    upper, height = layers[:-1], HEIGHT - _TOP - _BOTTOM
    if not upper:
        return [(layers[0], (12, _BOTTOM, WIDTH - 24, height))]
    columns = 2 if len(upper) > 4 else 1
    rows = -(-len(upper) // columns)
    box_width = (_SIDE - _GAP * (columns - 1)) / columns
    box_height = (height - _GAP * (rows - 1)) / rows
    placed: list[tuple[SceneLayer, Box]] = []
    for number, layer in enumerate(upper):
        row, column = divmod(number, columns)
        bottom = _BOTTOM + height - (row + 1) * box_height - row * _GAP
        placed.append((layer, (12 + column * (box_width + _GAP), bottom, box_width, box_height)))
    left = 12 + _SIDE + _GAP
    return [*placed, (layers[-1], (left, _BOTTOM, WIDTH - 12 - left, height))]


def _write(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    color: str = INK,
    bold: bool = False,
    right: bool = False,
) -> Text:
    """Write a text at a position in pixels, which is its left or right end."""
    written: Text = figure.text(
        x / WIDTH,
        y / HEIGHT,
        text,
        fontsize=size,
        color=color,
        weight="bold" if bold else "normal",
        ha="right" if right else "left",
    )
    written.set_parse_math(False)
    return written
