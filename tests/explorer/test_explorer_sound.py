"""Sound in the explorer, as far as that can be seen and heard without a browser."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from explorer_kit import CARD, asked, shown_of
from PIL import Image
from sounds import pitch, tone, write

import embedlab as el
from embedlab.media import audio, thumbnails
from embedlab.media.spectrogram import draw_mel, draw_waveform
from embedlab.media.thumbnails import thumbnail

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def explorer(paths: list[Path], ids: list[str] | None = None) -> el.Explorer:
    ids = ids or [f"i{n}" for n in range(len(paths))]
    labels = ["a", "b"] * len(paths)
    frame = pd.DataFrame({"id": ids, "path": map(str, paths), "label": labels[: len(paths)]})
    vectors = np.random.default_rng(0).normal(size=(len(paths), 8))
    card = dataclasses.replace(CARD, name="audio/by-hand", modality="audio")
    emb = el.Embeddings(vectors, el.Items(frame, "audio", "tones"), card, "embedding", "mean", False)
    return el.explore(el.project(emb, method="pca"))


@pytest.fixture
def tones(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "private"
    folder.mkdir()
    return [write(folder / f"{n}.wav", tone(0.5, hertz=300 * 1.3**n)) for n in range(6)]


def heard(wav: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_767


def pictures(html: str) -> list[Image.Image]:
    found = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", html)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


# -- pictures of sound -----------------------------------------------------------------------------------


def brightest_row(picture: Image.Image) -> int:
    """From the bottom."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    return int(pixels.shape[0] - 1 - pixels[:, pixels.shape[1] // 2, :2].sum(axis=1).argmax())


def test_a_higher_tone_stands_higher() -> None:
    rows = [brightest_row(draw_mel(tone(1, hertz=hertz), 128, 96)) for hertz in (300, 700, 1500, 4000)]
    assert rows == sorted(rows)
    assert rows[-1] - rows[0] > 40


def test_time_goes_to_the_right_and_what_is_loud_is_bright() -> None:
    samples = np.concatenate([tone(0.5, level=0.001), tone(0.5, level=0.5)])
    light = np.asarray(draw_mel(samples, 128, 96)).astype(int)[..., :2].sum(axis=2).max(axis=0)
    assert light[100] > light[30] + 50


def test_the_waveform_is_as_high_as_it_is_loud() -> None:
    samples = np.concatenate([tone(0.5, level=0.1), tone(0.5, level=0.5)])
    ink = (np.asarray(draw_waveform(samples, 100, 80)).min(axis=2) < 200).sum(axis=0)
    assert ink[75] > 70
    assert 10 < ink[25] < 25


@pytest.mark.parametrize("samples", [tone(0.01), np.zeros(16_000, np.float32), tone(45)], ids=str)
def test_very_short_silent_and_long_sounds_have_pictures(samples: np.ndarray) -> None:
    assert draw_mel(samples, 128, 96).size == (128, 96)
    assert draw_waveform(samples, 128, 40).size == (128, 40)


def test_a_thumbnail_is_made_once_and_again_when_the_file_changes(
    tones: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high = (thumbnail(path, modality="audio") for path in (tones[0], tones[5]))
    with monkeypatch.context() as patch:
        patch.setattr(thumbnails, "read_start", None)  # not called again
        assert thumbnail(tones[0], modality="audio") == low
    write(tones[0], tone(0.6, hertz=300 * 1.3**5))
    again = brightest_row(Image.open(io.BytesIO(thumbnail(tones[0], modality="audio"))))
    assert abs(again - brightest_row(Image.open(io.BytesIO(high)))) <= 1


def test_parts_of_one_recording_have_pictures_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.concatenate([tone(1, hertz=300), tone(1, hertz=3000)]))
    low, high = (
        brightest_row(Image.open(io.BytesIO(thumbnail(f"{path}#t={t},{t + 1}", modality="audio"))))
        for t in (0, 1)
    )
    assert high > low + 30


