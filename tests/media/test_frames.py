"""Frames of films: seeking to keyframes, odd times, and pixels that are turned, mirrored or not square."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import film, picture, which

from embedlab.errors import ProblemCode
from embedlab.media import frame_pixels, frames, video
from embedlab.media.errors import UnreadableMedia

OPEN = {"x264-params": "open-gop=1:keyint=12:bframes=3:scenecut=0"}
UNEVEN = np.cumsum([0, *np.random.default_rng(0).integers(20, 400, 60)]) / 1000


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Fraction]:
    """The times of all frames that were decoded."""
    seen: list[Fraction] = []
    plain = frames._decode

    def noting(container: Any, track: Any) -> Iterator[tuple[Fraction, Any]]:
        for at, frame in plain(container, track):
            seen.append(at)
            yield at, frame

    monkeypatch.setattr(frames, "_decode", noting)
    return seen


# -- which frame -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["", "#t=3,7.3"])
@pytest.mark.parametrize("n", [1, 7, 16])
@pytest.mark.parametrize(
    ("suffix", "options"),
    [(".mp4", {"bf": "3"}), (".mp4", OPEN), (".mkv", OPEN), (".webm", {"lag-in-frames": "8"})],
)
def test_seeking_changes_no_frame(
    tmp_path: Path, suffix: str, options: dict[str, str], n: int, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames that refer to later ones, from one group to the next, at uneven times."""
    path = f"{film(tmp_path / f'a{suffix}', 60, times=UNEVEN, options=options)}{part}"
    one_pass = video.read_frames(path, n)
    on_screen = np.searchsorted(UNEVEN, video.list_frame_times(path, n), side="right") - 1
    assert np.abs(np.subtract(which(one_pass, 60), on_screen)).max() <= 1, "1: rounding of a grey"
    monkeypatch.setattr(video, "_SEEK_FROM", 0)
    np.testing.assert_array_equal(video.read_frames(path, n), one_pass)


