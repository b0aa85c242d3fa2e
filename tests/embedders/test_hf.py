"""Any encoder of transformers, ``hf:``: very small seeded networks against the library's own way."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_networks
import torch
import transformers as tf
from pictures import folder as pictures
from pictures import picture

import embedlab as el
from embedlab.catalog.ref_options import BadName
from embedlab.embedders import handler_kinds
from embedlab.embedders.hf_audio import WaveEmbedder
from embedlab.embedders.image import ImageEmbedder
from embedlab.embedders.layers import penultimate
from embedlab.embedders.whisper import WhisperEmbedder
from embedlab.errors import Argument, EmbedlabError
from embedlab.media.audio import read_audio
from embedlab.weights.untrusted import NotAModel

TEXTS = ["the sea", "a cat is in the water and the dog", "my cash is safe"]
ITEMS = el.Items.from_texts(TEXTS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of a small network by its kind, made when first asked for."""
    root = tmp_path_factory.mktemp("networks")
    return cache(lambda kind: small_networks.KINDS[kind](root / kind))


def load(folder: Path, **options: Any) -> Any:
    return el.load_model(f"hf:{folder}", **options)


def hidden(folder: Path, text: str, layer: int = -1, model: Any = tf.AutoModel) -> torch.Tensor:
    """Hidden states of one text, (tokens, width), the library's own way."""
    tokens = tf.AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    network = model.from_pretrained(folder).eval()
    with torch.inference_mode():
        return torch.as_tensor(network(**tokens, output_hidden_states=True).hidden_states[layer][0])


# -- texts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "pool", "layer", "named"),
    [
        ({}, "mean", -1, "last_hidden_state"),
        ({"pooling": "cls"}, "cls", -1, "last_hidden_state"),
        ({"pooling": "last"}, "last", -1, "last_hidden_state"),
        ({"layer": -2}, "mean", -2, "hidden_states.2"),
        ({"layer": "hidden_states.1", "pooling": "cls"}, "cls", 1, "hidden_states.1"),
        ({"layer": 3}, "mean", 3, "last_hidden_state"),
    ],
)
def test_pooling_and_layer(
    made: Callable[[str], Path], options: dict[str, Any], pool: str, layer: int, named: str
) -> None:
    folder = made("bert")
    model = load(folder, **options)
    assert (model.card.pooling, model.card.layer) == (pool, named)
    vectors = model.embed(ITEMS).vectors
    for text, vector in zip(TEXTS, vectors, strict=True):
        states = hidden(folder, text, layer)
        wanted = {"mean": states.mean(0), "cls": states[0], "last": states[-1]}[pool]
        np.testing.assert_allclose(vector, wanted, atol=1e-5)
    assert load(Path(model.card.name.removeprefix("hf:"))) is model, "the name tells all of it"


def test_a_decoder_gives_its_last_token(made: Callable[[str], Path]) -> None:
    model = load(made("gpt2"))
    assert (model.card.pooling, model.card.normalized) == ("last", False)
    assert "as only the last token of a decoder has read them all" in model.card.summary
    for text, vector in zip(TEXTS, model.embed(ITEMS).vectors, strict=True):
        np.testing.assert_allclose(vector, hidden(made("gpt2"), text)[-1], atol=1e-5)


def test_of_an_encoder_and_decoder_the_encoder_is_read(made: Callable[[str], Path]) -> None:
    model = load(made("t5"))
    assert type(model.network).__name__ == "T5EncoderModel" or "Stack" in type(model.network).__name__
    states = hidden(made("t5"), TEXTS[1], model=tf.T5EncoderModel)
    np.testing.assert_allclose(model.embed_query(TEXTS[1]), states.mean(0), atol=1e-5)


def test_pooling_of_the_repository_is_followed(made: Callable[[str], Path], tmp_path: Path) -> None:
    folder = small_networks.bert(tmp_path / "own")
    (folder / "1_Pooling").mkdir()
    settings = folder / "1_Pooling" / "config.json"
    for content, pooling in (
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_lasttoken": True}, "last"),
        ({"pooling_mode": "mean"}, "mean"),
    ):
        settings.write_text(json.dumps(content))
        handler_kinds._build.cache_clear()
        assert load(folder).card.pooling == pooling
    settings.write_text(json.dumps({"pooling_mode_max_tokens": True}))
    handler_kinds._build.cache_clear()
    with pytest.raises(BadName, match="its 1_Pooling is not") as caught:
        load(folder)
    assert Argument("pooling") in caught.value.parts
    assert load(folder, pooling="cls").card.pooling == "cls"


