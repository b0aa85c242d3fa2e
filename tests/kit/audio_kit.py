"""Audio models, loaded once, and their similarities."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import embedlab as el

BASE = pytest.mark.weights("audio/whisper-base")
VOICE = pytest.mark.weights("audio/speaker")


@cache
def load(name: str) -> Any:
    return el.load_model(name)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def by_speaker(emb: el.Embeddings) -> el.Embeddings:
    frame = emb.items.frame
    return dataclasses.replace(emb, items=el.Items(frame.assign(label=frame["speaker"]), "audio", "voices"))


def tiny_whisper() -> Any:
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(0)
    sizes = {"d_model": 384, "encoder_layers": 4, "decoder_layers": 4, "encoder_attention_heads": 6}
    config = WhisperConfig(
        **sizes, decoder_attention_heads=6, encoder_ffn_dim=1536, decoder_ffn_dim=1536, vocab_size=51_865
    )
    return WhisperForConditionalGeneration(config).eval()


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