def test_seeking_decodes_fewer_frames(
    tmp_path: Path, decoded: list[Fraction], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(tmp_path / "a.mp4", 96)
    video.read_frames(path, 4)
    assert len(decoded) > 80
    decoded.clear()
    monkeypatch.setattr(video, "_SEEK_FROM", 0)
    video.read_frames(path, 4)
    assert len(decoded) < 4 * 13
    decoded.clear()
    video.read_frames(path, 96)
    assert len(decoded) == 96, "where every frame is wanted, none is decoded twice"


def test_a_keyframe_after_the_time_is_not_used(
    tmp_path: Path, decoded: list[Fraction], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MP4 is sought by when a frame is decoded, which with frames that refer to later ones is earlier."""
    monkeypatch.setattr(video, "_SEEK_FROM", 0)
    path = film(tmp_path / "a.mp4", 60, options={"bf": "3"})
    with av.open(str(path)) as container:
        track = container.streams.video[0]
        keys = [p for p in container.demux(track) if p.is_keyframe and p.pts]
        decoding, showing = (float(keys[2].dts * track.time_base), float(keys[2].pts * track.time_base))
    assert decoding < showing - 0.1
    between = f"{path}#t={showing - 0.06:.3f},{showing - 0.04:.3f}"
    assert which(video.read_frames(between, 1), 60) == [round(showing * 10) - 1]
    assert len(decoded) <= 15


def test_without_keyframes_it_does_not_start_over(
    tmp_path: Path, decoded: list[Fraction], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "_SEEK_FROM", 0)
    path = film(tmp_path / "a.mp4", 120, options={"g": "9999", "sc_threshold": "0"})
    found = which(video.read_frames(path, 6), 120)
    assert np.abs(np.subtract(found, [10, 30, 50, 70, 90, 110])).max() <= 1
    assert len(decoded) <= 120


def test_all_is_decoded_if_seeking_fails(
    tmp_path: Path, decoded: list[Fraction], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With periodic intra refresh a frame is whole only some time after the place that can be sought."""
    refreshing = {"x264-params": "intra-refresh=1:keyint=30:bframes=0:scenecut=0"}
    path = film(tmp_path / "a.mp4", 300, fps=25, options=refreshing)
    one_pass = video.read_frames(path, 16)
    decoded.clear()
    monkeypatch.setattr(video, "_SEEK_FROM", 0)
    np.testing.assert_array_equal(video.read_frames(path, 16), one_pass)
    assert len(decoded) > 300, "it was tried, and given up"


def test_a_frame_is_on_screen_from_its_first_moment_on(tmp_path: Path) -> None:
    """The middle of the first of ten halves is exactly where frame 1 begins."""
    path = film(tmp_path / "a.mp4", 20)
    assert which(video.read_frames(path, 10), 20) == list(range(1, 20, 2))
    np.testing.assert_allclose(video.list_frame_times(path, 10), np.arange(1, 20, 2) / 10)
    np.testing.assert_allclose(video.list_frame_times(f"{path}#t=1,2", 2), [1.25, 1.75])


def test_avi_tells_only_when_a_frame_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as out:
        track = out.add_stream("libx264", rate=10, options={"crf": "5", "bf": "3", "g": "12"})
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for i in range(20):
            out.mux(track.encode(av.VideoFrame.from_ndarray(picture(i, 20, (64, 48)), "rgb24")))
        out.mux(track.encode(None))
    assert which(video.read_frames(path, 5), 20) == [2, 6, 10, 14, 18]
    assert video.read_duration(path) == 2.0


def test_when_a_moving_gif_shows_its_frames(tmp_path: Path) -> None:
    path = film(tmp_path / "a.gif", 4, times=[0, 0.1, 0.2, 1.8, 2.0])
    assert which(video.read_frames(path, 8), 4)[1:6] == [2] * 5


# -- pixels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
@pytest.mark.parametrize("flip", [False, True])
def test_mirrored_and_turned(tmp_path: Path, degrees: int, flip: bool) -> None:
    path = tmp_path / "a.mp4"
    plain = picture(1, 2, (64, 48))
    with av.open(str(path), "w") as out:
        track = out.add_stream("libx264", rate=10, options={"crf": "5"})
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        track.set_display_rotation(degrees, hflip=flip)
        out.mux(track.encode(av.VideoFrame.from_ndarray(plain, "rgb24")))
        out.mux(track.encode(None))
    expected = np.rot90(plain, degrees // 90)
    frame = video.read_frames(path, 1)[0]
    np.testing.assert_allclose(frame, expected[:, ::-1] if flip else expected, atol=60)
    assert np.abs(frame.astype(int) - (expected[:, ::-1] if flip else expected)).mean() < 3
    assert min(video.read_frames(path, 1, shorter_side=24).shape[1:3]) == 24


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as out:
        track: Any = out.add_stream("libx264", rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        track.codec_context.sample_aspect_ratio = Fraction(2, 1)
        out.mux(track.encode(av.VideoFrame.from_ndarray(picture(1, 2, (64, 48)), "rgb24")))
        out.mux(track.encode(None))
    assert video.read_frames(path, 1).shape == (1, 48, 128, 3)
    assert video.read_frames(path, 1, shorter_side=24).shape == (1, 24, 64, 3)


def test_more_frames_than_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_pixels, "MAX_BYTES", 64 * 48 * 3 * 10)
    path = film(tmp_path / "a.mp4", 4)
    assert len(video.read_frames(path, 10)) == 10
    with pytest.raises(UnreadableMedia, match=r"a\.mp4 .*11 frames of 64 × 48 pixels.*shorter_side") as error:
        video.read_frames(path, 11)
    assert error.value.problem.code is ProblemCode.TOO_LARGE


def test_no_frame_stays_in_memory(tmp_path: Path) -> None:
    """One of 4K has 12 MB; in a cycle of references it would wait until Python tidies up."""
    path = film(tmp_path / "a.mp4", 20, rotation=90)
    gc.collect()
    gc.disable()
    try:
        video.read_frames(path, 20, shorter_side=24)
        alive = [thing for thing in gc.get_objects() if type(thing) is av.VideoFrame]  # others may be dying
    finally:
        gc.enable()
    assert [frame.height for frame in alive] in ([], [24])


def test_arrays_are_sampled_and_scaled_like_films() -> None:
    seen = np.stack([picture(i, 20, (64, 48)) for i in range(20)])
    assert video.read_frames(seen, 4, shorter_side=24).shape == (4, 24, 32, 3)
    assert which(video.read_frames(seen[:, :, ::-1], 5)[:, :, ::-1], 20) == [2, 6, 10, 14, 18]
    assert video.read_duration(seen) == 20 / 25
    np.testing.assert_allclose(video.list_frame_times(seen, 2), [0.2, 0.6])
    assert video.list_notes(seen[:1]) == ("one frame only: a still picture",)
    assert not video.has_sound(seen)