def test_long_texts_are_cut_and_said(made: Callable[[str], Path]) -> None:
    items = el.Items.from_texts(["sea " * 14, "sea " * 15])
    assert load(made("bert")).card.max_tokens == 16
    assert load(made("bert")).embed(items).report.truncated == ("1",)


def test_layers_in_one_pass(made: Callable[[str], Path]) -> None:
    model = load(made("bert"))
    read = el.embed_layers(ITEMS, model)
    assert list(read) == [f"hidden_states.{i}" for i in range(4)]
    for depth, emb in enumerate(read.values()):
        np.testing.assert_allclose(emb.vectors[0], hidden(made("bert"), TEXTS[0], depth).mean(0), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pooling": "max"}, "'mean', 'cls' or 'last', not 'max'"),
        ({"layer": 4}, "a number from -4 to 3"),
        ({"layer": "encoder"}, "a number from -4 to 3"),
        ({"dimensions": 3}, "hf: has no option dimensions"),
        ({"token_limit": 3}, "behind a server"),
    ],
)
def test_options_that_do_not_fit(made: Callable[[str], Path], options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadName, match=said):
        load(made("bert"), **options)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    folder = small_networks.bert(tmp_path / "bert")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 5}))
    with pytest.raises(NotAModel, match=r"lack 32 parts of BertModel .*would be random numbers"):
        load(folder)


@pytest.mark.parametrize("kind", ["perceiver", "blip-2", "detr", "nothing of the sort"])
def test_what_cannot_be_told_is_not_guessed(tmp_path: Path, kind: str) -> None:
    folder = small_networks.bert(tmp_path / "bert")
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    with pytest.raises(NotAModel, match=r"el\.from_module|cannot read its config|preprocessor_config"):
        load(folder)


# -- pictures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["vit", "resnet", "dinov2", "clip"])
def test_pictures_are_made_ready_as_the_library_does(made: Callable[[str], Path], kind: str) -> None:
    processor = tf.AutoImageProcessor.from_pretrained(made(kind), backend="pil")
    wanted = np.asarray(processor(picture(3), return_tensors="np")["pixel_values"][0])
    found = load(made(kind)).preprocess(picture(3)).numpy()
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).mean() < 0.01, "the library rounds once more after it resizes"


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_of_a_classifier_what_flows_into_its_head(
    made: Callable[[str], Path], kind: str, tmp_path: Path
) -> None:
    model = load(made(kind))
    assert isinstance(model, ImageEmbedder)
    assert model.card.layer == f"into {penultimate(model.network).name}" or model.card.layer.startswith(
        "into"
    )
    pixels = model.preprocess(picture(0))[None]
    network = tf.AutoModelForImageClassification.from_pretrained(made(kind)).eval()
    with torch.inference_mode():
        wanted = penultimate(network)(pixels)[0]
    vectors = model.embed(pictures(tmp_path / "p")).vectors
    np.testing.assert_allclose(vectors[0], wanted, atol=1e-5)
    assert list(model.classify(picture(0), k=2)["class"]) != []
    assert len(el.embed_layers(pictures(tmp_path / "p"), model)) == 2


def test_backbones_and_their_options(made: Callable[[str], Path]) -> None:
    pixels = load(made("dinov2")).preprocess(picture(1))[None]
    network = tf.AutoModel.from_pretrained(made("dinov2")).eval()
    with torch.inference_mode():
        out = network(pixels, output_hidden_states=True)
    for options, wanted in (
        ({}, out.last_hidden_state[:, 0]),
        ({"pooling": "pooler"}, out.pooler_output),
        ({"pooling": "mean"}, out.last_hidden_state.mean(1)),
        ({"layer": 1, "pooling": "cls"}, out.hidden_states[1][:, 0]),
        ({"layer": "encoder.layer.0"}, out.hidden_states[1].mean(1)),
    ):
        found = load(made("dinov2"), **options).embed_query(picture(1))
        np.testing.assert_allclose(found, wanted[0], atol=1e-5)
    with pytest.raises(BadName, match="'mean', 'cls' or 'pooler'"):
        load(made("dinov2"), pooling="max")
    with pytest.raises(EmbedlabError, match=r"no layer 'encoder\.layer\.7'"):
        load(made("dinov2"), layer="encoder.layer.7")


