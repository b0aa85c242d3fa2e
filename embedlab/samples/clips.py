"""The sample data set ``clips``: small films in which a thing, its motion and a sound are chosen freely.

Everything is computed here, from numbers drawn with a seed: place, size, colours, speed and pitch differ from
clip to clip, so that no factor can be read off a constant.
"""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from embedlab import settings
from embedlab.io.folders import build_once
from embedlab.items import Items

OBJECTS = ("ball", "square", "triangle", "star", "ring", "cross", "moon", "arrow")
MOTIONS = ("goes right", "goes left", "falls", "grows", "shrinks", "spins")
SOUNDS = ("tone", "siren", "beats", "wind")
TAKES = (1, 2)
SIDE, FPS, SECONDS, RATE = 112, 16, 2, 16_000
N_FRAMES, N_SAMPLES = FPS * SECONDS, RATE * SECONDS
_FINER = 2  # drawn so many times larger, then made smaller: smooth edges
_RECIPE = 1  # of these numbers and pictures; another one is made anew
_INKS = ("#332288", "#117733", "#882255", "#AA4499", "#8B5E3C", "#1F6FA8")
_PAPERS = ("#F4F1E6", "#E6F0F4", "#F4E9E6", "#ECEAF4", "#E9F2E6")


def load_clips() -> Items:
    """384 clips of two seconds, two of each combination; made on first use.

    Returns
    -------
    Items
        With the columns ``object`` (also the label), ``motion``, ``sound``, ``take`` (1 or 2) and ``split``:
        48 of the 192 combinations are ``"held-out"``. Of those each two factors occur together in
        ``"train"``, all three never.
    """
    frame = table()
    folder = build_once(
        settings.cache_root() / "datasets" / "clips" / str(_RECIPE), _make, needed_bytes=20_000_000
    )
    frame["path"] = [str(folder / f"{id}.mp4") for id in frame["id"]]
    return Items.from_frame(frame, modality="video", content="path", id="id", label="label", name="clips")


def table() -> pd.DataFrame:
    """What the clips show and in which part they are, one row a clip; nothing is made."""
    rows: list[dict[str, Any]] = []
    for o, m, s, take in product(range(len(OBJECTS)), range(len(MOTIONS)), range(len(SOUNDS)), TAKES):
        thing, motion, sound = OBJECTS[o], MOTIONS[m], SOUNDS[s]
        rows.append(
            {
                "id": f"{thing} {motion} {sound} {take}".replace(" ", "-"),
                "label": thing,
                "object": thing,
                "motion": motion,
                "sound": sound,
                "take": take,
                "split": "train" if (o + m + s) % 4 else "held-out",
            }
        )
    return pd.DataFrame(rows)


