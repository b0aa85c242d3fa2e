"""Reading films: which frame is on the screen when, and every kind of broken or odd file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import film, picture, shade, which

import embedlab as el
from embedlab.errors import Argument, BadItem, ProblemCode
from embedlab.media import frames, video
from embedlab.media.errors import UnreadableMedia

N = 20


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".gif"])
def test_frames_are_evenly_spaced_in_time(tmp_path: Path, suffix: str) -> None:
    path = film(tmp_path / f"a{suffix}", N)
    seen = video.read_frames(path, 5)
    assert seen.shape == (5, 48, 64, 3)
    assert seen.dtype == np.uint8
    assert np.abs(np.subtract(which(seen, N), [2, 6, 10, 14, 18])).max() <= (1 if suffix == ".gif" else 0)
    assert video.read_duration(path) == pytest.approx(2.0, abs=0.06)


def test_what_is_long_on_the_screen_counts_long(tmp_path: Path) -> None:
    """Variable frame rate: frame 3 stands for two of 2.9 seconds."""
    times = [0, 0.1, 0.2, 0.3, 2.3, 2.4, 2.5, 2.6, 2.7, 2.8, 2.9]
    for suffix in (".mp4", ".mkv"):
        frames = video.read_frames(film(tmp_path / f"v{suffix}", 10, times=times), 6)
        # 0.24, 0.73, 1.21, 1.69, 2.18 and 2.66 seconds
        assert which(frames, 10) == [2, 3, 3, 3, 3, 7]


def test_a_film_need_not_begin_at_zero(tmp_path: Path) -> None:
    path = film(tmp_path / "late.mp4", N, begins=5.0)
    assert which(video.read_frames(path, 5), N) == [2, 6, 10, 14, 18]
    assert video.read_duration(path) == pytest.approx(2.0, abs=0.06)


def test_a_part_of_a_film(tmp_path: Path) -> None:
    path = film(tmp_path / "long.mp4", 50)
    assert which(video.read_frames(f"{path}#t=2,4", 4), 50) == [22, 27, 32, 37]
    assert which(video.read_frames(f"{path}#t=4", 2), 50) == [42, 47]
    assert video.read_duration(f"{path}#t=2,4") == pytest.approx(2)
    assert video.read_duration(f"{path}#t=4,99") == pytest.approx(1, abs=0.06)
    with pytest.raises(UnreadableMedia, match=r"no frames from 12 s on: 5\.00 s") as error:
        video.read_frames(f"{path}#t=12,14")
    assert error.value.problem.code is ProblemCode.EMPTY


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_seeking_and_one_pass_find_the_same_frames(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(tmp_path / f"b{suffix}", 60, options={"bf": "2"} if suffix == ".mp4" else None)
    one_pass = video.read_frames(path, 7)
    monkeypatch.setattr(video, "_SEEK_FROM", 0)
    np.testing.assert_array_equal(video.read_frames(path, 7), one_pass)


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3,600 seconds in 3,600 frames, a keyframe every two minutes."""
    path = tmp_path_factory.mktemp("hour") / "hour.mp4"
    return film(path, 3600, fps=1, options={"g": "120", "preset": "ultrafast"})


