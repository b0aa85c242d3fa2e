"""Reading sound: every format and depth, and all that can be wrong with a file."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from sounds import pitch, tone, write

import embedlab as el
from embedlab.errors import Argument, BadItem, ProblemCode
from embedlab.items.fragments import parse_fragment
from embedlab.media import audio
from embedlab.media.errors import UnreadableMedia

FILES = [
    *(("wav", f"pcm_{depth}", 16_000, 1) for depth in ("u8", "s16le", "s24le", "s32le", "f32le", "f64le")),
    *(("wav", "pcm_s16le", rate, 1) for rate in (8_000, 11_025, 44_100, 48_000, 96_000, 192_000)),
    *(("wav", "pcm_s16le", 16_000, channels) for channels in (2, 6, 8)),
    ("flac", "flac", 44_100, 2),
    ("flac", "flac", 96_000, 8),
    ("ogg", "libopus", 48_000, 2),
    ("opus", "libopus", 48_000, 1),
    ("mp3", "libmp3lame", 44_100, 2),
    ("m4a", "aac", 44_100, 2),
    ("aiff", "pcm_s16be", 22_050, 1),
]


@pytest.mark.parametrize(("suffix", "codec", "rate", "channels"), FILES)
def test_every_kind_of_file(tmp_path: Path, suffix: str, codec: str, rate: int, channels: int) -> None:
    path = write(tmp_path / f"a.{suffix}", np.tile(tone(1.0, rate), (channels, 1)), rate, codec)
    samples = audio.read_audio(path)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert len(samples) == pytest.approx(16_000, abs=1_600)
    assert pitch(samples) == pytest.approx(440, abs=3)
    assert np.abs(samples[4_000:12_000]).max() == pytest.approx(0.3, abs=0.03)
    assert audio.read_duration(path) == pytest.approx(1.0, abs=0.1)
    assert audio.find_problem(path) is None
    np.testing.assert_array_equal(audio.read_audio(path.read_bytes()), samples)


def test_the_name_of_a_file_does_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", tone(), codec="flac")
    path.rename(tmp_path / "a.wav")
    assert pitch(audio.read_audio(tmp_path / "a.wav")) == pytest.approx(440, abs=3)


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.stack([tone(), 0 * tone()]), codec="pcm_f32le")
    assert np.abs(audio.read_audio(path)).max() == pytest.approx(0.15, abs=0.01)
    assert "2 channels: their mean is used" in audio.list_notes(path)


def test_another_rate_keeps_pitch_and_length(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(2.0, 44_100), 44_100)
    for rate in (8_000, 16_000, 48_000):
        samples = audio.read_audio(path, rate)
        assert len(samples) == pytest.approx(2 * rate, abs=2)
        assert pitch(samples, rate) == pytest.approx(440, abs=2)


def test_a_film_gives_its_sound_track(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", tone(1.0, 44_100), 44_100, "aac", picture=True)
    assert pitch(audio.read_audio(path)) == pytest.approx(440, abs=3)
    assert "a film: its sound track is used" in audio.list_notes(path)


def test_arrays(tmp_path: Path) -> None:
    np.testing.assert_allclose(audio.read_audio((tone(), 16_000)), tone(), atol=1e-6)
    both = np.stack([tone(), 0 * tone()], axis=1)
    np.testing.assert_allclose(audio.read_audio((both, 16_000)), tone() / 2, atol=1e-6)
    assert audio.read_duration((tone(0.5), 16_000)) == 0.5
    for wrong in ((np.arange(9), 16_000), (tone(), 0), (np.zeros((2, 2, 2)), 16_000)):
        with pytest.raises(UnreadableMedia, match="holds floats from −1 to 1"):
            audio.read_audio(wrong)
    with pytest.raises(UnreadableMedia, match="not int") as error:
        audio.read_audio(7)
    assert error.value.problem.code is ProblemCode.WRONG_KIND


def test_a_part_of_a_file(tmp_path: Path) -> None:
    low_high = np.concatenate([tone(1.0), tone(1.0, hertz=1_000)])
    for suffix, codec in (("wav", "pcm_s16le"), ("mp3", "libmp3lame"), ("flac", "flac")):
        path = write(tmp_path / f"a.{suffix}", low_high, codec=codec)
        part = f"{path}#t=1.2,1.7"
        assert parse_fragment(part) == (str(path), 1.2, 1.7)
        assert len(audio.read_audio(part)) == pytest.approx(8_000, abs=100)
        assert pitch(audio.read_audio(part)) == pytest.approx(1_000, abs=5)
        assert audio.read_duration(part) == pytest.approx(0.5)
        assert pitch(audio.read_audio(f"{path}#t=0,0.9")) == pytest.approx(440, abs=5)
        assert len(audio.read_audio(f"{path}#t=1.5")) == pytest.approx(8_000, abs=1_000)
    odd = (tmp_path / "a.wav").rename(tmp_path / "take#t=3")
    assert parse_fragment(odd) == (odd, 0.0, None)
    assert len(audio.read_audio(odd)) == 32_000


# -- what is wrong with files ----------------------------------------------------------------------------


def wav(path: Path, samples: np.ndarray) -> Path:
    return write(path, samples, codec="pcm_f32le")


def test_silence_is_an_error(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", np.zeros(16_000, np.float32))
    with pytest.raises(UnreadableMedia) as error:
        audio.read_audio(path)
    assert error.value.problem.code is ProblemCode.SILENT
    assert error.value.path == path
    assert len(audio.read_start(path, 1)) == 16_000, "only what is embedded must be heard"
    assert len(audio.read_audio(wav(tmp_path / "b.wav", tone(level=1e-3))))


def test_ten_milliseconds_are_enough(tmp_path: Path) -> None:
    assert len(audio.read_audio(wav(tmp_path / "a.wav", tone(0.01)))) == 160


def test_clipped_sound_is_read_and_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.clip(tone(level=3.0), -1, 1))
    assert len(audio.read_audio(path)) == 16_000
    assert any("clipped" in note for note in audio.list_notes(path))
    assert audio.list_notes(write(tmp_path / "b.wav", tone())) == ()
    assert any(
        "8000 Hz" in note for note in audio.list_notes(write(tmp_path / "c.wav", tone(1, 8_000), 8_000))
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_is_an_error(tmp_path: Path, value: float) -> None:
    samples = tone()
    samples[9_000] = value
    with pytest.raises(UnreadableMedia, match=r"a\.wav cannot be read: it holds NaN or infinity"):
        audio.read_audio(wav(tmp_path / "a.wav", samples))
    with pytest.raises(UnreadableMedia, match="holds NaN or infinity"):
        audio.read_audio((samples, 16_000))


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("wav", "pcm_s16le"),
        ("flac", "flac"),
        ("mp3", "libmp3lame"),
        ("m4a", "aac"),
        ("ogg", "libopus"),
        ("webm", "libopus"),
    ],
)
def test_half_a_file_is_an_error(tmp_path: Path, suffix: str, codec: str) -> None:
    content = write(tmp_path / f"a.{suffix}", tone(4.0, 48_000), 48_000, codec).read_bytes()
    (tmp_path / f"half.{suffix}").write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableMedia) as error:
        audio.read_audio(tmp_path / f"half.{suffix}")
    assert error.value.problem.code is ProblemCode.DAMAGED
    assert error.value.path == tmp_path / f"half.{suffix}"
    assert Argument("on_error", "skip") in error.value.parts


def test_files_that_are_not_sound(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "words.mp3").write_bytes(b"hello, this is no sound " * 50)
    cases = {
        "empty.wav": ProblemCode.EMPTY,
        "words.mp3": ProblemCode.DAMAGED,
        "nowhere.wav": ProblemCode.MISSING,
        ".": ProblemCode.NOT_A_FILE,
    }
    for name, code in cases.items():
        with pytest.raises(UnreadableMedia) as error:
            audio.read_audio(tmp_path / name)
        assert error.value.problem.code is code
        assert audio.find_problem(tmp_path / name) == error.value.problem
    with pytest.raises(UnreadableMedia, match="The sound cannot be read: it is not a sound file"):
        audio.read_audio(b"\0" * 100)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_the_sound_of_a_film_may_end_before_the_picture(tmp_path: Path, suffix: str) -> None:
    import av

    path = tmp_path / f"a.{suffix}"
    with av.open(str(path), "w") as container:
        seen = container.add_stream("mpeg4", rate=5)
        seen.width, seen.height, seen.pix_fmt = 64, 48, "yuv420p"
        heard = container.add_stream("aac", rate=16_000, layout="mono")
        for _ in range(25):
            container.mux(seen.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        container.mux(seen.encode(None))
        for start in range(0, 16_000, 1_000):
            part = av.AudioFrame.from_ndarray(tone()[None, start : start + 1_000], "fltp", "mono")
            part.sample_rate, part.pts = 16_000, start
            container.mux(heard.encode(part))
        container.mux(heard.encode(None))
    for source in (path, path.read_bytes()):
        assert len(audio.read_audio(source)) == pytest.approx(16_000, abs=3_000)


def test_a_film_without_sound_is_an_error(tmp_path: Path) -> None:
    import av

    path = tmp_path / "mute.mp4"
    with av.open(str(path), "w") as container:
        film = container.add_stream("mpeg4", rate=10)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        for _ in range(5):
            container.mux(film.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        container.mux(film.encode(None))
    with pytest.raises(UnreadableMedia, match=r"mute\.mp4 .*it is a video without a sound track") as error:
        audio.read_audio(path)
    assert error.value.problem.code is ProblemCode.WRONG_KIND


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    """FFmpeg follows playlists to other files and to addresses; a stranger's file must not make it."""
    secret = write(tmp_path / "secret.wav", tone())
    for name, text in {
        "list.wav": f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "concat.wav": f"ffconcat version 1.0\nfile {secret}\n",
    }.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(UnreadableMedia):
            audio.read_audio(tmp_path / name)


