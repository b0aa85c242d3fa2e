"""Measure media files: pixels or seconds, and a key that near copies share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from embedlab.media.errors import UnreadableMedia

_N_FRAMES = 16  # of a video, when it is decoded
_MIN_CONTRAST = 8  # of 256 grey levels; a difference hash of less is noise


def measure(kind: str, source: str, full: bool) -> tuple[float, str]:
    """Return the size of a media file and the key that near copies share.

    Parameters
    ----------
    kind : {"image", "audio", "video"}
    source : str
        Path, with a fragment for a part of a sound or video.
    full : bool
        Decode it from beginning to end; only then near copies of images have a key.

    Returns
    -------
    size : float
        Pixels on the shorter side, or seconds; NaN if it is not known.
    near_key : str
        Empty if nothing is known.

    Raises
    ------
    UnreadableMedia
        With the ``problem``.
    """
    return _MEASURE[kind](source, full)


def _measure_image(source: str, full: bool) -> tuple[float, str]:
    from PIL import Image

    from embedlab.media import image

    if not full:
        return float(min(image.read_size(source))), ""
    decoded = image.read_image(source)
    # The difference hash of Krawetz (2013): is each of 9 x 8 pixels brighter than the one to its left?
    small = np.asarray(decoded.convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    brighter = small[:, 1:] > small[:, :-1]
    is_flat = int(small.max() - small.min()) < _MIN_CONTRAST
    return float(min(decoded.size)), "" if is_flat else np.packbits(brighter).tobytes().hex()


def _measure_audio(source: str, full: bool) -> tuple[float, str]:
    from embedlab.media import audio

    if not full:
        length = audio.read_duration(source)
        return float("nan") if length is None else length, ""
    loudest, n_samples = 0.0, 0
    for block in audio.read_blocks(source):
        n_samples += len(block)
        loudest = max(loudest, float(np.abs(block).max(initial=0.0)))
    if not n_samples or loudest < audio.SILENT:
        raise UnreadableMedia(source, "audio", audio.SILENCE if n_samples else audio.NO_SOUND)
    return n_samples / audio.RATE, ""


def _measure_video(source: str, full: bool) -> tuple[float, str]:
    from embedlab.media import video

    length = video.read_duration(source)
    if full:
        video.read_frames(source, _N_FRAMES, shorter_side=64)
    return length, ""


_MEASURE: dict[str, Callable[[str, bool], tuple[float, str]]] = {
    "image": _measure_image,
    "audio": _measure_audio,
    "video": _measure_video,
}
