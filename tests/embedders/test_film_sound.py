"""The sound of films: it stays with the picture, wherever either begins."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import picture
from sounds import pitch, tone

from embedlab.media import video


def talkie(path: Path, samples: np.ndarray, picture_at: float = 0.0, sound_at: float = 0.0) -> Path:
    """Six seconds of picture, and sound at 16 kHz; each begins when it is said to."""
    with av.open(str(path), "w") as out:
        seen: Any = out.add_stream("libx264", rate=10, options={"g": "20"})
        seen.width, seen.height, seen.pix_fmt = 64, 48, "yuv420p"
        heard: Any = out.add_stream("aac", rate=16_000, layout="mono")
        for start in range(0, len(samples), 1024):
            part = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "fltp", "mono")
            part.sample_rate, part.time_base = 16_000, Fraction(1, 16_000)
            part.pts = start + round(sound_at * 16_000)
            out.mux(heard.encode(part))
        for i in range(60):
            frame = av.VideoFrame.from_ndarray(picture(i, 60, (64, 48)), "rgb24")
            frame.time_base, frame.pts = Fraction(1, 1000), round(picture_at * 1000) + 100 * i
            out.mux(seen.encode(frame))
        out.mux(seen.encode(None))
        out.mux(heard.encode(None))
    return path


SCALE = np.concatenate([tone(1.0, hertz=hertz) for hertz in (300, 400, 500, 600, 700, 800)])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_and_picture_stay_together(tmp_path: Path, suffix: str) -> None:
    """Each second has its pitch; the picture begins with the third, or two seconds before the sound."""

    def heard(source: Any, seconds: float) -> list[int]:
        samples = video.read_sound(source)
        assert samples is not None
        assert samples.dtype == np.float32
        assert len(samples) == pytest.approx(16_000 * seconds, abs=2)
        middles = [samples[k * 16_000 + 3_200 : k * 16_000 + 12_800] for k in range(int(seconds))]
        return [round(pitch(m), -1) if np.abs(m).max() > 0.1 else 0 for m in middles]

    plain = talkie(tmp_path / f"a{suffix}", SCALE)
    assert heard(plain, 6) == [300, 400, 500, 600, 700, 800]
    assert heard(f"{plain}#t=2,4", 2) == [500, 600]
    late_picture = talkie(tmp_path / f"b{suffix}", SCALE, picture_at=2.0)
    assert heard(late_picture, 6) == [500, 600, 700, 800, 0, 0]
    assert heard(f"{late_picture}#t=1,3", 2) == [600, 700]
    late_sound = talkie(tmp_path / f"c{suffix}", SCALE, sound_at=2.0)
    assert heard(late_sound, 6) == [0, 0, 300, 400, 500, 600]
    if suffix == ".mp4":
        assert heard(late_picture.read_bytes(), 6) == [500, 600, 700, 800, 0, 0]
        assert heard(late_sound.read_bytes(), 6) == [0, 0, 300, 400, 500, 600]
    assert heard(f"{late_sound}#t=1,4", 3) == [0, 300, 400]
    assert any("for 2.0 s after the picture" in note for note in video.list_notes(late_sound))


def test_a_silent_track_is_zeros(tmp_path: Path) -> None:
    path = talkie(tmp_path / "a.mp4", np.zeros(96_000, np.float32))
    samples = video.read_sound(path, 8_000)
    assert samples is not None
    assert len(samples) == 48_000
    assert np.abs(samples).max() < 1e-5
    assert video.has_sound(path)
    assert video.list_notes(path) == ()
