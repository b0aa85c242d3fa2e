"""The image models: reference numbers on real weights; ResNet-50 and ViT at full size with seeded weights."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pictures import folder, picture
from PIL import Image
from resnet_names import HUB_REPO, hf_resnet, seeded, to_torchvision

import embedlab as el
from embedlab.catalog import registry
from embedlab.comparison.tasks import knn_accuracy
from embedlab.embedders import image_classifiers, torchhub
from embedlab.embedders.image import ImageEmbedder
from embedlab.errors import BadItem, EmbedlabError, MissingExtra
from embedlab.weights import LocalWeights

LITE = ["image/efficientnet-lite0", "image/efficientnet-lite2"]
MODELS = [pytest.param(name, marks=pytest.mark.weights(name)) for name in LITE]


@cache
def load(name: str) -> ImageEmbedder:
    model = el.load_model(name)
    assert isinstance(model, ImageEmbedder)
    return model


def card(name: str, **changes: Any) -> registry.ModelCard:
    return dataclasses.replace(registry.row(name).card, **changes)


def found(path: Path) -> LocalWeights:
    return LocalWeights(path, "a" * 64)


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_nearest_neighbour_on_caltech(name: str, shared: Path) -> None:
    items = el.Items.from_folder(shared / "image" / "caltech101_32x20", modality="image")
    emb = load(name).embed(items)
    assert len(emb) == 640
    assert float(knn_accuracy(emb)) >= 0.94


@pytest.mark.shared
@pytest.mark.weights("image/efficientnet-lite0")
def test_the_head_names_what_is_in_a_photo(shared: Path) -> None:
    """Weights, pixels and the list of names belong together: with one of them wrong this is chance."""
    model = load("image/efficientnet-lite0")
    words = {"flamingo": "flamingo", "starfish": "starfish", "pizza": "pizza", "soccer_ball": "soccer ball"}
    for label, word in words.items():
        photos = sorted((shared / "image" / "caltech101_32x20" / label).glob("*.jpg"))[:10]
        if not photos:
            continue
        guesses = [model.classify(photo, 1)["class"][0] for photo in photos]
        assert sum(word in guess for guess in guesses) >= 6, (label, guesses)


@pytest.mark.parametrize("name", MODELS)
def test_by_hand_equals_the_helper(name: str, tmp_path: Path) -> None:
    model, items = load(name), folder(tmp_path, 3)
    by_hand = []
    for path in items.contents:
        pixels = model.preprocess(Image.open(path))[None]
        headless = [m for n, m in model.network.named_children() if n != "_fc"]
        with torch.inference_mode():
            x = torch.nn.functional.relu6(headless[1](headless[0](pixels)))
            for block in headless[2]:
                x = block(x)
            x = torch.nn.functional.relu6(headless[4](headless[3](x)))
            by_hand.append(x.mean((2, 3))[0].numpy())
    np.testing.assert_allclose(model.embed(items).vectors, by_hand, rtol=1e-5, atol=1e-5)


@pytest.mark.weights("image/efficientnet-lite0")
def test_the_head_on_the_embedding_gives_the_prediction(tmp_path: Path) -> None:
    model = load("image/efficientnet-lite0")
    vector = torch.from_numpy(model.embed_query(picture(3)))
    with torch.inference_mode():
        probabilities = model.network._fc(vector).softmax(0)
    table = model.classify(picture(3), k=3)
    assert len(table) == 3
    assert table["probability"].is_monotonic_decreasing
    np.testing.assert_allclose(table["probability"][0], probabilities.max(), rtol=1e-4)
    assert table["class"][0] == model.class_names[int(probabilities.argmax())]
    assert len(set(model.class_names)) >= 998, "two names occur twice in ImageNet: crane and maillot"


@pytest.mark.weights("image/efficientnet-lite0")
def test_what_a_query_may_be(tmp_path: Path) -> None:
    model, items = load("image/efficientnet-lite0"), folder(tmp_path, 1)
    path = Path(items.contents[0])
    expected = model.embed(items).vectors[0]
    for query in (path, str(path), path.read_bytes(), Image.open(path), np.asarray(Image.open(path))):
        np.testing.assert_allclose(model.embed_query(query), expected, atol=1e-5)
    with pytest.raises(BadItem, match=r"nowhere\.png"):
        model.embed_query(tmp_path / "nowhere.png")


@pytest.mark.weights("image/efficientnet-lite0")
def test_bad_files_are_named_and_nothing_is_lost(tmp_path: Path) -> None:
    model = load("image/efficientnet-lite0")
    folder(tmp_path, 5)
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("not a picture")
    picture(1, 800, 600).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:5000])
    items = el.Items.from_folder(tmp_path, modality="image")
    with pytest.raises(BadItem, match=r"2 of 9 items.*empty.png.*text.jpg"):
        model.embed(items)
    items = items.select([i for i in items.ids if i not in ("empty.png", "text.jpg")])
    with pytest.raises(BadItem, match=r"1 of 7 items.*cut.jpg.*The vectors of the others are cached"):
        model.embed(items)
    good = model.embed(items, on_error="skip")
    assert list(good.report.skipped) == ["cut.jpg"]
    assert (good.report.n_cached, good.report.n_computed, len(good)) == (6, 0, 6), "they were kept"
    assert "cut.jpg" not in good.ids


@pytest.mark.weights("image/efficientnet-lite0")
def test_a_picture_replaced_under_its_name_is_embedded_anew(tmp_path: Path) -> None:
    model, items = load("image/efficientnet-lite0"), folder(tmp_path, 2)
    before = model.embed(items).vectors
    picture(99).save(items.contents[0])
    after = model.embed(items)
    assert after.report.n_computed == 1
    assert not np.allclose(before[0], after.vectors[0])
    np.testing.assert_array_equal(before[1], after.vectors[1])


@pytest.mark.parametrize(
    "size", [(200, 150), (150, 200), (224, 224), (31, 500), (1, 1), (1999, 7), (257, 333)]
)
def test_our_pixels_are_those_of_the_published_processors(size: tuple[int, int]) -> None:
    from transformers import ConvNextImageProcessorPil, ViTImageProcessorPil

    shown = picture(1, *size)
    if min(size) > 5:  # ResNet's: the shorter side to 256, then the middle
        theirs = ConvNextImageProcessorPil(
            size={"shortest_edge": 224},
            crop_pct=0.875,
            resample=3,
            image_mean=list(image_classifiers.RESNET_PIXELS.mean),
            image_std=list(image_classifiers.RESNET_PIXELS.std),
        )
        expected = theirs(shown, return_tensors="pt")["pixel_values"][0]
        torch.testing.assert_close(image_classifiers.RESNET_PIXELS(shown), expected, atol=1e-5, rtol=0)
    expected = ViTImageProcessorPil()(shown, return_tensors="pt")["pixel_values"][0]
    torch.testing.assert_close(image_classifiers.VIT_PIXELS(shown), expected, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_resnet50_by_both_roads_from_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real loaders at full size; the weights are seeded, the folders are brought by hand."""
    network = seeded(hf_resnet())
    network.save_pretrained(tmp_path / "hf")
    torch.save(to_torchvision(network.state_dict()), tmp_path / torchhub.RESNET50_FILE)
    monkeypatch.setattr(torchhub, "REPOSITORY", str(HUB_REPO))
    monkeypatch.setattr(torchhub, "SOURCE", "local")
    one = image_classifiers.load_resnet(card("image/resnet50"), found(tmp_path / "hf"))
    other = image_classifiers.load_torchhub_resnet(card("image/resnet50-hub"), found(tmp_path))
    other.preprocess = one.preprocess  # the published pixels differ (bicubic, bilinear): one thing at a time
    items = folder(tmp_path / "photos", 2)
    a, b = one.embed(items), other.embed(items)
    assert a.vectors.shape == (2, 2048)
    np.testing.assert_allclose(a.vectors, b.vectors, rtol=1e-5, atol=1e-5)
    pixels = one.preprocess.tensor([one._prepare(path) for path in items.contents])
    with torch.inference_mode():
        pooled = network.resnet(pixels).pooler_output.flatten(1).numpy()
    np.testing.assert_allclose(a.vectors, pooled, atol=1e-5)
    for model, last in ((one, "resnet.encoder.stages.3"), (other, "layer4")):
        stages = el.embed_layers(items, model)
        assert [e.dim for e in stages.values()] == [64, 256, 512, 1024, 2048]
        np.testing.assert_allclose(stages[last].vectors, a.vectors, atol=1e-5)


