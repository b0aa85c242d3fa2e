"""Embeddings of several layers from one pass, and any module as an embedder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import folder, picture
from resnet_names import seeded
from torch import Tensor, nn

import embedlab as el
from embedlab.embedders import Embedder
from embedlab.embedders.efficientnet import EfficientNetLite
from embedlab.embedders.layers import NoSuchLayer
from embedlab.embedders.preprocess import Preprocess
from embedlab.embedders.torch_module import fingerprint
from embedlab.errors import Argument, BadItem, EmbedlabError

SMALL = Preprocess(resize=40, crop=32)


class Counting(nn.Module):
    """A small classifier that counts its forward passes."""

    def __init__(self) -> None:
        super().__init__()
        self.passes = 0
        self.first, self.second = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 12, 3)
        self.drop, self.head = nn.Dropout(0.5), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        x = self.second(self.first(x).relu()).relu()
        return self.head(self.drop(x.mean((2, 3))))


def test_one_pass_gives_all_layers(tmp_path: Path) -> None:
    network, items = seeded(Counting()), folder(tmp_path, 5)
    model = el.from_module(network, SMALL)
    network.passes = 0
    stages = el.embed_layers(items, model, ["first", "second"], batch_size=2)
    assert network.passes == 3, "three batches, each once"
    assert [(n, e.vectors.shape, e.layer) for n, e in stages.items()] == [
        ("first", (5, 8), "first"),
        ("second", (5, 12), "second"),
    ]
    pixels = torch.stack([SMALL(picture(i)) for i in range(5)])
    with torch.inference_mode():
        expected = network.first(pixels)
    np.testing.assert_allclose(stages["first"].vectors, expected.mean((2, 3)).numpy(), atol=1e-5)
    assert all(e.ids == items.ids and e.model.dim == e.dim for e in stages.values())
    # ReLU and the mean are all there is between the second layer and the embedding.
    assert model.embed(items).dim == 12


def test_the_layers_of_a_catalogue_model_end_in_its_embedding(tmp_path: Path) -> None:
    network = seeded(EfficientNetLite(classes=10))
    model, items = el.from_module(network, SMALL), folder(tmp_path, 3)
    stages = el.embed_layers(items, model, ["_blocks.0", "_avg_pooling"])
    np.testing.assert_allclose(stages["_avg_pooling"].vectors, model.embed(items).vectors, atol=1e-5)


@pytest.mark.weights("image/efficientnet-lite0")
def test_the_default_layers_go_from_the_first_to_the_last(tmp_path: Path) -> None:
    stages = el.embed_layers(folder(tmp_path, 2), "image/efficientnet-lite0")
    assert [e.dim for e in stages.values()] == [32, 16, 24, 40, 80, 112, 192, 320, 1280]


def test_bad_calls_are_refused(tmp_path: Path) -> None:
    model, items = el.from_module(seeded(Counting()), SMALL), folder(tmp_path, 3)
    with pytest.raises(NoSuchLayer, match=r"no layer 'secnd'\. The nearest names are 'second'"):
        el.embed_layers(items, model, ["secnd"])
    with pytest.raises(EmbedlabError, match="Name those to read"):
        el.embed_layers(items, model, [])
    with pytest.raises(BadItem, match="embeds image, but these items are text"):
        el.embed_layers(el.Items.from_texts(["a"]), model)

    class Remote:
        pass

    with pytest.raises(EmbedlabError, match="cannot be read layer by layer"):
        el.embed_layers(items, Remote())  # type: ignore[arg-type]


def test_unreadable_files_are_left_out_of_every_layer(tmp_path: Path) -> None:
    model = el.from_module(seeded(Counting()), SMALL)
    folder(tmp_path, 3)
    whole = tmp_path / "whole.jpg"
    picture(7, 800, 600).save(whole)
    (tmp_path / "cut.jpg").write_bytes(whole.read_bytes()[:5000])
    items = el.Items.from_folder(tmp_path, modality="image")
    with pytest.raises(BadItem, match=r"1 of 5 items.*cut\.jpg"):
        el.embed_layers(items, model)
    stages = el.embed_layers(items, model, on_error="skip")
    assert {len(e) for e in stages.values()} == {4}
    assert list(stages["first"].report.skipped) == ["cut.jpg"]


# -- from_module ---------------------------------------------------------------------------------------------


def test_any_classifier_becomes_an_embedder(tmp_path: Path) -> None:
    network = seeded(Counting())
    network.train()
    model = el.from_module(network, SMALL, name="image/mine")
    items = folder(tmp_path, 4)
    emb = model.embed(items, batch_size=3)
    assert isinstance(model, Embedder)
    assert (model.card.name, model.dim, emb.vectors.shape) == ("image/mine", 12, (4, 12))
    assert emb.layer == "into head"
    assert network.training, "the module is left in the mode it was in"
    np.testing.assert_allclose(model.embed_query(picture(0)), emb.vectors[0], atol=1e-5)
    again = model.embed(items)
    assert again.report.n_computed == 4, "nothing is kept while the preprocessing has no name"
    np.testing.assert_allclose(again.vectors, emb.vectors, atol=1e-5)  # and no dropout is at work


def test_named_preprocessing_lets_vectors_be_kept(tmp_path: Path) -> None:
    network, items = seeded(Counting()), folder(tmp_path, 3)
    assert el.from_module(network, SMALL, keep="32 px").embed(items).report.n_computed == 3
    assert el.from_module(network, SMALL, keep="32 px").embed(items).report.n_cached == 3
    assert el.from_module(network, SMALL, keep="other").embed(items).report.n_computed == 3
    with torch.no_grad():
        network.first.bias += 1
    assert el.from_module(network, SMALL, keep="32 px").embed(items).report.n_computed == 3, "other weights"


def test_a_layer_by_name(tmp_path: Path) -> None:
    network, items = seeded(Counting()), folder(tmp_path, 3)
    model = el.from_module(network, SMALL, layer="first")
    assert model.dim == 8
    stages = el.embed_layers(items, model, ["first"])
    np.testing.assert_allclose(model.embed(items).vectors, stages["first"].vectors, atol=1e-6)
    with pytest.raises(NoSuchLayer, match="The nearest names are 'first'"):
        el.from_module(network, SMALL, layer="frist")


def test_other_modalities_need_an_example() -> None:
    network = nn.Sequential(nn.Linear(26, 6), nn.ReLU(), nn.Linear(6, 2))

    def letters(text: str) -> Tensor:
        return torch.tensor([float(text.count(chr(97 + i))) for i in range(26)])

    with pytest.raises(EmbedlabError, match="is unknown for text") as caught:
        el.from_module(network, letters, modality="text")
    assert Argument("example") in caught.value.parts
    model = el.from_module(network, letters, modality="text", example="hello")
    assert model.embed(el.Items.from_texts(["one", "two"])).vectors.shape == (2, 6)


def test_what_cannot_become_an_embedder_is_said_at_once() -> None:
    with pytest.raises(EmbedlabError, match=r"must return a torch\.Tensor for one item, not ndarray"):
        el.from_module(Counting(), lambda x: np.zeros(3))  # type: ignore[arg-type,return-value]
    with pytest.raises(NoSuchLayer, match=r"no nn\.Linear"):
        el.from_module(nn.Conv2d(3, 4, 3), SMALL)


def test_the_fingerprint_follows_the_weights() -> None:
    one, two = Counting(), Counting()
    two.load_state_dict(one.state_dict())
    assert fingerprint(one) == fingerprint(two) != fingerprint(one, "words")
    with torch.no_grad():
        two.head.bias[0] += 1e-7 + abs(two.head.bias[0]) * 1e-3
    assert fingerprint(one) != fingerprint(two)
    half = nn.Linear(3, 2).to(torch.bfloat16)
    assert len(fingerprint(half)) == 64