def make(thing: str, motion: str, sound: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One clip, as arrays.

    Parameters
    ----------
    thing, motion, sound : str
        One of ``OBJECTS``, ``MOTIONS`` and ``SOUNDS``.
    seed : int
        1 and 2 give the clips of the data set, every other number gives other ones.

    Returns
    -------
    frames : ndarray, shape (32, 112, 112, 3), uint8
        RGB, 16 a second.
    samples : ndarray, shape (32000,), float32
        From −1 to 1, at 16 kHz.
    """
    place = [OBJECTS.index(thing), MOTIONS.index(motion), SOUNDS.index(sound)]
    rng = np.random.default_rng([seed, *place])
    return _frames(thing, motion, rng), _samples(sound, rng)


def write(path: Path, frames: np.ndarray, samples: np.ndarray) -> None:
    """A clip as MP4 (H.264 and AAC), which every browser plays."""
    import av

    with av.open(str(path), "w") as out:
        seen = out.add_stream("libx264", rate=FPS)
        seen.height, seen.width = frames.shape[1:3]
        seen.pix_fmt = "yuv420p"
        seen.options = {"crf": "20", "preset": "fast"}
        seen.codec_context.thread_count = 1  # the same bytes on any number of processors
        heard = out.add_stream("aac", rate=RATE, layout="mono")
        heard.bit_rate = 48_000
        for pixels in frames:
            out.mux(seen.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        out.mux(seen.encode())
        for start in range(0, len(samples), 1024):
            part = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "fltp", "mono")
            part.sample_rate, part.pts = RATE, start
            out.mux(heard.encode(part))
        out.mux(heard.encode())


def _make(folder: Path) -> None:
    for row in table().itertuples():
        frames, samples = make(str(row.object), str(row.motion), str(row.sound), int(str(row.take)))
        write(folder / f"{row.id}.mp4", frames, samples)


# -- what is seen --------------------------------------------------------------------------------------------


def _frames(thing: str, motion: str, rng: np.random.Generator) -> np.ndarray:
    ink, paper = rng.choice(_INKS), rng.choice(_PAPERS)
    radius, angle = rng.uniform(15, 20), rng.uniform(0, 2 * math.pi)  # a still must not tell who spins
    x, y = SIDE / 2 + rng.uniform(-14, 14, 2)
    reach = rng.uniform(23, 29)  # how far from the middle a way begins and ends
    turns = rng.choice([-1, 1]) * rng.uniform(0.7, 1.1)
    shown = []
    for t in np.linspace(0, 1, N_FRAMES):
        at, size, turned = [x, y], radius, angle
        if motion in ("goes right", "goes left"):
            at[0] = SIDE / 2 + (2 * t - 1) * reach * (1 if motion == "goes right" else -1)
        elif motion == "falls":
            at[1] = SIDE / 2 - reach + 2 * reach * t**2
        elif motion in ("grows", "shrinks"):
            size = radius * 2.6 ** ((t if motion == "grows" else 1 - t) - 0.5)
        elif motion == "spins":
            turned = angle + 2 * math.pi * turns * t
        shown.append(_picture(thing, at, size, turned, ink, paper))
    return np.stack(shown)


def _picture(thing: str, at: list[float], size: float, angle: float, ink: str, paper: str) -> np.ndarray:
    canvas = Image.new("RGB", (SIDE * _FINER, SIDE * _FINER), paper)
    pen = ImageDraw.Draw(canvas)

    def place(points: Any) -> list[tuple[float, float]]:
        """Points around the middle of the thing, 1 being its size, as pixels."""
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return [tuple(p) for p in ((np.asarray(points, float) @ turn.T * size + at) * _FINER).tolist()]

    def disc(middle: tuple[float, float], radius: float, color: str) -> None:
        (x, y), r = place([middle])[0], radius * size * _FINER
        pen.ellipse((x - r, y - r, x + r, y + r), fill=color)

    if thing in ("ball", "ring", "moon"):
        disc((0, 0), 1, ink)
        if thing == "ring":
            disc((0, 0), 0.55, paper)
        if thing == "moon":
            disc((0.45, -0.15), 0.8, paper)
    else:
        pen.polygon(place(_OUTLINES[thing]), fill=ink)
    disc(_DOTS.get(thing, (0, -0.45)), 0.14, "#FFFFFF")  # without it nobody would see a ball spin
    return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BOX))


def _rays(n: int, inner: float) -> list[tuple[float, float]]:
    """Points on a circle, every second one nearer to the middle."""
    steps = [(math.pi * i / n, 1.1 if i % 2 == 0 else inner) for i in range(2 * n)]
    return [(r * math.sin(a), -r * math.cos(a)) for a, r in steps]


_OUTLINES = {
    "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    "triangle": [(0, -1.1), (1.05, 0.8), (-1.05, 0.8)],
    "star": _rays(5, 0.45),
    "cross": [
        (-0.35, -1), (0.35, -1), (0.35, -0.35), (1, -0.35), (1, 0.35), (0.35, 0.35),
        (0.35, 1), (-0.35, 1), (-0.35, 0.35), (-1, 0.35), (-1, -0.35), (-0.35, -0.35),
    ],
    "arrow": [(0, -1.1), (0.85, -0.1), (0.33, -0.1), (0.33, 1), (-0.33, 1), (-0.33, -0.1), (-0.85, -0.1)],
}  # fmt: skip
_DOTS = {"ring": (0, -0.78), "moon": (-0.62, 0.1), "triangle": (0, -0.3)}


# -- what is heard -------------------------------------------------------------------------------------------


def _samples(sound: str, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(N_SAMPLES) / RATE
    pitch = 220 * 2 ** rng.uniform(0, 1.6)  # Hz
    if sound == "tone":
        wave = sum(np.sin(2 * np.pi * n * pitch * t) / n**1.5 for n in (1, 2, 3))
    elif sound == "siren":
        higher = rng.uniform(2.2, 3.2)
        wave = np.sin(2 * np.pi * pitch * SECONDS / np.log(higher) * higher ** (t / SECONDS))
    elif sound == "beats":
        since = (t + rng.uniform(0, 0.2)) % (1 / rng.uniform(3.0, 6.0))
        wave = np.exp(-since * rng.uniform(25, 40)) * (
            np.sin(2 * np.pi * pitch * t) + 0.5 * rng.normal(size=t.size)
        )
    else:  # wind: noise in which low frequencies prevail, rising
        smooth = np.exp(-np.arange(40) / rng.uniform(3, 10))
        wave = np.convolve(rng.normal(size=t.size + 39), smooth, "valid") * (0.15 + (t / SECONDS) ** 1.5)
    edge = np.clip(np.minimum(t, SECONDS - t) / 0.02, 0, 1)
    made: np.ndarray = wave * edge / np.abs(wave).max() * rng.uniform(0.5, 0.8)
    return made.astype(np.float32)
