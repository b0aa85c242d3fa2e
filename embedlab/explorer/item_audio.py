"""Sounds of items: waveform, spectrogram and a play button in the panel, and a file to play."""

from __future__ import annotations

import io
import json
import wave
from functools import lru_cache
from pathlib import Path

import numpy as np
from markupsafe import Markup

from embedlab.explorer.item_image import data_url, item_title
from embedlab.io.html import render
from embedlab.items import Items
from embedlab.items.fragments import parse_fragment
from embedlab.media import audio
from embedlab.media.errors import UnreadableMedia
from embedlab.media.spectrogram import MAX_SECONDS, draw_mel, draw_waveform, shown_seconds

_WIDTH, _WAVEFORM_HEIGHT, _MEL_HEIGHT = 512, 84, 200  # pixels
_LEGEND = "loudness; below it, pitch up to 8 kHz"
_TOLERANCE = 0.01  # seconds by which a file may be longer without being called too long

FileVersion = tuple[int, int] | None


def render_audio(items: Items, row: int) -> Markup:
    """Render a sound with its file name, or why it cannot be read."""
    path, title = str(items.frame["path"].iloc[row]), item_title(items, row)
    try:
        samples = _read_samples(path, file_version(path))
        notes = _list_notes(path)
    except UnreadableMedia as error:
        return render_unreadable(title, error)
    length = shown_seconds(samples)
    values = {
        "id_json": json.dumps(items.ids[row]),
        "seconds": f"{length:.3f}",
        "length": f"{length:.2f} s",
        "legend": _LEGEND,
        "source": data_url(_draw(samples), "image/jpeg"),
        "title": title,
        "notes": notes,
    }
    return render("embedlab.explorer", "audio.html", values)


def render_unreadable(title: str, error: UnreadableMedia) -> Markup:
    """Render the name of a file and why it cannot be read."""
    values = {"title": title, "reason": error.problem.reason}
    return render("embedlab.explorer", "unreadable.html", values)


def encode_wav(path: str) -> bytes:
    """Encode the first 30 s as a model receives them: a WAV file, mono, 16 kHz, 16 bits.

    Raises
    ------
    UnreadableMedia
        If the file cannot be read or has no sound.
    """
    samples, file = _read_samples(path, file_version(path)), io.BytesIO()
    loudest = max(1.0, float(np.abs(samples).max()))  # samples stored as floats may exceed full scale
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(audio.RATE)
        out.writeframes((samples / loudest * 32_767).round().astype("<i2").tobytes())
    return file.getvalue()


def file_version(path: str) -> FileVersion:
    """Return size and modification time of a file, to tell whether it has changed; None if it is gone."""
    try:
        stat = Path(parse_fragment(path)[0]).stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _list_notes(path: str) -> list[str]:
    length = audio.read_duration(path)
    if length is None or length > MAX_SECONDS + _TOLERANCE:
        total = "" if length is None else f" of {length:,.0f} s"
        return [f"The first {MAX_SECONDS:.0f} s{total} are shown and played."]
    try:
        return list(audio.list_notes(path))
    except UnreadableMedia as error:  # its beginning can be played
        return [f"It cannot be embedded: {error.problem.reason}."]


def _draw(samples: np.ndarray) -> bytes:
    """Draw the waveform above the spectrogram, as JPEG."""
    from PIL import Image

    image = Image.new("RGB", (_WIDTH, _WAVEFORM_HEIGHT + _MEL_HEIGHT), "white")
    image.paste(draw_waveform(samples, _WIDTH, _WAVEFORM_HEIGHT), (0, 0))
    image.paste(draw_mel(samples, _WIDTH, _MEL_HEIGHT), (0, _WAVEFORM_HEIGHT))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


@lru_cache(maxsize=8)  # the panel is rendered again with every choice, and playing needs the same samples
def _read_samples(path: str, _version: FileVersion) -> np.ndarray:
    return audio.read_start(path, MAX_SECONDS)