def test_of_an_hour_little_is_decoded(hour: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = 0
    plain = frames._decode

    def counting(container: Any, track: Any) -> Any:
        nonlocal decoded
        for frame in plain(container, track):
            decoded += 1
            yield frame

    monkeypatch.setattr(frames, "_decode", counting)
    found = video.read_frames(hour, 8)
    there = np.stack([picture(round((i + 0.5) * 450), 3600, (64, 48)) for i in range(8)])
    # Between two of them there are 25 grey levels.
    np.testing.assert_allclose(found[:, 40:, 40:].mean((1, 2, 3)), there[:, 40:, 40:].mean((1, 2, 3)), atol=8)
    assert decoded < 8 * 125
    decoded = 0
    video.read_frames(f"{hour}#t=3000,3004", 4)
    assert decoded < 130


MEASURE = """
import resource, sys
from embedlab.media import video
video.read_frames(sys.argv[1], 2, shorter_side=224)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
frames = video.read_frames(sys.argv[2], 16, shorter_side=224)
assert frames.shape == (16, 224, 398, 3), frames.shape
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux")
def test_of_4k_only_small_frames_are_held(tmp_path: Path) -> None:
    small = film(tmp_path / "s.mp4", 4)
    large = film(
        tmp_path / "l.mp4", 24, size=(3840, 2160), options={"preset": "ultrafast", "bf": "0", "refs": "1"}
    )
    run = [sys.executable, "-c", MEASURE, str(small), str(large)]
    used = float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    assert used < 300, "24 frames of 4K would be 600 MB as RGB"


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_frames_are_upright(tmp_path: Path, rotation: int) -> None:
    frame = video.read_frames(film(tmp_path / "r.mp4", 4, rotation=rotation), 1)[0]
    # The black quarter is at the upper left; turned counterclockwise it goes to the lower left, and so on.
    corner = {90: (-1, 0), 180: (-1, -1), 270: (0, -1)}[rotation]
    assert frame.shape[:2] == ((48, 64) if rotation == 180 else (64, 48))
    dark = {place: int(frame[place].mean()) for place in ((0, 0), (0, -1), (-1, 0), (-1, -1))}
    assert min(dark, key=lambda place: dark[place]) == corner


def test_its_frames_are_made_smaller_never_larger(tmp_path: Path) -> None:
    path = film(tmp_path / "s.mp4", 4)
    assert video.read_frames(path, 2, shorter_side=24).shape == (2, 24, 32, 3)
    assert video.read_frames(path, 2, shorter_side=500).shape == (2, 48, 64, 3)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    from PIL import Image

    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 16, 32))
    clear.save(tmp_path / "t.gif", save_all=True, append_images=[clear.rotate(90)], duration=500, disposal=2)
    frame = video.read_frames(tmp_path / "t.gif", 2)[0]
    np.testing.assert_array_equal(frame[16, 28], [255, 255, 255])
    np.testing.assert_allclose(frame[16, 4], [255, 0, 0], atol=3)


# -- sound -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize("seconds", [1.0, 2.0, 5.0])
def test_the_sound_lasts_as_long_as_the_picture(tmp_path: Path, suffix: str, seconds: float) -> None:
    path = film(tmp_path / f"s{suffix}", N, sound=seconds)
    heard = video.read_sound(path)
    assert heard is not None
    assert len(heard) == pytest.approx(32_000, abs=1_700)
    assert np.abs(heard[4_000:12_000]).max() > 0.2
    assert (np.abs(heard[20_000:]).max() > 0.2) == (seconds > 1)
    assert which(video.read_frames(path, 5), N) == [2, 6, 10, 14, 18], "a long sound moves no frame"
    assert any("after the picture" in note for note in video.list_notes(path)) == (seconds == 5)


def test_the_sound_of_a_part(tmp_path: Path) -> None:
    path = film(tmp_path / "p.mp4", 40, sound=2.0)
    first, last = video.read_sound(f"{path}#t=0,1"), video.read_sound(f"{path}#t=3,4")
    assert first is not None
    assert last is not None
    assert len(first) == len(last) == 16_000
    assert np.abs(first).max() > 0.2
    assert np.abs(last).max() == 0


def test_without_a_sound_track(tmp_path: Path) -> None:
    path = film(tmp_path / "mute.mp4", N)
    assert video.read_sound(path) is None
    assert not video.has_sound(path)
    assert video.list_notes(path) == ("no sound track",)


# -- odd and broken --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".mkv"])
def test_one_frame_only(tmp_path: Path, suffix: str) -> None:
    path = film(tmp_path / f"one{suffix}", 1)
    frames = video.read_frames(path, 4)
    assert frames.shape == (4, 48, 64, 3)
    assert np.ptp(frames, axis=0).max() == 0
    assert video.find_problem(path) is None


def test_a_still_is_called_one(tmp_path: Path) -> None:
    assert "one frame only: a still picture" in video.list_notes(film(tmp_path / "one.mp4", 1))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_truncated_file_is_named(tmp_path: Path, suffix: str) -> None:
    """The index stands at the front, so the beginning can be seen, and must not pass for the whole."""
    path = film(tmp_path / f"cut{suffix}", 100, options={"crf": "30"})
    if suffix == ".mp4":
        whole = tmp_path / "whole.mp4"
        path.rename(whole)
        with av.open(str(whole)) as source, av.open(str(path), "w", options={"movflags": "faststart"}) as out:
            track = out.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = track
                    out.mux(packet)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(UnreadableMedia) as error:
        video.read_frames(path, 8)
    assert error.value.problem.code is ProblemCode.DAMAGED
    assert error.value.path == path
    assert Argument("on_error", "skip") in error.value.parts


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("empty.mp4", b"", ProblemCode.EMPTY),
        ("text.mp4", b"This is no film. " * 100, ProblemCode.DAMAGED),
        ("list.mp4", b"ffconcat version 1.0\nfile '/etc/passwd'\n", ProblemCode.UNREADABLE),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n", ProblemCode.DAMAGED),
    ],
)
def test_files_that_are_not_videos_are_named(
    tmp_path: Path, name: str, data: bytes, code: ProblemCode
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnreadableMedia) as error:
        video.read_frames(path)
    assert error.value.path == path
    assert error.value.problem.code is code
    assert error.value.problems == {str(path): error.value.problem}
    assert video.find_problem(path) == error.value.problem


def test_a_sound_is_not_a_video(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"\x00\x10" * 16_000)
    with pytest.raises(UnreadableMedia, match="a sound without a picture") as error:
        video.read_frames(tmp_path / "a.wav")
    assert error.value.problem.code is ProblemCode.WRONG_KIND


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for source, code in ((tmp_path / "gone.mp4", "missing"), (tmp_path, "not_a_file"), (3, "wrong_kind")):
        problem = video.find_problem(source)
        assert problem is not None
        assert problem.code == code


def test_a_claim_of_too_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_PIXELS", 1000)
    with pytest.raises(UnreadableMedia, match="1 to 1,000 are read") as error:
        video.read_frames(film(tmp_path / "a.mp4", 2))
    assert error.value.problem.code is ProblemCode.TOO_LARGE


def test_bytes_and_arrays(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", N)
    np.testing.assert_array_equal(video.read_frames(path.read_bytes(), 5), video.read_frames(path, 5))
    frames = np.stack([picture(i, N, (64, 48)) for i in range(N)])
    assert which(video.read_frames(frames, 5), N) == [2, 6, 10, 14, 18]
    assert video.read_sound(frames) is None
    with pytest.raises(UnreadableMedia, match="uint8 of shape"):
        video.read_frames(frames.astype(float))
    with pytest.raises(BadItem, match="at least 1") as error:
        video.read_frames(frames, 0)
    assert error.value.parts[0] == Argument("n_frames", 0)


def test_a_folder_of_films(tmp_path: Path) -> None:
    for suffix in (".mp4", ".webm", ".mkv", ".mov", ".gif"):
        (tmp_path / "f" / suffix[1:]).mkdir(parents=True)
        film(tmp_path / "f" / suffix[1:] / f"a{suffix}", 3)
    (tmp_path / "f" / "gif" / "notes.txt").write_text("not a film")
    items = el.Items.from_folder(tmp_path / "f", modality="video")
    assert sorted(map(str, items.labels or [])) == ["gif", "mkv", "mov", "mp4", "webm"]
    assert shade(0, 3) == 40
