"""What an unknown repository may bring: which of its files are taken, and that none of them is code.

Weights are safetensors, or a PyTorch file that is read with ``weights_only=True``. A model that needs code
from its repository is refused by name, before anything large is fetched.
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
# Their own weights, and their own code inside of sentence-transformers.
KNOWN_MODULES = {"Transformer", "Pooling", "Normalize", "Dense", "LayerNorm", "StaticEmbedding", "Dropout"}


class NeedsCode(WeightsError):
    """A model that only runs with code from its repository, which is never executed."""


class NotAModel(WeightsError):
    """A repository or folder that holds no weights, or no description, that can be read here."""


def chosen(sizes: Mapping[str, int]) -> list[str]:
    """The files of a repository that are fetched, from path → bytes.

    Raises
    ------
    NotAModel
        When there are no weights in a format that is read, or a path leads out of the folder.
    """
    wanted, weights = [], {}
    for path in sizes:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path or "\x00" in path or ":" in path:
            raise NotAModel(f"it lists the file {path!r}, which would lie outside of its folder; refused")
        if len(pure.parts) > 2 or pure.parts[0].startswith(".") or pure.parts[0].lower() in _OTHER_FORMATS:
            continue
        if path == "source.json":  # our own note about the arrival has this name
            continue
        if _WEIGHTS.fullmatch(pure.name):
            weights[path] = str(pure.parent)
        elif path == "README.md" or (pure.suffix in _SETTINGS and sizes[path] <= _LARGEST_SETTING):
            wanted.append(path)
    safe = {folder for path, folder in weights.items() if path.endswith(".safetensors")}
    taken = [p for p, folder in weights.items() if p.endswith(".safetensors") or folder not in safe]
    if not taken:
        others = [
            p for p in sizes if p.endswith((".onnx", ".gguf", ".h5", ".msgpack", ".ckpt", ".pkl", ".pt"))
        ]
        raise NotAModel(
            "it has neither model.safetensors nor pytorch_model.bin"
            + (f", only {', '.join(sorted(others)[:3])}" if others else "")
        )
    return sorted(wanted) + sorted(taken)


def is_weights(path: str) -> bool:
    """Whether a file holds weights."""
    return bool(_WEIGHTS.fullmatch(PurePosixPath(path).name))


def main_file(paths: Iterable[str]) -> str:
    """The weights file that a model is mainly made of: the one that lies highest."""
    return min((p for p in paths if is_weights(p)), key=lambda p: (p.count("/"), p))


def identity(sha256: Mapping[str, str]) -> str:
    """One sha256 for all weights files of a model: their own where there is one, else a hash of theirs."""
    own = [value for path, value in sorted(sha256.items()) if is_weights(path)]
    return own[0] if len(own) == 1 else hashlib.sha256("".join(own).encode()).hexdigest()


def listing(folder: Path) -> dict[str, int]:
    """Path → bytes of the files in a folder, two levels deep."""
    found = [path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in found}


def check_code(folder: Path, name: str) -> None:
    """Refuse a model whose description asks for code of its own.

    Raises
    ------
    NeedsCode
        Naming the model and the code.
    """
    config = read_json(folder / "config.json")
    code = config.get("auto_map")
    if code and not _native(str(config.get("model_type", ""))):
        files = sorted({str(value).split(".")[0].split("--")[-1] + ".py" for value in _flat(code)})
        raise NeedsCode(
            f"{name} needs code from its repository ({', '.join(files)}), which is never executed here. Take "
            "another model, or load it yourself and hand it over: el.from_module(…) or el.register(card, "
            "loader)."
        )
    for path in ("config.json", "sentence_bert_config.json"):
        _check_settings(read_json(folder / path), name, path)
    for module in read_modules(folder):
        kind = str(module.get("type", ""))
        known = kind.startswith("sentence_transformers.") and kind.split(".")[-1] in KNOWN_MODULES
        path = str(module.get("path", ""))
        if not known:
            raise NeedsCode(
                f"{name} is made with {kind[:100]!r}, which is not among the parts that are run here "
                f"({', '.join(sorted(KNOWN_MODULES))}). Load it yourself and hand it over: "
                "el.register(card, loader)."
            )
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
            raise NeedsCode(f"{name} names a part outside of its folder: {path[:100]!r}. Refused.")


def _check_settings(settings: Any, name: str, file: str) -> None:
    """transformers fetches and runs compiled code that a configuration names as ``org/kernel``."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            if "attn_implementation" in str(key) and any("/" in str(v) for v in _flat(value)):
                raise NeedsCode(
                    f"{name} asks in {file} for code from another repository ({value!r}). Refused."
                )
            if key in ("kernel_config", "use_kernels") and value:
                raise NeedsCode(f"{name} asks in {file} for compiled code ({key}). Refused.")
            _check_settings(value, name, file)


def _native(model_type: str) -> bool:
    """Whether transformers has the network itself; such a repository's code is then left where it is."""
    from transformers import CONFIG_MAPPING

    return model_type in CONFIG_MAPPING


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return [y for x in value for y in _flat(x)] if isinstance(value, list) else [value]


def read_modules(folder: Path) -> list[dict[str, Any]]:
    """``modules.json`` of a sentence-transformers model; empty where there is none."""
    try:
        found = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def read_json(path: Path) -> dict[str, Any]:
    """An object in a JSON file; empty where there is no legible one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def licence_of(folder: Path) -> str:
    """The licence that the repository's README states in its head, or "unknown"."""
    try:
        head = (folder / "README.md").read_text(encoding="utf-8", errors="replace")[:20_000]
    except OSError:
        return "unknown"
    front = re.match(r"\s*---\s*\n(.*?)\n---", head, re.DOTALL)
    found = re.search(r"^license:\s*[\"']?([A-Za-z0-9.+_-]{1,60})", front[1], re.MULTILINE) if front else None
    return found[1] if found else "unknown"
