"""Whisper of any size, from both layouts of its weights, in a short context."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from audio_kit import BASE, as_ctranslate2, cosines, load, tiny_whisper, write_ctranslate2
from sounds import tone

import embedlab as el
from embedlab.catalog import registry
from embedlab.embedders import ctranslate2, whisper
from embedlab.embedders.layers import NoSuchLayer
from embedlab.embedders.whisper import WhisperEmbedder
from embedlab.errors import EmbedlabError
from embedlab.media.mel import log_mel
from embedlab.weights import LocalWeights


@BASE
@pytest.mark.slow
def test_the_short_context_keeps_the_answer(clips: el.Items) -> None:
    short, full = load("audio/whisper-base"), load("audio/whisper-base").with_context("full")
    assert short.context == "short"
    same = cosines(short.embed(clips).vectors, full.embed(clips).vectors)
    assert same.min() > 0.97
    assert same.mean() > 0.985
    with pytest.raises(ValueError, match="'short' or 'full'"):
        short.with_context("tiny")


@BASE
def test_a_vector_does_not_depend_on_its_batch(clips: el.Items) -> None:
    model = load("audio/whisper-base")
    together = model._compute([model._prepare(c) for c in clips.contents], 32)
    alone = [model._compute([model._prepare(c)], 1)[0] for c in clips.contents]
    np.testing.assert_allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize("kept", [125, 600, 1_375])
def test_stand_ins_stand_for_all_of_the_silence(kept: int) -> None:
    far, counts = whisper.sample_silence(kept)
    assert float(counts.sum()) == pytest.approx(1_500 - kept, rel=1e-4)
    assert kept <= far.min()
    assert far.max() < 1_500
    assert (counts.diff() > 0).all(), "nearer silence is represented more finely"


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (320, 1), (321, 2), (16_000, 50), (480_000, 1_500)])
def test_frames_of_a_clip(samples: int, frames: int) -> None:
    assert whisper.count_frames(samples) == frames


def test_whisper_tiny_from_the_layout_of_the_hub(tmp_path: Path) -> None:
    """The real architecture at full size, with seeded weights: the hub cannot be reached everywhere."""
    network = tiny_whisper()
    network.save_pretrained(tmp_path)
    card = registry.row("audio/whisper-tiny").card
    model = whisper.load(card, LocalWeights(tmp_path, "a" * 64))
    assert isinstance(model, WhisperEmbedder)
    samples = torch.zeros(1, 480_000)
    samples[0, :16_000] = torch.from_numpy(tone())
    with torch.inference_mode():
        states = network.model.encoder(log_mel(samples), output_hidden_states=True).hidden_states
    seen, weights = model.with_context("full").embed_clips([tone()], model.layers)
    assert weights.tolist() == [50]
    assert len(model.layers) == len(states) == 5
    for state, vectors in zip(states, seen.values(), strict=True):
        np.testing.assert_allclose(vectors[0], state[0, :50].mean(0).numpy(), atol=1e-4)
    with pytest.raises(NoSuchLayer, match=r"hidden_states\.9"):
        model.embed_clips([tone()], ["hidden_states.9"])


def test_ctranslate2_there_and_back(tmp_path: Path) -> None:
    weights = {name: value.detach() for name, value in tiny_whisper().state_dict().items()}
    arrays = as_ctranslate2(weights) | {"decoder/pre_norm": np.int8(1).reshape(())}
    write_ctranslate2(tmp_path / "model.bin", arrays)
    back = ctranslate2.whisper_state_dict(ctranslate2.read(tmp_path / "model.bin"))
    assert back.keys() == weights.keys()
    for name, value in weights.items():
        torch.testing.assert_close(back[name], value, rtol=0, atol=0)
    model = whisper.load(registry.row("audio/whisper-tiny").card, LocalWeights(tmp_path, "a" * 64))
    assert model.embed_clips([tone()], [model.card.layer])[0][model.card.layer].shape == (1, 384)


def test_a_damaged_ctranslate2_file_is_an_error(tmp_path: Path) -> None:
    write_ctranslate2(tmp_path / "model.bin", {"encoder/conv1/bias": np.zeros(9, np.float32)})
    content = (tmp_path / "model.bin").read_bytes()
    for cut in (2, 30, len(content) - 8):
        (tmp_path / "cut.bin").write_bytes(content[:cut])
        with pytest.raises(EmbedlabError, match="not a complete CTranslate2 file") as error:
            ctranslate2.read(tmp_path / "cut.bin")
        assert error.value.path == tmp_path / "cut.bin"
    (tmp_path / "old.bin").write_bytes(b"\x03" + content[1:])
    with pytest.raises(EmbedlabError, match="version 3"):
        ctranslate2.read(tmp_path / "old.bin")
