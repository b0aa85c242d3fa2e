"""Videos of items: a sheet of frames and a play button in the panel, and a file to play."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from functools import lru_cache

import numpy as np
from markupsafe import Markup

from embedlab.explorer.item_audio import FileVersion, file_version, render_unreadable
from embedlab.explorer.item_image import data_url, item_title
from embedlab.io.html import render
from embedlab.items import Items
from embedlab.items.fragments import parse_fragment
from embedlab.media import video
from embedlab.media.errors import UnreadableMedia
from embedlab.media.thumbnails import LARGE, thumbnail

MAX_SECONDS = 30.0  # of a video that is played
_SHORTER_SIDE = 240  # pixels
_FPS, _MAX_FRAMES = 25, 300
_RATE = 24_000  # Hz
_TOLERANCE = 0.01  # seconds by which a file may be longer without being called too long
_MIN_SECONDS = 0.04  # one frame


def render_video(items: Items, row: int) -> Markup:
    """Render a video with its file name, or why it cannot be read."""
    path, title = str(items.frame["path"].iloc[row]), item_title(items, row)
    try:
        length = video.read_duration(path)
        notes = list(video.list_notes(path))
    except UnreadableMedia as error:
        return render_unreadable(title, error)
    if length > MAX_SECONDS + _TOLERANCE:
        notes.insert(0, f"The first {MAX_SECONDS:.0f} s of {length:,.0f} s are played.")
    values = {
        "id_json": json.dumps(items.ids[row]),
        "length": f"{length:.2f} s",
        "source": data_url(thumbnail(path, LARGE, "video"), "image/jpeg"),
        "title": title,
        "notes": notes,
    }
    return render("embedlab.explorer", "video.html", values)


def encode_mp4(path: str) -> bytes:
    """Encode the first 30 s for any browser: H.264 and AAC, 240 pixels on the shorter side, 25 frames/s.

    A video longer than 12 s gets fewer frames per second, 300 in all, so that memory stays bounded.

    Raises
    ------
    UnreadableMedia
        If the file cannot be read or has no picture.
    """
    return _encode(path, file_version(path))


@lru_cache(maxsize=4)
def _encode(path: str, _version: FileVersion) -> bytes:
    import av

    file, start, _ = parse_fragment(path)
    length = min(video.read_duration(path), MAX_SECONDS)
    part = f"{file}#t={start},{start + length}"
    n_frames = max(1, min(round(length * _FPS), _MAX_FRAMES))
    frames = video.read_frames(part, n_frames, shorter_side=_SHORTER_SIDE)
    frames = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]  # H.264 needs even sides
    samples = video.read_sound(part, _RATE)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        rate = Fraction(n_frames / max(length, _MIN_SECONDS)).limit_denominator(1000)
        video_stream = container.add_stream("libx264", rate=rate)
        video_stream.height, video_stream.width = frames.shape[1:3]
        video_stream.pix_fmt = "yuv420p"
        video_stream.options = {"preset": "veryfast", "crf": "23"}
        # All streams must exist before the first packet is written.
        audio_stream = None if samples is None else container.add_stream("aac", rate=_RATE, layout="mono")
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
            container.mux(video_stream.encode(frame))
        container.mux(video_stream.encode())
        if audio_stream is not None and samples is not None:
            sound = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "fltp", "mono")
            sound.sample_rate = _RATE
            container.mux(audio_stream.encode(sound))
            container.mux(audio_stream.encode())
    return out.getvalue()
