"""The sample data set ``clips``: small videos that combine an object, a motion and a sound freely.

Everything is computed from seeded random numbers: position, size, colours, speed and pitch differ from clip
to clip, so that no factor can be read off a constant.
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
_SUPERSAMPLING = 2  # drawn larger by this factor, then reduced, for smooth edges
_RECIPE = 1  # increase it when the clips change, so that cached ones are replaced
_INKS = ("#332288", "#117733", "#882255", "#AA4499", "#8B5E3C", "#1F6FA8")
_PAPERS = ("#F4F1E6", "#E6F0F4", "#F4E9E6", "#ECEAF4", "#E9F2E6")


def load_clips() -> Items:
    """Load 384 clips of two seconds, two of each combination; computed on first use.

    Returns
    -------
    Items
        With the columns ``object`` (also the label), ``motion``, ``sound``, ``take`` (1 or 2) and ``split``:
        48 of the 192 combinations are ``"held-out"``. Each two of their factors occur together in
        ``"train"``, all three never.
    """
    frame = list_clips()
    folder = build_once(
        settings.cache_root() / "datasets" / "clips" / str(_RECIPE), _write_all, needed_bytes=20_000_000
    )
    frame["path"] = [str(folder / f"{id}.mp4") for id in frame["id"]]
    return Items.from_frame(frame, modality="video", content="path", id="id", label="label", name="clips")


def list_clips() -> pd.DataFrame:
    """List what the clips show and their split, one row per clip, without computing any."""
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
    """Compute one clip as arrays.

    Parameters
    ----------
    thing, motion, sound : str
        One of ``OBJECTS``, ``MOTIONS`` and ``SOUNDS``.
    seed : int
        1 and 2 give the clips of the data set, other numbers give further ones.

    Returns
    -------
    frames : ndarray, shape (32, 112, 112, 3), uint8
        RGB, 16 frames per second.
    samples : ndarray, shape (32000,), float32
        From −1 to 1, at 16 kHz.
    """
    place = [OBJECTS.index(thing), MOTIONS.index(motion), SOUNDS.index(sound)]
    rng = np.random.default_rng([seed, *place])
    return _draw_frames(thing, motion, rng), _synthesise(sound, rng)


def write(path: Path, frames: np.ndarray, samples: np.ndarray) -> None:
    """Write a clip as MP4 (H.264 and AAC), which every browser plays."""
    import av

    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS)
        video.height, video.width = frames.shape[1:3]
        video.pix_fmt = "yuv420p"
        video.options = {"crf": "20", "preset": "fast"}
        video.codec_context.thread_count = 1  # the same bytes on any number of processors
        audio = out.add_stream("aac", rate=RATE, layout="mono")
        audio.bit_rate = 48_000
        for pixels in frames:
            out.mux(video.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        out.mux(video.encode())
        for start in range(0, len(samples), 1024):
            part = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "fltp", "mono")
            part.sample_rate, part.pts = RATE, start
            out.mux(audio.encode(part))
        out.mux(audio.encode())


def _write_all(folder: Path) -> None:
    for row in list_clips().itertuples():
        frames, samples = make(str(row.object), str(row.motion), str(row.sound), int(str(row.take)))
        write(folder / f"{row.id}.mp4", frames, samples)


# -- frames -------------------------------------------------------------------------------------------------


def _draw_frames(thing: str, motion: str, rng: np.random.Generator) -> np.ndarray:
    ink, paper = rng.choice(_INKS), rng.choice(_PAPERS)
    radius, angle = (
        rng.uniform(15, 20),
        rng.uniform(0, 2 * math.pi),
    )  # random, so that a still does not show whether it spins
    x, y = SIDE / 2 + rng.uniform(-14, 14, 2)
    reach = rng.uniform(23, 29)  # distance from the centre at which a path begins and ends
    turns = rng.choice([-1, 1]) * rng.uniform(0.7, 1.1)
    frames = []
    for t in np.linspace(0, 1, N_FRAMES):
        centre, size, rotation = [x, y], radius, angle
        if motion in ("goes right", "goes left"):
            centre[0] = SIDE / 2 + (2 * t - 1) * reach * (1 if motion == "goes right" else -1)
        elif motion == "falls":
            centre[1] = SIDE / 2 - reach + 2 * reach * t**2
        elif motion in ("grows", "shrinks"):
            size = radius * 2.6 ** ((t if motion == "grows" else 1 - t) - 0.5)
        elif motion == "spins":
            rotation = angle + 2 * math.pi * turns * t
        frames.append(_draw(thing, centre, size, rotation, ink, paper))
    return np.stack(frames)


def _draw(thing: str, centre: list[float], size: float, angle: float, ink: str, paper: str) -> np.ndarray:
    canvas = Image.new("RGB", (SIDE * _SUPERSAMPLING, SIDE * _SUPERSAMPLING), paper)
    pen = ImageDraw.Draw(canvas)

    def place(points: Any) -> list[tuple[float, float]]:
        """Convert points around the centre of the object, in units of its size, to pixels."""
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return [
            tuple(p) for p in ((np.asarray(points, float) @ turn.T * size + centre) * _SUPERSAMPLING).tolist()
        ]

    def disc(position: tuple[float, float], radius: float, color: str) -> None:
        (x, y), r = place([position])[0], radius * size * _SUPERSAMPLING
        pen.ellipse((x - r, y - r, x + r, y + r), fill=color)

    if thing in ("ball", "ring", "moon"):
        disc((0, 0), 1, ink)
        if thing == "ring":
            disc((0, 0), 0.55, paper)
        if thing == "moon":
            disc((0.45, -0.15), 0.8, paper)
    else:
        pen.polygon(place(_OUTLINES[thing]), fill=ink)
    disc(_DOTS.get(thing, (0, -0.45)), 0.14, "#FFFFFF")  # makes the spin of a ball visible
    return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BOX))


def _rays(n: int, inner: float) -> list[tuple[float, float]]:
    """Return points on a circle, every second one nearer to the centre."""
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


# -- sound ---------------------------------------------------------------------------------------------------


def _synthesise(sound: str, rng: np.random.Generator) -> np.ndarray:
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
    else:  # wind: rising noise, dominated by low frequencies
        smooth = np.exp(-np.arange(40) / rng.uniform(3, 10))
        wave = np.convolve(rng.normal(size=t.size + 39), smooth, "valid") * (0.15 + (t / SECONDS) ** 1.5)
    edge = np.clip(np.minimum(t, SECONDS - t) / 0.02, 0, 1)
    samples: np.ndarray = wave * edge / np.abs(wave).max() * rng.uniform(0.5, 0.8)
    return samples.astype(np.float32)
