"""What sounds are built from: noises, struck things, oscillators, beats and rooms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from audio_files import RATE, Samples
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt


@dataclass
class Sound:
    """What was built; where the kind has them, its pitch, and how many beats, drops, sweeps … a second."""

    samples: Samples
    pitch_hz: float | None = None
    per_second: float | None = None


def between(rng: Generator, low: float, high: float) -> float:
    """A number between two, uniform in its logarithm, as pitches and tempos are heard."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def clock_of(seconds: float) -> Samples:
    """The time of each sample, in seconds."""
    return np.arange(round(seconds * RATE)) / RATE


def noise(rng: Generator, seconds: float, low: float, high: float) -> Samples:
    """White noise between two frequencies, with standard deviation 1."""
    white = rng.standard_normal(round(seconds * RATE) + 500)
    band = sosfilt(butter(2, [low, high], "bandpass", fs=RATE, output="sos"), white)[500:]
    return band / band.std()


def drift(rng: Generator, seconds: float, every: float) -> Samples:
    """A line that wanders smoothly between 0 and 1, with a new goal every so many seconds."""
    goals = rng.uniform(0, 1, int(seconds / every) + 3)
    place = clock_of(seconds) / every + rng.uniform()
    part = (1 - np.cos(np.pi * (place % 1))) / 2
    first = place.astype(int)
    return goals[first] * (1 - part) + goals[first + 1] * part


def swing(hertz: Samples | float, t: Samples) -> Samples:
    """The phase of an oscillator whose frequency may change from sample to sample."""
    return 2 * np.pi * np.cumsum(np.broadcast_to(hertz, t.shape)) / RATE


def struck(seconds: float, partials: Iterable[tuple[float, float, float]]) -> Samples:
    """Something struck once: partials of (frequency, loudness, decay in seconds)."""
    t = clock_of(seconds)
    kept = [(f, a, d) for f, a, d in partials if f < 0.45 * RATE]
    return sum((a * np.exp(-t / d) * np.sin(2 * np.pi * f * t) for f, a, d in kept), np.zeros_like(t))


def burst(rng: Generator, low: float, high: float, decay: float) -> Samples:
    """A short noise that starts at once and dies away."""
    return noise(rng, 8 * decay, low, high) * np.exp(-clock_of(8 * decay) / decay)


def lay(seconds: float, parts: Iterable[tuple[float, Samples]]) -> Samples:
    """Parts laid over each other, each at its time in seconds; what passes the end is cut."""
    out = np.zeros(round(seconds * RATE))
    for at, part in parts:
        start = round(at * RATE)
        if 0 <= start < len(out):
            out[start : start + len(part)] += part[: len(out) - start]
    return out


def beats(rng: Generator, seconds: float, every: float, jitter: float) -> Samples:
    """Times of a steady beat; a little unsteady, as people are, where jitter is above 0."""
    times = np.arange(0.05 + rng.uniform(0, every / 4), seconds - 0.1, every)
    return np.abs(times + rng.normal(0, jitter * every, len(times)))


def gate(on: NDArray[np.bool_]) -> Samples:
    """On and off as 1 and 0, with edges of 5 ms, which do not click."""
    n = round(0.005 * RATE)
    return np.convolve(on, np.ones(n) / n, "same")


def in_room(rng: Generator, samples: Samples, decay: float) -> Samples:
    """The samples in a room: an echo of noise that falls to 1/e in `decay` seconds, loud or faint."""
    echo = burst(rng, 100, 6000, decay)
    echo *= rng.uniform(0.1, 0.5) / np.sqrt(np.sum(echo**2))
    return samples + fftconvolve(samples, echo)[: len(samples)]
