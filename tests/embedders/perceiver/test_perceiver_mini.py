"""The small Perceiver that comes with embedlab."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from perceiver_kit import _script

import embedlab as el
from embedlab import settings, weights
from embedlab.embedders.perceiver_latents import reconstruct
from embedlab.errors import EmbedlabError

pytest_plugins = ["weights_fixtures"]


def test_the_small_one_comes_along_and_is_small() -> None:
    found = weights.locate("video/perceiver-mini")
    assert found is not None
    assert found.source == "shipped"
    assert (found.path / "model.safetensors").stat().st_size < 6_000_000
    mini = el.load_model("video/perceiver-mini")
    assert sum(p.numel() for p in mini.network.parameters()) == mini.card.params


def test_a_damaged_copy_is_refused_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "perceiver-mini").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "perceiver-mini" / name).write_bytes(b"no")
    monkeypatch.setattr(settings, "data_folder", lambda: tmp_path)
    assert not el.available("video/perceiver-mini")
    with pytest.raises(EmbedlabError, match=r"(?s)with embedlab: .*pinned\. Install embedlab again"):
        weights.fetch("video/perceiver-mini")


def test_it_gives_back_held_out_clips_better_than_their_mean_frame() -> None:
    """PSNR in dB, of combinations of object, motion and sound that the training never saw."""
    mini, clips = el.load_model("video/perceiver-mini"), el.load_dataset("clips")
    some = clips.select(clips.frame["split"] == "held-out").take(np.arange(0, 96, 8))
    errors, still = [], []
    for path in some.contents:
        seen = mini.prepare(path)
        given = reconstruct(mini.network, next(mini.inputs(seen)))["image"]
        pixels = given * mini.size.pixel_std + mini.size.pixel_mean
        frames = seen.frames[0] / 255
        errors.append(((pixels - frames) ** 2).mean())
        still.append(((frames - frames.mean(axis=0)) ** 2).mean())
    better = 10 * np.log10(np.mean(still) / np.mean(errors))
    assert better > 3, f"{better:.1f} dB"


def test_it_knows_more_of_a_clip_than_an_untrained_one() -> None:
    from embedlab.lessons.lesson_06 import agreement, untrained

    mini, clips = el.load_model("video/perceiver-mini"), el.load_dataset("clips")
    trained, raw = (el.embed(clips, model).vectors for model in (mini, untrained(mini)))
    for factor, least in {"object": 0.05, "motion": 0.4}.items():
        values = clips.frame[factor]
        assert agreement(trained, values) > agreement(raw, values) + least, factor


def test_the_training_goes_on_after_an_interrupt_as_if_there_had_been_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = _script("perceiver_mini")
    for name, value in {"N_CLIPS": 16, "BATCH": 4, "LOG": 1, "KEEP": 2, "LOOK": 4, "N_PIXELS": 32}.items():
        monkeypatch.setattr(training, name, value)
    made = training.made
    monkeypatch.setattr(training, "made", lambda n, *rest: made(min(n, 16), *rest))
    straight, interrupted = tmp_path / "straight", tmp_path / "interrupted"
    for folder in (straight, interrupted):
        folder.mkdir()
    whole = training.train(4, straight, tmp_path / "out").state_dict()
    training.train(4, interrupted, tmp_path / "out", stop=2)
    resumed = training.train(4, interrupted, tmp_path / "out").state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    looks = pd.read_csv(tmp_path / "out" / "held_out.csv")
    assert looks["clips"].tolist() == ["train", "held-out"]
    assert len(pd.read_csv(tmp_path / "out" / "log.csv")) == 4
