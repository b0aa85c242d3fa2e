"""CLIP and SigLIP: the real architectures, at full size, with seeded weights."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from pictures import folder, mixture, picture

import embedlab as el
from embedlab import settings
from embedlab.catalog import registry
from embedlab.embedders import clip
from embedlab.weights import LocalWeights


def found_in(path: Path) -> LocalWeights:
    return LocalWeights(path, "a" * 64)


@pytest.fixture(scope="module")
def seeded_clip(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """ViT-B/32 as published, and a tokenizer of single letters whose special tokens have CLIP's numbers."""
    from transformers import CLIPConfig, CLIPModel

    path = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    network = CLIPModel(CLIPConfig()).eval()
    torch.save(network.state_dict(), path / "pytorch_model.bin")
    network.config.save_pretrained(path)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'"
    vocab = {letter: i for i, letter in enumerate(letters)}
    vocab |= {f"{letter}</w>": i + len(letters) for i, letter in enumerate(letters)}
    vocab |= {"<|startoftext|>": 49_406, "<|endoftext|>": 49_407}
    (path / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    (path / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return clip.load_clip(registry.row("multimodal/clip-vit-b32").card, found_in(path))


@pytest.mark.slow
def test_clip_has_its_published_size(seeded_clip: Any) -> None:
    card = seeded_clip.card
    assert sum(p.numel() for p in seeded_clip.network.parameters()) == card.params
    assert seeded_clip.dim == card.dim == 512


@pytest.mark.slow
def test_clip_by_hand_equals_the_helper(seeded_clip: Any, tmp_path: Path) -> None:
    """The projection head, opened: what each tower ends with, and the matrix after it."""
    network, items = seeded_clip.network, folder(tmp_path / "p", 2)
    pixels = seeded_clip.preprocess.tensor([seeded_clip._prepare(Path(p)) for p in items.contents])
    tokens = seeded_clip.tokenize(["a cat", "a much longer sentence about a dog"])
    with torch.inference_mode():
        last = network.vision_model(pixel_values=pixels).last_hidden_state
        image = network.visual_projection(network.vision_model.post_layernorm(last[:, 0]))
        words = network.text_model(**tokens).last_hidden_state
        ends = tokens["input_ids"].argmax(dim=1)
        text = network.text_projection(words[torch.arange(2), ends])
    image, text = (torch.nn.functional.normalize(x, dim=1).numpy() for x in (image, text))
    np.testing.assert_allclose(seeded_clip.embed(items).vectors, image, atol=1e-5)
    found = seeded_clip.embed_texts(["a cat", "a much longer sentence about a dog"])
    np.testing.assert_allclose(found, text, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.slow
def test_clip_in_a_batch_and_alone(seeded_clip: Any, tmp_path: Path) -> None:
    items = mixture(tmp_path)
    together = seeded_clip.embed(items)
    assert together.vectors.shape == (6, 512)
    for row, content in enumerate(items.contents):
        np.testing.assert_allclose(seeded_clip.embed_query(content), together.vectors[row], atol=1e-5)
    backwards = seeded_clip.embed(items.take(np.arange(6)[::-1]), batch_size=1)
    np.testing.assert_allclose(backwards.vectors[::-1], together.vectors, atol=1e-5)


@pytest.mark.slow
def test_clip_says_what_it_cut(seeded_clip: Any) -> None:
    emb = seeded_clip.embed(el.Items.from_texts(["short", "w" * 100], ids=["a", "b"]))
    assert emb.report.truncated == ("b",)
    assert seeded_clip.tokenize(["w" * 100])["input_ids"].shape == (1, 77)
    assert int(seeded_clip.tokenize(["w" * 100])["input_ids"][0, -1]) == 49_407, "the last token is kept"


@pytest.mark.parametrize("size", [(300, 200), (64, 90), (224, 224), (500, 37)])
def test_pixels_are_those_of_transformers(size: tuple[int, int]) -> None:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    shown = picture(1, *size)
    theirs = CLIPImageProcessorPil()(shown, return_tensors="pt").pixel_values[0]
    torch.testing.assert_close(clip.CLIP_PIXELS(shown), theirs, atol=2e-2, rtol=0)
    half = SiglipImageProcessorPil(
        size={"height": 224, "width": 224}, resample=3, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    torch.testing.assert_close(
        clip.SIGLIP_PIXELS(shown), half(shown, return_tensors="pt").pixel_values[0], atol=2e-2, rtol=0
    )


@pytest.fixture(scope="module")
def seeded_siglip(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """SigLIP base as published, and a small SentencePiece tokenizer trained on the sample notes."""
    sentencepiece = pytest.importorskip("sentencepiece")
    from transformers import SiglipConfig, SiglipModel

    path = tmp_path_factory.mktemp("siglip")
    torch.manual_seed(0)
    SiglipModel(SiglipConfig()).eval().save_pretrained(path)
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text.lower() for text in el.load_dataset("notes").contents),
        model_writer=made,
        vocab_size=500,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    (path / "spiece.model").write_bytes(made.getvalue())
    return clip.load_siglip(registry.row("multimodal/siglip-base").card, found_in(path))


@pytest.mark.slow
def test_siglip_at_its_published_size(seeded_siglip: Any, tmp_path: Path) -> None:
    card = seeded_siglip.card
    assert sum(p.numel() for p in seeded_siglip.network.parameters()) == card.params
    assert seeded_siglip.tokenize(["a cat"])["input_ids"].shape == (1, 64), "always filled up"
    items = mixture(tmp_path)
    emb = seeded_siglip.embed(items)
    assert emb.vectors.shape == (6, 768)
    pixels = seeded_siglip.preprocess.tensor([seeded_siglip._prepare(items.contents[0])])
    with torch.inference_mode():
        image = seeded_siglip.network.vision_model(pixel_values=pixels).pooler_output
        text = seeded_siglip.network.text_model(**seeded_siglip.tokenize([items.contents[3]])).pooler_output
    for row, hand in ((0, image), (3, text)):
        np.testing.assert_allclose(
            emb.vectors[row], torch.nn.functional.normalize(hand, dim=1)[0].numpy(), atol=1e-5
        )
    backwards = seeded_siglip.embed(items.take(np.arange(6)[::-1]), batch_size=1)
    np.testing.assert_allclose(backwards.vectors[::-1], emb.vectors, atol=1e-5)


@pytest.mark.slow
def test_the_cells_of_the_lesson_run_where_clip_is(
    seeded_clip: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No machine without the hub runs them otherwise, and a lesson must not break where the hub is."""
    stored = nbformat.read(settings.notebooks_folder() / "04_multimodal.ipynb", as_version=4)
    cells = [c.source for c in stored.cells if c.cell_type == "code" and "clip_here" in c.source]
    assert len(cells) == 2
    monkeypatch.setattr(el, "available", lambda name: True)
    monkeypatch.setattr(el, "load_model", lambda name: seeded_clip)
    items = folder(tmp_path / "p", 2)
    frame = items.frame.assign(id=["cat/as it is", "dog/as it is"])
    shown: list[list[str]] = []
    lesson = type("lesson", (), {"answers": lambda paths, names, truth: shown.append(list(names))})
    plain = el.Items(frame, "image", "plain")
    names = ["cat", "dog"]
    world = {"el": el, "np": np, "torch": torch, "plain": plain, "names": names, "lesson_04": lesson}
    for cell in cells:
        exec(cell, world)
    assert "by hand equals helper" in capsys.readouterr().out
    assert len(shown) == 1
    assert set(shown[0]) <= {"cat", "dog"}