@pytest.mark.parametrize("content", [None, b"", b"no sound"])
def test_what_cannot_be_heard_is_a_tile(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    tile = Image.open(io.BytesIO(thumbnail(path, modality="audio")))
    assert tile.size == (128, 96)
    assert len(tile.getcolors(10_000) or []) > 3, "words stand on it"


# -- the panel -------------------------------------------------------------------------------------------


def test_the_panel_shows_wave_spectrogram_and_player(tones: list[Path]) -> None:
    shown = explorer(tones)
    html = shown_of(shown, "i2")
    [large] = pictures(html)
    assert large.width == 512
    assert 'data-plays="&#34;i2&#34;"' in html
    assert 'data-seconds="0.500"' in html
    assert "<audio" not in html, "sounds come when they are asked for"
    assert "private" not in html, "no folder of this machine"
    assert "private" not in shown.payload
    assert "2.wav" in html


def test_names_and_ids_from_strangers_are_escaped(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{n}.wav", tone(0.2)) for n in range(3)]
    shown = explorer(paths, [HOSTILE, "b", "c"])
    assert HOSTILE not in shown_of(shown, HOSTILE)
    assert asked(shown, "media", HOSTILE)[1]


def test_a_sound_travels_when_it_is_asked_for(tones: list[Path]) -> None:
    reply, [data] = asked(explorer(tones), "media", "i4")
    assert reply == {"ticket": "t", "mime": "audio/wav"}
    assert pitch(heard(data)) == pytest.approx(300 * 1.3**4, rel=0.01)


def test_nothing_else_ever_sends_sound(tones: list[Path]) -> None:
    shown = explorer(tones)
    sent: list[Any] = []
    shown.send = lambda content, buffers=None: sent.append(buffers)
    shown.click("i1")
    shown.select(["i1", "i2"])
    shown.color("none")
    for row in (99, -1, None, "0", ["list"]):
        shown._on_message({"type": "media", "row": row, "ticket": "t"})
    assert sent == []


def test_the_card_beside_the_mouse_shows_a_spectrogram(tones: list[Path]) -> None:
    assert asked(explorer(tones), "thumb", "i3")[1] == [thumbnail(tones[3], modality="audio")]


def test_of_a_long_sound_half_a_minute_is_sent_and_no_more_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "long.wav", tone(90, level=0.2))
    pieces: list[int] = []
    whole = audio.read_blocks

    def counted(source: Any, rate: int = 16_000) -> Any:
        for piece in whole(source, rate):
            pieces.append(len(piece))
            yield piece

    monkeypatch.setattr(audio, "read_blocks", counted)
    shown = explorer([path, path, path])
    assert "The first 30 s of 90 s are shown and played." in shown_of(shown, "i0")
    assert len(heard(asked(shown, "media", "i0")[1][0])) == 30 * 16_000
    assert sum(pieces) < 31 * 16_000, "decoded once, for the picture and for the ear"


def test_a_sound_that_cannot_be_read_is_explained_and_not_sent(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "bad.wav").write_bytes(b"RIFF")
    good = write(folder / "good.wav", tone(0.3))
    shown = explorer([folder / "bad.wav", good, folder / "gone.wav"])
    for id in ("i0", "i2"):
        html = shown_of(shown, id)
        assert 'role="alert"' in html
        assert "on_error" not in html, "nothing that can be done in a panel"
        assert "private" not in html
        assert asked(shown, "media", id)[1] == []
    assert len(asked(shown, "media", "i1")[1]) == 1


def test_what_is_worth_knowing_stands_below(tmp_path: Path) -> None:
    stereo = write(tmp_path / "two.wav", np.stack([tone(0.5), tone(0.5)]))
    silent = write(tmp_path / "silent.wav", np.zeros(8000, np.float32))
    shown = explorer([stereo, silent, stereo])
    assert "2 channels: their mean is used" in shown_of(shown, "i0")
    assert "It cannot be embedded: it is silent from beginning to end." in shown_of(shown, "i1")
    assert str(tmp_path) not in shown_of(shown, "i1")


def test_floats_beyond_full_scale_do_not_wrap_around(tmp_path: Path) -> None:
    path = write(tmp_path / "loud.wav", tone(0.5, level=3.0), codec="pcm_f32le")
    shown = explorer([path, path, path])
    samples = heard(asked(shown, "media", "i0")[1][0])
    assert np.abs(samples).max() == pytest.approx(1, abs=0.01)
    assert np.abs(np.diff(samples)).max() < 0.3, "no jumps"


def test_the_stored_map_shows_spectrograms(tones: list[Path]) -> None:
    bare = explorer(tones)._repr_mimebundle_()[0]["image/png"]
    for n, path in enumerate(tones):
        write(path, tone(1.0, hertz=5000 - 300 * n))
    assert explorer(tones)._repr_mimebundle_()[0]["image/png"] != bare
