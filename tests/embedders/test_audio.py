"""The audio models: reference numbers on real speech, front ends and conversions against the originals."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sounds import tone, write

import embedlab as el
from embedlab.catalog import registry
from embedlab.comparison.tasks import knn_accuracy
from embedlab.embedders import ctranslate2, speaker, whisper
from embedlab.embedders.audio import read_windows
from embedlab.embedders.layers import NoSuchLayer
from embedlab.embedders.whisper import WhisperEmbedder
from embedlab.errors import BadItem, EmbedlabError, ProblemCode
from embedlab.media import audio
from embedlab.media.mel import log_mel
from embedlab.weights import LocalWeights, locate

BASE = pytest.mark.weights("audio/whisper-base")
VOICE = pytest.mark.weights("audio/speaker")


@cache
def load(name: str) -> Any:
    return el.load_model(name)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


@pytest.fixture
def digits(shared: Path) -> el.Items:
    """300 spoken digits; the label is the digit, and the speaker a column."""
    items = el.Items.from_folder(shared / "audio" / "fsdd_300", modality="audio")
    parts = [Path(id).stem.split("_") for id in items.ids]
    frame = items.frame.assign(label=[p[0] for p in parts], speaker=[p[1] for p in parts])
    return el.Items(frame, "audio", "digits")


def by_speaker(emb: el.Embeddings) -> el.Embeddings:
    frame = emb.items.frame
    return dataclasses.replace(emb, items=el.Items(frame.assign(label=frame["speaker"]), "audio", "voices"))


@pytest.fixture
def clips() -> el.Items:
    return el.load_dataset("voices").take(np.arange(0, 240, 29))


# -- reference numbers -----------------------------------------------------------------------------------


@BASE
@pytest.mark.shared
@pytest.mark.slow
def test_what_was_said_comes_out_and_who_said_it_goes(digits: el.Items) -> None:
    """Measured with all of the silence (context "full"): digit 0.773 → 0.993, speaker 0.957 → 0.840."""
    model = load("audio/whisper-base")
    depth = el.embed_layers(digits, model)
    assert list(depth) == [f"hidden_states.{i}" for i in range(7)]
    said = [float(knn_accuracy(emb)) for emb in depth.values()]
    who = [float(knn_accuracy(by_speaker(emb))) for emb in depth.values()]
    assert said[0] == pytest.approx(0.773, abs=0.01)
    assert said[-1] >= 0.985
    assert who[0] == pytest.approx(0.957, abs=0.01)
    assert who[-1] == pytest.approx(0.84, abs=0.03)
    assert sorted(said[:5]) == said[:5]
    np.testing.assert_allclose(depth["hidden_states.6"].vectors, model.embed(digits).vectors, atol=1e-5)


@VOICE
@pytest.mark.shared
def test_the_speaker_model_knows_the_voice(digits: el.Items) -> None:
    emb = load("audio/speaker").embed(digits)
    assert float(knn_accuracy(by_speaker(emb))) >= 0.99
    assert float(knn_accuracy(emb)) == pytest.approx(0.843, abs=0.02)
    assert emb.vectors.min() >= 0


@BASE
@pytest.mark.shared
@pytest.mark.slow
def test_whisper_writes_down_real_speech(digits: el.Items) -> None:
    """Weights, conversion, front end and tokenizer belong together: with one of them wrong this is noise."""
    frame, right = digits.frame, 0
    voices = sorted(set(frame["speaker"]))
    for voice in voices:
        own = frame[frame["speaker"] == voice].drop_duplicates("label").set_index("label")["path"]
        said = [np.pad(audio.read_audio(own[digit]), (0, 4_800)) for digit in "417392"]
        heard = load("audio/whisper-base").transcribe((np.concatenate(said), 16_000))
        # It may go on repeating the last digits: the decoder is greedy, and loops now and then.
        right += re.sub(r"\D", "", heard).startswith("417392")
    assert right >= len(voices) - 1, "one voice's 'four' is heard as 'call'"


@BASE
def test_whisper_writes_down_a_synthetic_sentence_of_words() -> None:
    voices = el.load_dataset("voices")
    said = [f"{word}-low-slow" for word in ("music", "garden", "seven", "water")]
    samples = np.concatenate([audio.read_audio(voices.row(id)["path"]) for id in said])
    heard = load("audio/whisper-base").transcribe((samples, 16_000)).lower()
    assert sum(word in heard.replace("7", "seven") for word in ("music", "garden", "seven", "water")) >= 3


# -- the same by another way ---------------------------------------------------------------------------


def test_our_mel_is_that_of_transformers() -> None:
    from transformers import WhisperFeatureExtractor

    rng = np.random.default_rng(0)
    clip = (tone(2.0) + 0.01 * rng.normal(size=32_000)).astype(np.float32)
    theirs = WhisperFeatureExtractor()(clip, sampling_rate=16_000, return_tensors="pt")["input_features"]
    ours = log_mel(torch.nn.functional.pad(torch.from_numpy(clip), (0, 480_000 - len(clip))))
    np.testing.assert_allclose(ours, theirs[0], atol=1e-4)


def test_the_speaker_models_mel_is_that_of_librosa() -> None:
    librosa = pytest.importorskip("librosa")
    clip = (tone(2.0) + 0.05 * np.random.default_rng(0).normal(size=32_000)).astype(np.float32)
    theirs = librosa.feature.melspectrogram(y=clip, sr=16_000, n_fft=400, hop_length=160, n_mels=40).T
    ours = speaker.power_mel(torch.from_numpy(clip)).numpy()
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6 * theirs.max())


@BASE
@pytest.mark.slow
def test_by_hand_equals_the_helper(clips: el.Items) -> None:
    from transformers import WhisperFeatureExtractor

    model = load("audio/whisper-base").with_context("full")
    ours = model.embed(clips).vectors
    extract = WhisperFeatureExtractor()
    for row, path in enumerate(clips.contents[:4]):
        samples = audio.read_audio(path)
        features = extract(samples, sampling_rate=16_000, return_tensors="pt")["input_features"]
        with torch.inference_mode():
            frames = model.network.model.encoder(features).last_hidden_state[0]
        real = -(-len(samples) // 320)
        np.testing.assert_allclose(ours[row], frames[:real].mean(0).numpy(), atol=2e-3)
        assert np.abs(ours[row] - frames.mean(0).numpy()).max() > 0.1, "with the padding it is another vector"


@BASE
@pytest.mark.slow
def test_the_converted_weights_compute_what_ctranslate2_computes(clips: el.Items, tmp_path: Path) -> None:
    engine = pytest.importorskip("ctranslate2")
    found = locate("audio/whisper-base")
    assert found is not None
    if not (found.path / "model.bin").is_file():
        pytest.skip("Whisper came from the hub here, in the layout of transformers")
    for file in found.path.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "vocabulary.json").write_text("[" + ",".join(f'"{i}"' for i in range(51_865)) + "]")
    original = engine.models.Whisper(str(tmp_path), compute_type="float32")
    model = load("audio/whisper-base")
    samples = torch.zeros(1, 480_000)
    clip = audio.read_audio(clips.contents[0])
    samples[0, : len(clip)] = torch.from_numpy(clip)
    features = log_mel(samples)
    theirs = np.array(original.encode(engine.StorageView.from_array(features.numpy())))
    with torch.inference_mode():
        ours = model.network.model.encoder(features).last_hidden_state.numpy()
    real = -(-len(clip) // 320)
    np.testing.assert_allclose(ours[0, :real], theirs[0, :real], atol=5e-3)


# -- the short context ----------------------------------------------------------------------------------


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


# -- any size of Whisper, both layouts -------------------------------------------------------------------


def tiny_whisper() -> Any:
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(0)
    sizes = {"d_model": 384, "encoder_layers": 4, "decoder_layers": 4, "encoder_attention_heads": 6}
    config = WhisperConfig(
        **sizes, decoder_attention_heads=6, encoder_ffn_dim=1536, decoder_ffn_dim=1536, vocab_size=51_865
    )
    return WhisperForConditionalGeneration(config).eval()


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


def as_ctranslate2(weights: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """The opposite direction of the reader, written independently: q, k and v stacked, a zero bias for k."""
    known = {
        "self_attn_layer_norm": "self_attention/layer_norm",
        "encoder_attn_layer_norm": "attention/layer_norm",
        "final_layer_norm": "ffn/layer_norm",
        "self_attn.out_proj": "self_attention/linear_1",
        "encoder_attn.out_proj": "attention/linear_2",
        "encoder_attn.q_proj": "attention/linear_0",
        "fc1": "ffn/linear_0",
        "fc2": "ffn/linear_1",
        "embed_tokens": "embeddings",
        "embed_positions": "position_encodings",
    }
    out = {}
    for name, value in weights.items():
        if name == "proj_out.weight" or "k_proj" in name or "v_proj" in name:
            continue
        *path, kind = name.removeprefix("model.").split(".")
        where = f"{path[0]}/layer_{path[2]}/" if path[1] == "layers" else f"{path[0]}/"
        part = ".".join(path[3:] if path[1] == "layers" else path[1:])
        if part.endswith("layer_norm"):
            kind = {"weight": "gamma", "bias": "beta"}[kind]
        if part == "embed_positions":
            kind = "encodings"
        stacked = [value]
        if part in ("self_attn.q_proj", "encoder_attn.k_proj"):
            stem = name.replace("q_proj", "{}_proj")
            key = weights.get(stem.format("k"), torch.zeros_like(value))
            stacked = [value, key, weights[stem.format("v")]]
            out[f"{where}self_attention/linear_0/{kind}"] = torch.cat(stacked).numpy()
            continue
        out[f"{where}{known.get(part, part)}/{kind}"] = value.numpy()
    for name, value in weights.items():
        if "encoder_attn.v_proj" in name:
            key = weights.get(name.replace("v_proj", "k_proj"), torch.zeros_like(value))
            _, tower, _, layer, *_, kind = name.split(".")
            out[f"{tower}/layer_{layer}/attention/linear_1/{kind}"] = torch.cat([key, value]).numpy()
    return out


def write_ctranslate2(path: Path, arrays: dict[str, np.ndarray]) -> None:
    def text(words: str) -> bytes:
        return len(words.encode() + b"\0").to_bytes(2, "little") + words.encode() + b"\0"

    def number(value: int, size: int = 4) -> bytes:
        return value.to_bytes(size, "little")

    with path.open("wb") as file:
        file.write(number(6) + text("WhisperSpec") + number(3) + number(len(arrays)))
        for name, array in arrays.items():
            shape = b"".join(map(number, array.shape))
            kind = {"float32": 0, "int8": 1, "float16": 4}[str(array.dtype)]
            file.write(text(name) + number(array.ndim, 1) + shape + number(kind, 1) + number(array.nbytes))
            file.write(array.tobytes())
        file.write(number(0))


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


# -- long and bad recordings ---------------------------------------------------------------------------


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