def test_a_classifier_can_be_read_elsewhere(made: Callable[[str], Path]) -> None:
    inside = load(made("resnet"), layer="resnet.encoder.stages.0")
    assert (inside.card.dim, inside.card.pooling) == (8, "mean")
    assert load(made("vit"), pooling="cls").card.layer == "last_hidden_state"


def test_steps_that_are_not_known_are_refused(made: Callable[[str], Path], tmp_path: Path) -> None:
    folder = small_networks.vit(tmp_path / "vit")
    says = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(says | {"do_pad": True}))
    with pytest.raises(NotAModel, match=r"does not know \(do_pad\)"):
        load(folder)


def test_clip_has_two_towers(made: Callable[[str], Path], tmp_path: Path) -> None:
    model = load(made("clip"))
    network = tf.CLIPModel.from_pretrained(made("clip")).eval()
    tokens = tf.AutoTokenizer.from_pretrained(made("clip"))(TEXTS[1], return_tensors="pt")
    with torch.inference_mode():
        text = network.get_text_features(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        )
        image = network.get_image_features(pixel_values=model.preprocess(picture(0))[None])
    for query, out in ((TEXTS[1], text), (picture(0), image)):
        wanted = torch.nn.functional.normalize(out.pooler_output, dim=-1)[0]
        np.testing.assert_allclose(model.embed_query(query), wanted, atol=1e-5)
    assert (model.card.modality, model.dim) == ("image+text", 12)
    with pytest.raises(BadName, match="neither pooling nor layer"):
        load(made("clip"), pooling="mean")


# -- sound ---------------------------------------------------------------------------------------------------


def test_a_network_that_reads_the_wave(made: Callable[[str], Path]) -> None:
    model = load(made("wav2vec2"))
    assert isinstance(model, WaveEmbedder)
    items = el.load_dataset("voices").take(np.arange(0, 240, 60))
    emb = model.embed(items)
    reader = tf.AutoFeatureExtractor.from_pretrained(made("wav2vec2"))
    network = tf.AutoModel.from_pretrained(made("wav2vec2")).eval()
    for path, vector in zip(items.contents, emb.vectors, strict=True):
        values = reader(read_audio(path), sampling_rate=16_000, return_tensors="pt")["input_values"]
        with torch.inference_mode():
            wanted = network(values).last_hidden_state[0].mean(0)
        np.testing.assert_allclose(vector, wanted, atol=1e-4)
    np.testing.assert_allclose(model.embed(items, batch_size=1).vectors, emb.vectors, atol=1e-5)
    few = np.random.default_rng(0).normal(size=20).astype(np.float32)
    assert np.isfinite(model.embed_query((few, 16_000))).all(), "shorter than its first frame"
    assert load(made("wav2vec2"), layer=1).card.layer == "hidden_states.1"
    with pytest.raises(BadName, match="must be 'mean', not 'cls'"):
        load(made("wav2vec2"), pooling="cls")


def test_whisper_of_any_size(made: Callable[[str], Path]) -> None:
    model = load(made("whisper"))
    assert isinstance(model, WhisperEmbedder)
    clip = el.load_dataset("voices").contents[0]
    reader = tf.WhisperFeatureExtractor()
    features = reader(read_audio(clip), sampling_rate=16_000, return_tensors="pt")["input_features"]
    encoder = tf.WhisperModel.from_pretrained(made("whisper")).encoder.eval()
    frames = -(-len(read_audio(clip)) // 320)
    with torch.inference_mode():
        out = encoder(features, output_hidden_states=True)
    wanted = out.last_hidden_state[0, :frames].mean(0)
    np.testing.assert_allclose(model.with_context("full").embed_query(clip), wanted, atol=1e-3)
    early = load(made("whisper"), layer=1)
    assert early.card.layer == "hidden_states.1"
    wanted = out.hidden_states[1][0, :frames].mean(0)
    np.testing.assert_allclose(early.with_context("full").embed_query(clip), wanted, atol=1e-3)


@pytest.mark.parametrize("kind", small_networks.KINDS)
def test_licence_and_weights_are_on_the_card(made: Callable[[str], Path], kind: str) -> None:
    card = load(made(kind)).card
    assert (card.licence, card.source, card.revision) == ("mit", "folder", None)
    assert card.params > 0
    assert len(card.sha256) == 64
