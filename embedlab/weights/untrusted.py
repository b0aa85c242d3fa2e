"""What an unknown repository may bring: which of its files are used, and that none of them is code.

Weights are safetensors, or a PyTorch file that is read with ``weights_only=True``. A model that needs code
from its repository is refused by name, before anything large is downloaded.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from embedlab.weights.errors import WeightsError

_SETTINGS = {".json", ".txt", ".model", ".spm", ".bpe", ".vocab"}
_WEIGHTS = re.compile(r"(?:model|pytorch_model)(?:-\d{1,6}-of-\d{1,6})?\.(safetensors|bin)")
_OTHER_FORMATS = {"onnx", "openvino", "coreml", "gguf", "mlx", "original", "runs", "checkpoints"}
_LARGEST_SETTING = 64_000_000  # bytes; the vocabularies of the largest models take about half of it
# Modules that are part of sentence-transformers and read only their own weights.
KNOWN_MODULES = {"Transformer", "Pooling", "Normalize", "Dense", "LayerNorm", "StaticEmbedding", "Dropout"}


class NeedsCode(WeightsError):
    """The model only runs with code from its repository, which is never executed."""


class NotAModel(WeightsError):
    """The repository or folder has no weights, or no description, that embedlab can read."""


def select_files(sizes: Mapping[str, int]) -> list[str]:
    """Select the files of a repository that are downloaded.

    Parameters
    ----------
    sizes : mapping of str to int
        Path to bytes, of all files.

    Returns
    -------
    list of str
        Paths: small files first, then weights.

    Raises
    ------
    NotAModel
        If there are no weights in a format that is read, or a path leads out of the folder. The message has
        no full stop: the caller adds which repository or folder it is.
    """
    small, weights = [], {}
    for path in sizes:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path or "\x00" in path or ":" in path:
            raise NotAModel(f"it lists the file {path!r}, which would be outside of its folder; refused")
        if len(pure.parts) > 2 or pure.parts[0].startswith(".") or pure.parts[0].lower() in _OTHER_FORMATS:
            continue
        if path == "source.json":  # the record that embedlab writes into its cache
            continue
        if _WEIGHTS.fullmatch(pure.name):
            weights[path] = str(pure.parent)
        elif path == "README.md" or (pure.suffix in _SETTINGS and sizes[path] <= _LARGEST_SETTING):
            small.append(path)
    safe = {folder for path, folder in weights.items() if path.endswith(".safetensors")}
    selected = [p for p, folder in weights.items() if p.endswith(".safetensors") or folder not in safe]
    if not selected:
        others = [
            p for p in sizes if p.endswith((".onnx", ".gguf", ".h5", ".msgpack", ".ckpt", ".pkl", ".pt"))
        ]
        raise NotAModel(
            "it has neither model.safetensors nor pytorch_model.bin"
            + (f", only {', '.join(sorted(others)[:3])}" if others else "")
        )
    return sorted(small) + sorted(selected)


def is_weights(path: str) -> bool:
    """Return whether a file holds weights."""
    return bool(_WEIGHTS.fullmatch(PurePosixPath(path).name))


def main_file(paths: Iterable[str]) -> str:
    """Return the main weights file: the one in the highest folder."""
    return min((p for p in paths if is_weights(p)), key=lambda p: (p.count("/"), p))


def identity(sha256: Mapping[str, str]) -> str:
    """Return one sha256 for a model: that of its only weights file, or a hash of those of all."""
    hashes = [value for path, value in sorted(sha256.items()) if is_weights(path)]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def list_files(folder: Path) -> dict[str, int]:
    """Return path and bytes of the files in a folder, two levels deep."""
    found = [path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in found}


def check_code(folder: Path, name: str) -> None:
    """Refuse a model whose description asks for code of its own.

    Parameters
    ----------
    folder : Path
        With the configuration files; the weights may be missing.
    name : str
        What to call the model in messages.

    Raises
    ------
    NeedsCode
        If the model needs code from its repository or another one.
    """
    config = read_json(folder / "config.json")
    code = config.get("auto_map")
    if code and not _is_in_transformers(str(config.get("model_type", ""))):
        files = sorted({str(value).split(".")[0].split("--")[-1] + ".py" for value in _flat(code)})
        raise NeedsCode(
            f"{name} needs code from its repository ({', '.join(files)}), which is never executed here. "
            "Choose another model, or load it yourself and pass it on: el.from_module(…) or "
            "el.register(card, loader).",
            model=name,
            path=folder,
        )
    for path in ("config.json", "sentence_bert_config.json"):
        _check_settings(read_json(folder / path), name, path)
    for module in read_modules(folder):
        kind = str(module.get("type", ""))
        known = kind.startswith("sentence_transformers.") and kind.split(".")[-1] in KNOWN_MODULES
        path = str(module.get("path", ""))
        if not known:
            raise NeedsCode(
                f"{name} is made with {kind[:100]!r}, which is not among the modules that embedlab runs "
                f"({', '.join(sorted(KNOWN_MODULES))}). Load it yourself and pass it on: "
                "el.register(card, loader).",
                model=name,
                path=folder,
            )
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
            raise NeedsCode(
                f"{name} names a module outside of its folder: {path[:100]!r}. It is refused; choose another "
                "model.",
                model=name,
                path=folder,
            )


def _check_settings(settings: Any, name: str, file: str) -> None:
    """Refuse ``org/kernel`` in a configuration: transformers would download and run that compiled code."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            if "attn_implementation" in str(key) and any("/" in str(v) for v in _flat(value)):
                raise NeedsCode(
                    f"{name} asks in {file} for code from another repository ({value!r}). It is refused; "
                    "choose another model.",
                    model=name,
                )
            if key in ("kernel_config", "use_kernels") and value:
                raise NeedsCode(
                    f"{name} asks in {file} for compiled code ({key}). It is refused; choose another model.",
                    model=name,
                )
            _check_settings(value, name, file)


def _is_in_transformers(model_type: str) -> bool:
    """Return whether transformers has the network itself and needs no code from the repository."""
    from transformers import CONFIG_MAPPING

    return model_type in CONFIG_MAPPING


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return [y for x in value for y in _flat(x)] if isinstance(value, list) else [value]


def read_modules(folder: Path) -> list[dict[str, Any]]:
    """Return ``modules.json`` of a sentence-transformers model; empty without one."""
    try:
        found = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; empty without a readable one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def licence_of(folder: Path) -> str:
    """Return the licence in the front matter of the repository's README, or "unknown"."""
    try:
        head = (folder / "README.md").read_text(encoding="utf-8", errors="replace")[:20_000]
    except OSError:
        return "unknown"
    front = re.match(r"\s*---\s*\n(.*?)\n---", head, re.DOTALL)
    found = re.search(r"^license:\s*[\"']?([A-Za-z0-9.+_-]{1,60})", front[1], re.MULTILINE) if front else None
    return found[1] if found else "unknown"
