"""Planted copies of texts and sounds, slightly changed: duplicates that are known."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd

from embedlab import settings
from embedlab.errors import BadItem
from embedlab.io.folders import build_once
from embedlab.items import Items
from embedlab.media import audio

RATE = 16_000
TEXT_CHANGES = ("capitals", "typos", "no marks", "cut short")
AUDIO_CHANGES = ("quieter", "telephone", "squeezed")


def plant_text_copies(items: Items, changes: tuple[str, ...] = TEXT_CHANGES, random_state: int = 0) -> Items:
    """Return each text unchanged, followed by one copy per change.

    Parameters
    ----------
    items : Items
        Texts.
    changes : tuple of str
        ``"capitals"``: upper case; ``"typos"``: two letters swapped in every fourth word; ``"no marks"``:
        lower case without punctuation; ``"cut short"``: without the last third of the words.
    random_state : int
        Seed of the typos.

    Returns
    -------
    Items
        Ids ``"n001/typos"``; columns ``copy_of`` (``"n001"``) and ``change``.
    """
    # numpy guarantees the numbers of RandomState across versions.
    rng = np.random.RandomState(random_state)
    transforms: dict[str, Callable[[str], str]] = {
        "capitals": str.upper,
        "typos": lambda text: _add_typos(text, rng),
        "no marks": lambda text: " ".join(re.findall(r"[\w'-]+", text.lower())),
        "cut short": lambda text: " ".join(text.split()[: -(-2 * len(text.split()) // 3)]),
    }
    rows = []
    for row in items.frame.to_dict("records"):
        for change in ("as it is", *changes):
            text = row["content"] if change == "as it is" else transforms[change](row["content"])
            copy = {"id": f"{row['id']}/{change}", "content": text, "copy_of": row["id"], "change": change}
            rows.append(row | copy)
    return Items(pd.DataFrame(rows), "text", f"{items.name} with copies")


def plant_audio_copies(items: Items, changes: tuple[str, ...] = AUDIO_CHANGES) -> Items:
    """Return each sound unchanged, followed by one copy per change; the files are cached.

    Parameters
    ----------
    items : Items
        Sounds.
    changes : tuple of str
        ``"quieter"``: a quarter of the amplitude (-12 dB); ``"telephone"``: 8,000 samples per second, so
        nothing above 4 kHz; ``"squeezed"``: MP3 at 24 kbit/s.

    Returns
    -------
    Items
        As from :func:`plant_text_copies`.

    Raises
    ------
    BadItem
        If the items are not sounds.
    """
    if items.modality != "audio":
        raise BadItem(f"Only sounds can be copied here; the items have the modality {items.modality!r}.")
    recipe = hashlib.sha256(b"".join(items.content_hashes()) + Path(__file__).read_bytes()).hexdigest()[:12]
    folder = settings.cache_root() / "datasets" / "planted" / recipe
    build_once(folder, lambda target: _write_copies(items, target))
    rows = []
    for number, row in enumerate(items.frame.to_dict("records")):
        for change in ("as it is", *changes):
            path = row["path"] if change == "as it is" else str(folder / _file_name(number, change))
            copy = {"id": f"{row['id']}/{change}", "path": path, "copy_of": row["id"], "change": change}
            rows.append(row | copy)
    return Items(pd.DataFrame(rows), "audio", f"{items.name} with copies")


def _add_typos(text: str, rng: np.random.RandomState) -> str:
    """Swap two inner letters in every fourth word."""
    words = text.split()
    for place in rng.permutation(len(words))[: -(-len(words) // 4)]:
        word = words[place]
        if len(word) > 3:
            at = 1 + rng.randint(len(word) - 2)
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _file_name(number: int, change: str) -> str:
    return f"{number:04}-{change}.{'mp3' if change == 'squeezed' else 'wav'}"


def _write_copies(items: Items, folder: Path) -> None:
    for number, path in enumerate(items.contents):
        wave = audio.read_audio(path, RATE)
        _write(folder / _file_name(number, "quieter"), wave / 4, RATE, "pcm_s16le")
        _write(
            folder / _file_name(number, "telephone"),
            audio.read_audio(path, RATE // 2),
            RATE // 2,
            "pcm_s16le",
        )
        _write(folder / _file_name(number, "squeezed"), wave, RATE, "libmp3lame", bit_rate=24_000)


def _write(path: Path, wave: np.ndarray, rate: int, codec: str, bit_rate: int | None = None) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate, layout="mono")
        if bit_rate:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(wave, np.float32).reshape(1, -1), format="flt", layout="mono"
        )
        frame.sample_rate = rate
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate)
        fifo = av.AudioFifo()
        for ready in resampler.resample(frame):
            fifo.write(ready)
        size = stream.codec_context.frame_size or 1024
        while (part := fifo.read(size)) or (part := fifo.read(0, partial=True)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
