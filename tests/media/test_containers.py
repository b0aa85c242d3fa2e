"""Files of films: headers that do not tell the truth, and what was cut off, damaged, or made to do harm."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import film, which
from sounds import tone

from embedlab.errors import Argument, ProblemCode
from embedlab.media import video
from embedlab.media.containers import ffmpeg_problem
from embedlab.media.errors import UnreadableMedia
from embedlab.media.truncation import is_truncated


def remux(path: Path, to: Path, **options: str) -> Path:
    """The same pictures in another container, or written in another way."""
    with av.open(str(path)) as source, av.open(str(to), "w", options=options) as out:
        track = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None or packet.pts is not None:
                packet.stream = track
                out.mux(packet)
    return to


# -- headers ---------------------------------------------------------------------------------------------


def test_length_without_a_word_in_the_header(tmp_path: Path) -> None:
    """As a browser records: live, so that neither length nor index is written."""
    path = remux(film(tmp_path / "a.webm", 60), tmp_path / "live.webm", live="1")
    with av.open(str(path)) as container:
        assert container.duration is None
    assert video.read_duration(path) == pytest.approx(6.0, abs=0.05)
    assert which(video.read_frames(f"{path}#t=3,5", 2), 60) == [35, 45]
    assert not is_truncated(path)


def test_length_when_the_header_lies(tmp_path: Path) -> None:
    data = bytearray(film(tmp_path / "a.mkv", 20).read_bytes())
    at = data.index(b"\x44\x89\x88") + 3  # Duration, eight bytes
    data[at : at + 8] = struct.pack(">d", 99_000.0)
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert container.duration == 2_000_000
    (tmp_path / "b.mkv").write_bytes(data)
    with av.open(str(tmp_path / "b.mkv")) as container:
        assert container.duration == 99_000_000
    assert video.read_duration(bytes(data)) == pytest.approx(2.0, abs=0.01)
    assert which(video.read_frames(bytes(data), 5), 20) == [2, 6, 10, 14, 18]


def test_an_mp4_in_fragments(tmp_path: Path) -> None:
    path = remux(
        film(tmp_path / "a.mp4", 60),
        tmp_path / "b.mp4",
        movflags="frag_keyframe+empty_moov+default_base_moof",
    )
    assert video.read_duration(path) == pytest.approx(6.0, abs=0.01)
    assert which(video.read_frames(f"{path}#t=3,5", 2), 60) == [35, 45]


# -- cut off, damaged, too large -------------------------------------------------------------------------


def test_what_is_left_of_a_cut_film_can_be_asked_for(tmp_path: Path) -> None:
    path = remux(film(tmp_path / "a.mp4", 100), tmp_path / "b.mp4", movflags="faststart")
    data = path.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) * 3 // 4])
    assert not is_truncated(path)
    assert is_truncated(cut)
    for whole in (str(cut), f"{cut}#t=1,9.5", f"{cut}#t=1"):
        with pytest.raises(
            UnreadableMedia, match=r"cut\.mp4 .*ends too early .* s of frames are there"
        ) as error:
            video.read_frames(whole, 4)
        assert error.value.problem.code is ProblemCode.DAMAGED
        assert Argument("on_error", "skip") in error.value.parts
        assert video.find_problem(whole) == error.value.problem
    assert np.abs(np.subtract(which(video.read_frames(f"{cut}#t=0,2", 2), 100), [5, 15])).max() <= 1
    notes = video.list_notes(f"{cut}#t=0,2")
    assert any("it ends too early" in note for note in notes)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
def test_a_little_that_is_missing_is_noticed(tmp_path: Path, suffix: str, share: float) -> None:
    """A film of one second; where the index stands at the end, nothing at all can be read."""
    data = film(tmp_path / f"a{suffix}", 10).read_bytes()
    assert video.find_problem(data) is None
    with pytest.raises(UnreadableMedia, match="truncated"):
        video.read_frames(data[: int(len(data) * share)], 4)


def test_damage_in_the_middle_is_an_error(tmp_path: Path) -> None:
    data = bytearray(film(tmp_path / "a.mp4", 100, size=(160, 120), options={"crf": "1"}).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = np.random.default_rng(0).bytes(400)
    with pytest.raises(UnreadableMedia) as error:
        video.read_frames(bytes(data), 16)
    assert error.value.problem.code is ProblemCode.DAMAGED
    assert error.value.path is None


def test_a_bomb_is_not_set_off() -> None:
    """A moving GIF of 35 bytes says that it has 60,000 × 60,000 pixels: 14 GB."""

    def gif(side: int) -> bytes:
        head = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
        return head + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00\x3b"

    assert video.read_frames(gif(2), 1).shape == (1, 2, 2, 3)
    with pytest.raises(UnreadableMedia, match="far too many") as error:
        video.read_frames(gif(60_000), 1)
    assert error.value.problem.code is ProblemCode.TOO_LARGE
    assert video.find_problem(gif(60_000)) == error.value.problem


def test_a_playlist_opens_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    film(tmp_path / "secret.mp4", 4)
    remux(tmp_path / "secret.mp4", tmp_path / "secret.ts")
    for name, text in {
        "concat.mp4": "ffconcat version 1.0\nfile secret.mp4\n",
        "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n",
    }.items():
        (tmp_path / name).write_text(text)
        with av.open(name) as followed:
            assert followed.streams.video, "FFmpeg by itself opens it"
        with pytest.raises(UnreadableMedia):
            video.read_frames(tmp_path / name)


def test_an_unknown_codec_and_a_song_with_a_cover(tmp_path: Path) -> None:
    data = film(tmp_path / "a.mp4", 4).read_bytes().replace(b"avc1", b"zzzz")
    with pytest.raises(UnreadableMedia, match="unknown codec"):
        video.read_frames(data)
    with av.open(str(tmp_path / "song.mp4"), "w") as out:
        song: Any = out.add_stream("aac", rate=16_000, layout="mono")
        cover: Any = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        out.mux(cover.encode(av.VideoFrame(32, 32, "yuvj420p")))
        out.mux(cover.encode(None))
        for part in tone(1.024).reshape(16, -1):
            frame = av.AudioFrame.from_ndarray(part[None], "fltp", "mono")
            frame.sample_rate = 16_000
            out.mux(song.encode(frame))
        out.mux(song.encode(None))
    with pytest.raises(UnreadableMedia, match=r"song\.mp4 .*it is a sound without a picture") as error:
        video.read_frames(tmp_path / "song.mp4")
    assert error.value.problem.code is ProblemCode.WRONG_KIND


def test_the_reason_of_an_ffmpeg_error_names_no_folder() -> None:
    error = av.error.ExternalError(1, "Generic error in an external library", "/private/talk.wav")
    problem = ffmpeg_problem(error, "/private/talk.wav", "audio")
    assert (problem.code, problem.reason) == (
        ProblemCode.UNREADABLE,
        "Generic error in an external library",
    )
