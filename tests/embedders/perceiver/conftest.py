"""Fixtures: the published architecture with seeded weights, and films to embed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from perceiver_kit import ROW, film

import embedlab as el
from embedlab.embedders import perceiver
from embedlab.embedders.perceiver import PerceiverEmbedder
from embedlab.weights import LocalWeights


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of ``deepmind/multimodal-perceiver``: the config of the script that converted it (what it
    leaves out has its default), and seeded weights."""
    from transformers import PerceiverConfig, PerceiverForMultimodalAutoencoding

    config = PerceiverConfig(
        num_latents=784,
        d_latents=512,
        d_model=704,
        num_blocks=1,
        num_self_attends_per_block=8,
        num_self_attention_heads=8,
        num_cross_attention_heads=1,
        num_labels=700,
    )
    torch.manual_seed(0)
    network = PerceiverForMultimodalAutoencoding(config)
    path = tmp_path_factory.mktemp("perceiver")
    torch.save(network.state_dict(), path / "pytorch_model.bin")
    config.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> PerceiverEmbedder:
    return perceiver.load(ROW.card, LocalWeights(folder, "a" * 64))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> el.Items:
    """Three films of one window each; the last has no sound."""
    path = tmp_path_factory.mktemp("films")
    for i, hertz in enumerate((440.0, 220.0, None)):
        film(path / f"{i}.mkv", i, hertz=hertz)
    return el.Items.from_folder(path, modality="video")
