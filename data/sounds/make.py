"""Twelve kinds of everyday sounds, ten variants each, from numpy: ``clips/*.opus`` and ``clips.csv``.

python data/sounds/make.py

Made for this kit, CC0-1.0. Nothing is recorded: each sound is built from what makes it that sound, such as
the inharmonic partials of a bell. Pitch, tempo, loudness over time and room are drawn with a fixed seed.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.random import Generator
from scipy.signal import fftconvolve

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from audio_files import empty_clips, fade, level, write_opus, write_table  # noqa: E402
from parts import Sound, beats, between, burst, clock_of, drift, gate, in_room, lay, noise, struck, swing  # noqa: E402

BIT_RATE = 28_000
VARIANTS = 10


# --- nature -----------------------------------------------------------------------------------------------


def rain(rng: Generator, seconds: float) -> Sound:
    far = noise(rng, seconds, between(rng, 600, 1500), 11_000) * (0.7 + 0.3 * drift(rng, seconds, 0.7))
    drops = between(rng, 60, 400)
    near = []
    for at in rng.uniform(0, seconds, round(drops * seconds)):
        # A drop on a leaf or a pane is a click with a ring of its own.
        ring, loud = between(rng, 1500, 7000), rng.exponential(1)
        near.append((at, loud * struck(0.02, [(ring, 1, 0.002), (1.7 * ring, 0.5, 0.001)])))
    return Sound(far + between(rng, 1, 4) * lay(seconds, near), per_second=drops)


def wind(rng: Generator, seconds: float) -> Sound:
    t, pitch = clock_of(seconds), between(rng, 250, 700)
    gust = drift(rng, seconds, between(rng, 0.5, 1.2)) ** 1.5
    # Slow noise on a carrier is a narrow band that can glide, which a fixed filter cannot: the howl.
    glide = pitch * (0.75 + 0.6 * gust)
    howl = sum(noise(rng, seconds, 2, 45) * np.cos(swing(k * glide, t)) for k in (1, 1.9))
    body = noise(rng, seconds, 60, 400) + 0.25 * noise(rng, seconds, 400, 2500)
    return Sound((0.15 + gust) * (howl + rng.uniform(0.4, 1) * body), pitch_hz=pitch)


def birds(rng: Generator, seconds: float) -> Sound:
    pitch, length, gap = between(rng, 2200, 5000), between(rng, 0.05, 0.16), between(rng, 0.03, 0.12)
    t = clock_of(length)
    syllables = []
    for _ in range(rng.integers(1, 4)):
        start, end = pitch * rng.uniform(0.75, 1.3, 2)
        trill = rng.choice([0, 0, 150]) * np.sin(2 * np.pi * between(rng, 25, 60) * t)
        note = swing(np.linspace(start, end, len(t)) + trill, t)
        syllables.append((np.sin(note) + 0.15 * np.sin(2 * note)) * np.sin(np.pi * t / length) ** 0.7)
    song, at, pause = [], rng.uniform(0.05, 0.2), between(rng, 0.15, 0.5)
    while at + length < seconds:
        # The same phrase again and again, with rests, is what tells a song from single calls.
        for syllable in syllables * int(rng.integers(1, 4)):
            song.append((at, syllable * rng.uniform(0.6, 1)))
            at += length + gap
        at += pause
    return Sound(lay(seconds, song), pitch_hz=pitch, per_second=1 / (length + gap))


# --- machine ----------------------------------------------------------------------------------------------


def engine(rng: Generator, seconds: float) -> Sound:
    t, idle = clock_of(seconds), between(rng, 22, 60)
    revs = 1 + rng.uniform(0.3, 1.5) * drift(rng, seconds, between(rng, 0.6, 1.5))
    firing = swing(idle * revs, t)
    # Cylinders are never quite alike: a share at half and quarter speed makes the rattle.
    uneven = 1 + 0.3 * np.sin(firing / 2) + 0.2 * np.sin(firing / 4 + 1)
    bang = np.exp(40 * (np.cos(firing) - 1)) * uneven
    modes = [(between(rng, low, 1.7 * low), 1, 0.9 / low) for low in (90, 260, 600, 1300)]
    exhaust = fftconvolve(bang - bang.mean(), struck(0.1, modes))[: len(t)]
    hiss = noise(rng, seconds, 800, 6000) * (0.15 + bang)
    return Sound(exhaust / exhaust.std() + rng.uniform(0.2, 0.6) * hiss, pitch_hz=idle)


def drill(rng: Generator, seconds: float) -> Sound:
    t, pitch = clock_of(seconds), between(rng, 160, 380)
    on, off = rng.uniform(0.05, 0.3), seconds - rng.uniform(0.2, 0.5)
    speed = np.clip((t - on) / 0.25, 0, 1) ** 0.5 * np.clip((seconds - t) / (seconds - off), 0, 1)
    load = 1 - rng.uniform(0.05, 0.25) * drift(rng, seconds, 0.5)
    turn = swing(pitch * speed * load, t)
    gear = int(rng.integers(6, 10))
    whine = sum(np.sin(k * turn + k) / k**0.8 for k in (1, 2, 3, 4)) + 0.8 * np.sin(gear * turn)
    grind = noise(rng, seconds, 2000, 9000) * (1 + 0.8 * np.sin(turn))
    return Sound((whine + rng.uniform(0.2, 0.6) * grind) * speed, pitch_hz=pitch)


def clock(rng: Generator, seconds: float) -> Sound:
    pitch, ticks = between(rng, 1800, 4000), between(rng, 2, 5)
    parts = []
    for number, at in enumerate(beats(rng, seconds, 1 / ticks, 0)):
        # Tick and tock: the escapement hits with another part each time.
        f = pitch * (1, 0.8)[number % 2]
        ring = [(f, 1, 0.006), (1.52 * f, 0.7, 0.004), (2.7 * f, 0.4, 0.003), (0.3 * f, 0.5, 0.012)]
        wheel = struck(0.08, ring)
        parts += [(at, wheel), (at + 0.018, 0.4 * wheel), (at, 0.3 * burst(rng, 3000, 11_000, 0.002))]
    return Sound(lay(seconds, parts), pitch_hz=pitch, per_second=ticks)


# --- signal -----------------------------------------------------------------------------------------------


def bell(rng: Generator, seconds: float) -> Sound:
    pitch, ring = between(rng, 220, 900), between(rng, 0.6, 1.8)
    # Hum, prime, minor third, fifth, octave and on, as bell founders tune them.
    ratios, loudness = (0.5, 1, 1.19, 1.5, 2, 2.51, 2.66, 3.01, 4.16, 5.43), (5, 6, 5, 3, 7, 3, 3, 3, 2, 1.5)
    tuned = zip(ratios, loudness, strict=True)
    partials = [(pitch * r * rng.normal(1, 0.004), a, ring / r) for r, a in tuned]
    clapper = 6 * burst(rng, 1500, 8000, 0.004)
    every = between(rng, 0.7, 2)
    strokes = [(0.05 + k * every, rng.uniform(0.7, 1)) for k in range(4) if 0.05 + k * every < seconds - 0.4]
    parts = [(at, loud * part) for at, loud in strokes for part in (struck(seconds, partials), clapper)]
    return Sound(lay(seconds, parts), pitch_hz=pitch, per_second=1 / every)


def siren(rng: Generator, seconds: float) -> Sound:
    t, low = clock_of(seconds), between(rng, 400, 800)
    manner = rng.choice(["wail", "yelp", "two tones"])
    fewest, most = {"wail": (0.4, 0.8), "yelp": (2.5, 4), "two tones": (0.8, 1.3)}[manner]
    sweeps = between(rng, fewest, most)
    phase = 2 * np.pi * (sweeps * t + rng.uniform())
    high = 1.335 if manner == "two tones" else rng.uniform(1.8, 2.3)
    curve = (np.tanh(25 * np.sin(phase)) if manner == "two tones" else -np.cos(phase)) / 2 + 0.5
    tone = swing(low * high**curve, t)
    horn = sum(np.sin(k * tone) / k**1.3 for k in range(1, 7))
    return Sound(horn, pitch_hz=low, per_second=sweeps)


def phone(rng: Generator, seconds: float) -> Sound:
    t, pitch, trill = clock_of(seconds), between(rng, 700, 1500), between(rng, 12, 24)
    other = pitch * rng.choice([1.2, 1.25, 4 / 3])
    upper = np.sin(2 * np.pi * trill * t) > 0
    tone = swing(np.where(upper, other, pitch), t)
    beep = np.sin(tone) + 0.35 * np.sin(3 * tone) + 0.15 * np.sin(5 * tone)
    ring, rest = rng.choice([0.4, 0.7, 1.0]), rng.choice([0.2, 0.4])
    ringing = gate((t + rng.uniform(0, 0.1)) % (ring + rest) < ring)
    return Sound(beep * ringing, pitch_hz=pitch, per_second=trill)


# --- human ------------------------------------------------------------------------------------------------


def footsteps(rng: Generator, seconds: float) -> Sound:
    steps, thump, roll = between(rng, 1.6, 3), between(rng, 80, 160), rng.uniform(0.05, 0.11)
    gravel, sole = rng.choice([0.1, 0.6]), between(rng, 1500, 4000)
    parts = []
    for at in beats(rng, seconds, 1 / steps, 0.02):
        loud = rng.uniform(0.7, 1)
        parts.append((at, loud * struck(0.2, [(thump, 2, 0.025), (2.3 * thump, 1, 0.015)])))
        parts.append((at, loud * burst(rng, 200, sole, 0.012)))
        # The sole follows the heel, and grinds on what lies on the ground.
        parts.append((at + roll, 0.5 * loud * burst(rng, 400, sole, 0.02)))
        grains = rng.uniform(0, 0.16, 40)
        parts += [(at + g, gravel * rng.exponential(0.6) * burst(rng, 2500, 9000, 0.003)) for g in grains]
    return Sound(lay(seconds, parts), per_second=steps)


def knocking(rng: Generator, seconds: float) -> Sound:
    pitch, every, group = between(rng, 150, 420), between(rng, 0.14, 0.28), int(rng.integers(2, 6))
    panel = [(r * pitch, 1 / r, 0.035 / r) for r in (1, 1.62, 2.41, 4.1)]
    parts, at = [], 0.08
    while at < seconds - 0.15:
        for number in range(group):
            knuckle = 0.8 * burst(rng, 800, 4000, 0.003)
            loud, when = rng.uniform(0.7, 1), at + number * every * rng.normal(1, 0.02)
            parts += [(when, loud * struck(0.3, panel)), (when, loud * knuckle)]
        at += group * every + between(rng, 0.3, 0.6)
    return Sound(lay(seconds, parts), pitch_hz=pitch, per_second=1 / every)


def clapping(rng: Generator, seconds: float) -> Sound:
    claps, people = between(rng, 2.8, 4.5), int(rng.choice([1, 1, 2, 4, 12]))
    parts = []
    for _ in range(people):
        hands, own = between(rng, 800, 1900), 1 / claps * rng.normal(1, 0.05 if people > 1 else 0)
        for at in beats(rng, seconds, own, 0.03):
            loud = rng.uniform(0.6, 1)
            parts.append((at, loud * burst(rng, 0.7 * hands, 1.6 * hands, 0.009)))
            parts.append((at, 0.5 * loud * burst(rng, 2500, 9000, 0.004)))
    return Sound(lay(seconds, parts), per_second=claps)


GROUPS: dict[str, tuple[Callable[[Generator, float], Sound], ...]] = {
    "nature": (rain, wind, birds),
    "machine": (engine, drill, clock),
    "signal": (bell, siren, phone),
    "human": (footsteps, knocking, clapping),
}


def main() -> None:
    """Make all clips and their table anew."""
    empty_clips(HERE / "clips")
    rows = []
    for group, makers in GROUPS.items():
        for maker in makers:
            kind = maker.__name__
            for variant in range(VARIANTS):
                # Seeded by its own name, so that a change to one kind leaves the others as they are.
                rng = np.random.default_rng([zlib.crc32(kind.encode()), variant])
                seconds, decay = round(rng.uniform(1.5, 3), 1), between(rng, 0.02, 0.25)
                sound, file = maker(rng, seconds), f"clips/{kind}-{variant:02}.opus"
                moving = 10 ** (np.linspace(*rng.uniform(-8, 0, 2), len(sound.samples)) / 20)
                heard = in_room(rng, sound.samples * moving, decay)
                write_opus(HERE / file, level(fade(heard)), BIT_RATE)
                numbers = {"pitch_hz": sound.pitch_hz, "per_second": sound.per_second, "room_s": decay}
                rounded = {name: value and round(value, 2) for name, value in numbers.items()}
                rows.append({"file": file, "kind": kind, "group": group, "seconds": seconds} | rounded)
    write_table(HERE / "clips.csv", rows)
    size = sum((HERE / row["file"]).stat().st_size for row in rows)
    print(f"{len(rows)} clips, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
