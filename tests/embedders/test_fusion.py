"""Frames and sound side by side: which part answers to what, on real weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_films import film

import embedlab as el
from embedlab.catalog import registry
from embedlab.embedders import fusion as fusion_module
from embedlab.embedders.fusion import DEFAULT_PARTS, PARTS, FramesAndSound
from embedlab.errors import BadItem, EmbedlabError
from embedlab.media import video

NAME = "video/frames+sound"
pytestmark = [pytest.mark.weights("image/efficientnet-lite0"), pytest.mark.weights("audio/whisper-base")]


def test_it_is_made_of_two_models() -> None:
    row = registry.row(NAME)
    assert row.parts == ("image/efficientnet-lite0", "audio/whisper-base")
    model = el.load_model(NAME)
    assert model.dim == row.card.dim == 3 * 1280 + 512
    assert model.card.params == row.card.params
    assert model.card.layer == "image/efficientnet-lite0 + audio/whisper-base"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> el.Items:
    """The same picture twice, still and moving, with two tones; one without a sound track."""
    folder = tmp_path_factory.mktemp("fused")
    film(folder / "still low.mp4", moves=False, hertz=200)
    film(folder / "still high.mp4", moves=False, hertz=1500)
    film(folder / "moving low.mp4", moves=True, hertz=200)
    film(folder / "mute.mp4", moves=False, hertz=None)
    return el.Items.from_folder(folder, modality="video")


def cosine(emb: el.Embeddings, a: str, b: str) -> float:
    first, second = (emb.vectors[emb.ids.index(f"{name}.mp4")] for name in (a, b))
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_each_part_answers_to_its_own(films: el.Items) -> None:
    model = fusion()
    sound, picture, motion = (
        el.embed(films, model.with_parts(part)) for part in ("sound", "picture", "motion")
    )
    assert (sound.dim, picture.dim, motion.dim) == (512, 2560, 1280)
    assert cosine(sound, "still low", "moving low") > 0.99 > cosine(sound, "still low", "still high")
    assert cosine(picture, "still low", "still high") > 0.99 > cosine(picture, "still low", "moving low")
    moved = [np.linalg.norm(motion.vectors[motion.ids.index(f"{n}.mp4")]) for n in ("moving low", "mute")]
    assert moved[0] == pytest.approx(1, abs=1e-5)


def test_only_direction_turns_around_when_a_clip_is_played_backwards() -> None:
    frames = video.read_frames(el.load_dataset("clips").row("star-goes-right-tone-1")["path"], 8)
    model = fusion()
    for part, wanted in {"picture": 1.0, "motion": 1.0, "direction": -1.0}.items():
        there, back = (model.with_parts(part).embed_query(film) for film in (frames, frames[::-1].copy()))
        assert float(there @ back) == pytest.approx(wanted, abs=1e-3), part
    still = np.repeat(frames[:1], 8, axis=0)
    assert not model.with_parts("direction").embed_query(still).any()
    assert not model.with_parts("motion").embed_query(still).any()
    picture, spread = np.split(model.with_parts("picture").embed_query(still), 2)
    assert picture.any()
    assert not spread.any(), "equal frames have no spread, whatever their last digits"


def fusion() -> FramesAndSound:
    model = el.load_model(NAME)
    assert isinstance(model, FramesAndSound)
    return model


def test_no_part_drowns_the_others(films: el.Items) -> None:
    """Each has length 1, then its weight, whatever its number of dimensions and its scale."""
    model, emb = fusion(), el.embed(films, NAME)
    assert sum(model.weights.values()) == pytest.approx(1)
    assert model.weights["sound"] > model.weights["picture"] == model.weights["motion"]
    parts = np.split(emb.vectors[emb.ids.index("moving low.mp4")], [2560, 3840])
    wanted = np.sqrt([model.weights[part] for part in DEFAULT_PARTS])
    np.testing.assert_allclose([np.linalg.norm(part) for part in parts], wanted, atol=1e-5)
    alone = [el.embed(films, model.with_parts(part)).vectors for part in DEFAULT_PARTS]
    together = np.hstack([w * vectors for w, vectors in zip(wanted, alone, strict=True)])
    np.testing.assert_allclose(emb.vectors, together, atol=1e-5)


def test_unlike_clips_are_as_far_apart_in_every_part() -> None:
    """What the weights rest on: the mean cosine of two clips, in each part."""
    clips = el.load_dataset("clips")
    some = clips.take(np.arange(0, len(clips), 7))
    for part in PARTS:
        unit = el.embed(some, fusion().with_parts(part)).normalize().vectors
        alike = float((unit @ unit.T)[~np.eye(len(unit), dtype=bool)].mean())
        assumed = fusion_module.baseline_cosine(part, "audio/whisper-base")
        # Distances are to agree within a quarter.
        assert 0.75 < (1 - alike) / (1 - assumed) < 1.33, f"{part}: {alike:.2f}"


def test_without_a_sound_track_that_part_is_zero(films: el.Items) -> None:
    emb = el.embed(films, fusion().with_parts("picture", "sound"))
    mute = emb.vectors[emb.ids.index("mute.mp4")]
    assert not mute[2560:].any()
    assert mute[:2560].any()


def test_queries_order_and_batches(films: el.Items) -> None:
    model = fusion()
    emb = model.embed(films)
    for row, path in enumerate(films.contents):
        np.testing.assert_allclose(model.embed_query(path), emb.vectors[row], atol=1e-5)
    again = model.embed(films)
    assert again.report is not None
    assert again.report.n_cached == len(films)


@pytest.mark.weights("audio/speaker")
def test_other_models_can_be_joined(films: el.Items) -> None:
    model = fusion().with_models(audio="audio/speaker")
    assert model.dim == 3 * 1280 + 256
    assert model.card.sha256 != fusion().card.sha256
    assert el.embed(films, model).vectors.shape == (4, 4096)
    with pytest.raises(EmbedlabError, match="an image and an audio model"):
        fusion().with_models(image="audio/speaker")


def test_what_cannot_be_is_refused(films: el.Items, tmp_path: Path) -> None:
    with pytest.raises(EmbedlabError, match="picture, motion, direction, sound"):
        fusion().with_parts("smell")
    with pytest.raises(EmbedlabError, match="not none"):
        fusion().with_parts()
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    with pytest.raises(BadItem, match=r"broken\.mp4"):
        el.embed(el.Items.from_folder(tmp_path, modality="video"), NAME)