@pytest.mark.slow
def test_vit_from_a_folder(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig()
    config.id2label = {i: f"class {i}" for i in range(1000)}
    torch.manual_seed(0)
    network = ViTForImageClassification(config).eval()
    assert sum(p.numel() for p in network.parameters()) == registry.row("image/vit-base").card.params
    network.save_pretrained(tmp_path / "vit")
    model = image_classifiers.load_vit(card("image/vit-base"), found(tmp_path / "vit"))
    items = folder(tmp_path / "photos", 2)
    pixels = torch.stack([model.preprocess(Image.open(path)) for path in items.contents])
    with torch.inference_mode():
        states = network.vit(pixels, output_hidden_states=True)
    emb = model.embed(items)
    np.testing.assert_allclose(emb.vectors, states.last_hidden_state[:, 0].numpy(), atol=1e-4)
    stages = el.embed_layers(items, model)
    assert len(stages) == 14
    np.testing.assert_allclose(stages["vit.layernorm"].vectors, emb.vectors, atol=1e-4)
    for number in (0, 5):
        np.testing.assert_allclose(
            stages[f"vit.layers.{number}"].vectors, states.hidden_states[number + 1][:, 0].numpy(), atol=1e-4
        )
    assert stages["vit.embeddings"].pooling == "first token"
    assert model.classify(items.contents[0], 1)["class"][0].startswith("class ")


def test_torch_hub_needs_torchvision_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torchvision", None)
    with pytest.raises(MissingExtra, match=r'pip install "embedlab\[torchhub\]"'):
        torchhub.load_network("resnet50")


def test_torch_hub_without_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torchvision", __import__("types"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    with pytest.raises(EmbedlabError, match=r"pytorch/vision.* EMBEDLAB_OFFLINE is set"):
        torchhub.load_network("resnet50")
    monkeypatch.delenv("EMBEDLAB_OFFLINE")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(EmbedlabError, match=r"could not download pytorch/vision.*image/resnet50"):
        torchhub.load_network("resnet50")


def test_weights_are_read_without_pickle(tmp_path: Path) -> None:
    """A weights file that would run code is refused, whatever its name."""

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"_fc.bias": Evil()}, tmp_path / "efficientnet-lite0-57934424.pth")
    with pytest.raises(Exception, match=r"weights_only|Weights only|WeightsUnpickler"):
        image_classifiers.load_lite0(card("image/efficientnet-lite0"), found(tmp_path))
    assert not (tmp_path / "ran").exists()
