"""How a film is shown in the panel: a sheet of its frames, and a button that plays it with its sound."""

from __future__ import annotations

import base64
import io
import json
from fractions import Fraction
from functools import lru_cache

import numpy as np

from embedlab.errors import BadItem
from embedlab.explorer.sounds import stamp, without_folder
from embedlab.io.text import clip, escape
from embedlab.items import Items
from embedlab.items.fragments import parse_fragment
from embedlab.media import video
from embedlab.media.thumbnails import LARGE, thumbnail

MOST = 30.0  # seconds that are sent
_SIDE = 240  # pixels of the shorter side
_FPS, _MOST_FRAMES = 25, 300
_RATE = 24_000  # Hz


def film_html(items: Items, row: int) -> str:
    """One film with its file name, or what is wrong with it; no folder of this machine is shown."""
    path, title = str(items.frame["path"].iloc[row]), items.title(items.ids[row])
    name = f"<bdi>{escape(clip(title, 80))}</bdi>"
    try:
        length = video.read_duration(path)
        remarks = [f"The first {MOST:.0f} s of {length:,.0f} s are played."] if length > MOST + 0.01 else []
        remarks += video.list_notes(path)
    except BadItem as error:
        why = escape(without_folder(str(error), path))
        return f'<p class="embedlab-note">{name}</p><p class="embedlab-error" role="alert">{why}</p>'
    sheet = base64.b64encode(thumbnail(path, LARGE, "video")).decode("ascii")
    said = "".join(f'<p class="embedlab-note">{escape(without_folder(r, path))}</p>' for r in remarks)
    return (
        f'<figure class="embedlab-film" data-plays="{escape(json.dumps(items.ids[row]))}">'
        f'<div class="embedlab-screen"><img alt="Frames from beginning to end" '
        f'src="data:image/jpeg;base64,{sheet}"></div>'
        '<figcaption><button type="button" class="embedlab-play" data-lm-suppress-shortcuts="true">'
        "Play</button>"
        f'<span class="embedlab-note">{name}, {length:.2f} s</span></figcaption></figure>{said}'
    )


def mp4(path: str) -> bytes:
    """The first 30 s for any browser: H.264 and AAC, 240 pixels on the shorter side, 25 frames a second.

    A long one gets fewer frames a second, 300 in all, so that memory stays bounded.

    Raises
    ------
    BadItem
        When there is nothing to see.
    """
    return _mp4(path, stamp(path))


@lru_cache(maxsize=4)
def _mp4(path: str, _stamp: tuple[int, int] | None) -> bytes:
    import av

    file, start, _ = parse_fragment(path)
    length = min(video.read_duration(path), MOST)
    part = f"{file}#t={start},{start + length}"
    n_frames = max(1, min(round(length * _FPS), _MOST_FRAMES))
    frames = video.read_frames(part, n_frames, shorter_side=_SIDE)
    frames = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]  # H.264 wants even sides
    heard = video.read_sound(part, _RATE)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        seen = container.add_stream(
            "libx264", rate=Fraction(n_frames / max(length, 0.04)).limit_denominator(1000)
        )
        seen.height, seen.width = frames.shape[1:3]
        seen.pix_fmt = "yuv420p"
        seen.options = {"preset": "veryfast", "crf": "23"}
        sound = None if heard is None else container.add_stream("aac", rate=_RATE, layout="mono")
        for pixels in frames:
            container.mux(seen.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")))
        container.mux(seen.encode())
        if sound is not None and heard is not None:
            samples = av.AudioFrame.from_ndarray(heard[None].astype(np.float32), "fltp", "mono")
            samples.sample_rate = _RATE
            container.mux(sound.encode(samples))
            container.mux(sound.encode())
    return out.getvalue()
