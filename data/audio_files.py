"""What the scripts of the generated sounds share: trimming, loudness, Opus files and tables."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

# Opus has 8, 12, 16, 24 and 48 kHz only; at 24 kHz nothing below 12 kHz is lost.
RATE = 24_000
MARGIN = 0.05
SILENCE_DB = -45.0
RMS_DB = -23.0
PEAK_DB = -1.0


def trim(samples: Samples) -> Samples:
    """The samples without silence at either end, but for a margin of exactly 50 ms."""
    loud = np.flatnonzero(np.abs(samples) > np.abs(samples).max() * 10 ** (SILENCE_DB / 20))
    margin = round(MARGIN * RATE)
    # Padded first, since speech may begin at once and the margins should still be alike.
    return np.pad(samples, margin)[loud[0] : loud[-1] + 1 + 2 * margin]


def fade(samples: Samples, seconds: float = 0.01) -> Samples:
    """The samples with both ends faded, so that a cut does not click."""
    n = round(seconds * RATE)
    ramp = np.sin(np.linspace(0, np.pi / 2, n)) ** 2
    faded = samples.copy()
    faded[:n] *= ramp
    faded[-n:] *= ramp[::-1]
    return faded


def level(samples: Samples) -> Samples:
    """The samples at -23 dBFS RMS, or as loud as a peak of -1 dBFS allows."""
    rms, peak = np.sqrt(np.mean(samples**2)), np.abs(samples).max()
    return samples * min(10 ** (RMS_DB / 20) / rms, 10 ** (PEAK_DB / 20) / peak)


def write_opus(path: Path, samples: Samples, bit_rate: int) -> None:
    """Write mono samples at 24 kHz as Ogg Opus; the same samples give the same bytes."""
    whole = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
    # Without "bitexact" each file gets a random serial number.
    with av.open(str(path), "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        # "lowdelay" keeps to one of the two codecs in Opus; a change between them clicks, in a siren audibly.
        how = {"application": "lowdelay"}
        stream = container.add_stream("libopus", rate=RATE, layout="mono", options=how)
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(whole[None, :], format="s16", layout="mono")
        frame.sample_rate = RATE
        for part in (frame, None):
            container.mux(stream.encode(part))


def empty_clips(folder: Path) -> None:
    """Make the folder, without clips of an earlier run that no table would name."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.opus"):
        old.unlink()


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows that share their keys as a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