# -- long recordings -------------------------------------------------------------------------------------


def hour(path: Path) -> Path:
    """An hour of telephone sound; every minute a new pitch."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        for minute in range(60):
            file.writeframes((128 + 50 * tone(60, 8_000, 200 + 20 * minute, 1.0)).astype(np.uint8).tobytes())
    return path


def test_an_hour_passes_in_small_pieces(tmp_path: Path) -> None:
    sizes = [len(piece) for piece in audio.read_blocks(hour(tmp_path / "hour.wav"))]
    assert sum(sizes) == pytest.approx(3_600 * 16_000, abs=16)
    assert max(sizes) < 2 * 16_000, "memory stays flat"


def test_a_recording_is_cut_into_items(tmp_path: Path) -> None:
    path = write(tmp_path / "talk.wav", np.concatenate([tone(30), tone(30, hertz=600), tone(5, hertz=900)]))
    talk = el.Items.from_folder(tmp_path, modality="audio")
    parts = el.split_audio(talk)
    assert parts.ids == ["talk.wav#t=0,30", "talk.wav#t=30,60", "talk.wav#t=60,65"]
    assert parts.frame[["start", "end"]].to_numpy().tolist() == [[0, 30], [30, 60], [60, 65]]
    assert set(parts.frame["recording"]) == {"talk.wav"}
    assert [round(pitch(audio.read_audio(p))) for p in parts.contents] == [440, 600, 900]
    assert len(set(parts.content_hashes())) == 3
    assert [p.split("#")[0] for p in parts.contents] == [str(path)] * 3
    assert len(el.split_audio(talk, 10, hop=5)) == 12
    with pytest.raises(BadItem, match="longer than 0"):
        el.split_audio(talk, 10, hop=0)
    with pytest.raises(BadItem, match="these items are text"):
        el.split_audio(el.Items.from_texts(["a"]))
