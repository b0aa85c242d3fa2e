"""How a sound is shown in the panel: waveform, spectrogram, and a button that plays it."""

from __future__ import annotations

import base64
import io
import json
import os
import wave
from functools import lru_cache
from pathlib import Path

import numpy as np

from embedlab.errors import BadItem
from embedlab.io.text import clip, escape
from embedlab.items import Items
from embedlab.items.fragments import parse_fragment
from embedlab.media import audio
from embedlab.media.spectrogram import MAX_SECONDS, draw_mel, draw_waveform, shown_seconds

_WIDTH, _WAVE, _MEL = 512, 84, 200  # pixels
_LEGEND = "loudness; below it, pitch up to 8 kHz"


def sound_html(items: Items, row: int) -> str:
    """One sound with its file name, or what is wrong with it; no folder of this machine is shown."""
    path, title = str(items.frame["path"].iloc[row]), items.title(items.ids[row])
    name = f"<bdi>{escape(clip(title, 80))}</bdi>"
    try:
        samples = _heard(path, stamp(path))
        remarks = _remarks(path)
    except BadItem as error:
        why = escape(without_folder(str(error), path))
        return f'<p class="embedlab-note">{name}</p><p class="embedlab-error" role="alert">{why}</p>'
    length = shown_seconds(samples)
    said = "".join(f'<p class="embedlab-note">{escape(remark)}</p>' for remark in remarks)
    return (
        f'<figure class="embedlab-sound" data-plays="{escape(json.dumps(items.ids[row]))}" '
        f'data-seconds="{length:.3f}">'
        f'<div class="embedlab-heard"><img alt="Waveform and mel spectrogram" '
        f'src="data:image/jpeg;base64,{_picture(samples)}"><i class="embedlab-playhead"></i></div>'
        f'<div class="embedlab-note embedlab-scale"><span>0 s</span><span>{_LEGEND}</span>'
        f"<span>{length:.2f} s</span></div>"
        '<figcaption><button type="button" class="embedlab-play" data-lm-suppress-shortcuts="true">'
        "Play</button>"
        f'<span class="embedlab-note">{name}</span></figcaption></figure>{said}'
    )


def wav(path: str) -> bytes:
    """The first 30 s as a model hears them: mono, 16 kHz, 16 bits, in a WAV file.

    Raises
    ------
    BadItem
        When there is nothing to hear.
    """
    samples, file = _heard(path, stamp(path)), io.BytesIO()
    loudest = max(1.0, float(np.abs(samples).max()))  # floats may go beyond what 16 bits can say
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(audio.RATE)
        out.writeframes((samples / loudest * 32_767).round().astype("<i2").tobytes())
    return file.getvalue()


def _remarks(path: str) -> list[str]:
    length = audio.read_duration(path)
    if length is None or length > MAX_SECONDS + 0.01:
        whole = "" if length is None else f" of {length:,.0f} s"
        return [f"The first {MAX_SECONDS:.0f} s{whole} are shown and played."]
    try:
        return list(audio.list_notes(path))
    except BadItem as error:
        return [without_folder(str(error), path)]  # it can be heard, in part, but not embedded


def without_folder(words: str, path: str) -> str:
    """What others may see: files by their names alone."""
    folder = Path(path).parent
    return words if folder == Path() else words.replace(f"{folder}{os.sep}", "")


def _picture(samples: np.ndarray) -> str:
    from PIL import Image

    both = Image.new("RGB", (_WIDTH, _WAVE + _MEL), "white")
    both.paste(draw_waveform(samples, _WIDTH, _WAVE), (0, 0))
    both.paste(draw_mel(samples, _WIDTH, _MEL), (0, _WAVE))
    file = io.BytesIO()
    both.save(file, "JPEG", quality=85)
    return base64.b64encode(file.getvalue()).decode("ascii")


def stamp(path: str) -> tuple[int, int] | None:
    """Size and time of the last change of a file, so that what was made from it is made anew."""
    try:
        stat = Path(parse_fragment(path)[0]).stat()
    except OSError:
        return None  # reading will say so
    return stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=8)  # the panel is written anew with every choice, and the sound follows its picture
def _heard(path: str, _stamp: tuple[int, int] | None) -> np.ndarray:
    return audio.read_start(path, MAX_SECONDS)
