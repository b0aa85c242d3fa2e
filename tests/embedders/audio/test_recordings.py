"""Long and bad recordings, and layers of the speaker model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from audio_kit import VOICE, load
from sounds import tone, write

import embedlab as el
from embedlab.embedders import speaker
from embedlab.embedders.audio import read_windows
from embedlab.embedders.layers import NoSuchLayer
from embedlab.errors import BadItem, ProblemCode


@VOICE
def test_a_long_recording_is_the_mean_of_its_windows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.concatenate([tone(40), tone(35, hertz=700)]))
    model = load("audio/speaker")
    windows = list(read_windows(path))
    assert [round(len(w) / 16_000) for w in windows] == [30, 30, 15]
    pooled = model.embed_query(str(path))
    vectors, counts = model.embed_clips(windows, ["linear"])
    expected = (vectors["linear"] * counts[:, None]).sum(0)
    np.testing.assert_allclose(pooled, expected / np.linalg.norm(expected), atol=1e-5)
    each = model.embed(el.split_audio(el.Items.from_folder(tmp_path, modality="audio")))
    assert len(each) == 3
    np.testing.assert_allclose(
        each.normalize().vectors[2], model.finish("linear", vectors["linear"])[2], atol=1e-3
    )


@VOICE
def test_partial_utterances() -> None:
    """As the original: 1.6 s each, every 0.77 s, the last one only when three quarters of it are sound."""
    for seconds, n in ((0.01, 1), (1.0, 1), (1.6, 1), (2.0, 2), (3.0, 3), (30.0, 38)):
        assert len(speaker.split_utterances(tone(seconds))) == n, seconds
    quiet, loud = (speaker.split_utterances(tone(1.0, level=level)) for level in (1e-3, 3e-3))
    torch.testing.assert_close(quiet, loud, rtol=1e-3, atol=1e-6)


@VOICE
def test_bad_recordings_are_named_and_nothing_is_lost(tmp_path: Path) -> None:
    write(tmp_path / "good.wav", tone())
    write(tmp_path / "silent.wav", 0 * tone())
    (tmp_path / "noise.wav").write_bytes(b"x" * 999)
    content = write(tmp_path / "cut.wav", tone(3.0)).read_bytes()
    (tmp_path / "cut.wav").write_bytes(content[:30_000])
    long = write(tmp_path / "long.flac", tone(40.0), codec="flac").read_bytes()
    (tmp_path / "long.flac").write_bytes(long[: len(long) * 9 // 10])
    items = el.Items.from_folder(tmp_path, modality="audio")
    model = load("audio/speaker")
    with pytest.raises(BadItem, match=r"noise\.wav"):
        model.embed(items)
    emb = model.embed(items, on_error="skip")
    assert emb.items.ids == ["good.wav"]
    codes = {name: problem.code for name, problem in emb.report.skipped.items()}
    damaged = dict.fromkeys(("noise.wav", "cut.wav", "long.flac"), ProblemCode.DAMAGED)
    assert codes == {"silent.wav": ProblemCode.SILENT, **damaged}


@VOICE
def test_layers_of_the_speaker_model(clips: el.Items) -> None:
    depth = el.embed_layers(clips, load("audio/speaker"))
    assert list(depth) == ["lstm.0", "lstm.1", "lstm.2", "linear"]
    np.testing.assert_allclose(depth["linear"].vectors, load("audio/speaker").embed(clips).vectors, atol=1e-5)
    with pytest.raises(NoSuchLayer, match=r"lstm\.7"):
        el.embed_layers(clips, load("audio/speaker"), ["lstm.7"])
