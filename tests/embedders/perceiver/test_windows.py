"""Cut a film into the windows that the Perceiver was trained on."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from perceiver_kit import film
from pictures import picture
from sounds import tone

from embedlab.embedders.perceiver import SIZE
from embedlab.embedders.video import WindowSize, read_windows, window_starts

pytest_plugins = ["weights_fixtures"]


@pytest.mark.parametrize(
    ("seconds", "most", "expected"),
    [
        (0.3, 4, [0.0]),
        (0.64, 4, [0.0]),
        (1.92, 4, [0.0, 0.64, 1.28]),
        (2.0, 4, [0.0133, 0.68, 1.3467]),
        (2.0, 1, [0.68]),
        (100.0, 4, [12.18, 37.18, 62.18, 87.18]),
    ],
)
def test_windows_are_spread_over_the_film(seconds: float, most: int, expected: list[float]) -> None:
    assert window_starts(seconds, SIZE.seconds, most) == pytest.approx(expected, abs=1e-4)


def test_a_window_is_that_of_the_original() -> None:
    assert (SIZE.seconds, SIZE.n_samples) == (0.64, 30_720)


def test_frames_follow_each_other_and_sound_keeps_step(tmp_path: Path) -> None:
    size = WindowSize(n_frames=16, fps=25, side=120, rate=48_000)
    path = film(tmp_path / "a.mkv", seconds=1.36)  # 34 frames: two windows, one frame left before each
    seen = read_windows(path, size, max_windows=4)
    assert (seen.frames.shape, seen.samples.shape) == ((2, 16, 120, 120, 3), (2, 30_720))
    wide = np.asarray(picture(0, 400, 120))
    whole = tone(1.36, 48_000)
    for row, first in enumerate((0.5, 17.5)):  # 0.02 s before the edge of a frame: the middle of 0.04 s
        for i in (0, 15):
            shown = math.floor(first + i + 0.5)
            np.testing.assert_array_equal(seen.frames[row, i], wide[:, 4 * shown + 20 : 4 * shown + 140])
        begin = round(first * 1920)
        np.testing.assert_allclose(seen.samples[row], whole[begin : begin + 30_720], atol=1e-3)
    one = read_windows(path, size, max_windows=1)
    assert len(one) == 1
    np.testing.assert_array_equal(one.frames[0, 0], wide[:, 4 * 9 + 20 : 4 * 9 + 140])
    part = read_windows(f"{path}#t=0.70,1.34", size, max_windows=4)
    np.testing.assert_array_equal(part.frames, seen.frames[1:])
    again = read_windows(path.read_bytes(), size, max_windows=4)
    np.testing.assert_array_equal(again.frames, seen.frames)
    np.testing.assert_array_equal(again.samples, seen.samples)


def test_other_frame_rates_are_seen_at_the_same_pace(tmp_path: Path) -> None:
    size = dataclasses.replace(SIZE, side=120)
    slow = read_windows(film(tmp_path / "a.mkv", seconds=0.7, fps=10), size, max_windows=4).frames[0]
    changes = (slow[1:] != slow[:-1]).any(axis=(1, 2, 3))
    assert changes.sum() == 6, "seven frames of a tenth of a second, each shown two or three times"


def test_a_short_film_goes_on_with_its_last_frame_and_silence(tmp_path: Path) -> None:
    size = dataclasses.replace(SIZE, side=120)
    seen = read_windows(film(tmp_path / "a.mkv", seconds=0.2), size, max_windows=4)
    assert len(seen) == 1
    assert (seen.frames[0, 5:] == seen.frames[0, 4]).all()
    assert (seen.frames[0, 3] != seen.frames[0, 4]).any()
    assert np.abs(seen.samples[0, :9_600]).max() > 0.2
    assert not seen.samples[0, 9_600:].any()


def test_frames_in_memory_count_as_25_a_second() -> None:
    frames = np.zeros((40, 130, 150, 3), np.uint8) + np.arange(40, dtype=np.uint8)[:, None, None, None]
    seen = read_windows(frames, SIZE, max_windows=4)
    assert seen.frames[:, :, 0, 0, 0].tolist() == [list(range(2, 18)), list(range(22, 38))]
    assert not seen.samples.any()
    assert len(read_windows(frames[:3], SIZE, max_windows=4)) == 1
