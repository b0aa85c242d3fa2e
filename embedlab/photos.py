"""Sample pictures that arrive at run time: ``photos``, from a pinned wheel, and ``cifar10``, from the hub.

Nothing third-party is part of this project. What is fetched, who made it and under which licence stands in
``data/photos/manifest.json`` and in the columns of the items.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock
from PIL import Image

from embedlab import settings, views, weights
from embedlab.errors import EmbedlabError
from embedlab.items import Items
from embedlab.pins import WeightFile, Weights, Wheel
from embedlab.views import VIEWS, small
from embedlab.weights import problems

log = logging.getLogger("embedlab")

CIFAR10 = Weights(
    repo="uoft-cs/cifar10",
    repo_type="dataset",
    revision="0b2714987fa478483af9968de7c934580d0bb9a2",
    main="plain_text/test-00000-of-00001.parquet",
    files=(
        WeightFile(
            "plain_text/test-00000-of-00001.parquet",
            23_940_850,
            "841389e6f2d64f28bf17310e430aebac20ec3ba611a3c5e231dc93c645ce84de",
        ),
    ),
)
N_CIFAR10 = 500


def load_photos(manifest: Path) -> Items:
    """Fifteen photographs in sixteen views each, made on first use.

    Parameters
    ----------
    manifest : Path
        ``data/photos/manifest.json``.

    Returns
    -------
    Items
        Id ``coffee/mirrored``, label ``coffee``; further columns ``view``, ``kind``,
        ``title``, ``credit`` and ``licence``.

    Raises
    ------
    EmbedlabError
        When the photographs can neither be found here nor fetched.
    """
    facts = json.loads(manifest.read_text("utf-8"))
    root = settings.cache_root() / "datasets" / "photos"
    with weights.download_bar() as progress:
        originals = weights.fetch_files("the photographs of scikit-image", pinned(facts), root, progress)
    made = _made_once(root / f"views-{_recipe(facts)}", lambda to: _views(facts, originals, to))
    rows = [
        {
            "id": f"{photo['name']}/{view}",
            "path": str(made / _file(photo["name"], number)),
            "label": photo["name"],
            "view": view,
            "kind": kind,
            **{name: photo[name] for name in ("title", "credit", "licence")},
        }
        for photo in facts["photos"]
        for number, (view, (kind, _)) in enumerate(VIEWS.items())
    ]
    log.info("photos: %s. Columns credit and licence name each.", _thanks(facts))
    return Items(pd.DataFrame(rows), "image", "photos")


def load_cifar10() -> Items:
    """500 tiny pictures of 10 kinds, a stratified sample of CIFAR-10's test part.

    Returns
    -------
    Items
        Label: airplane, automobile, bird, cat, deer, dog, frog, horse, ship or truck.

    Raises
    ------
    EmbedlabError
        When the hub cannot be reached and the data are not on this machine.
    """
    root = settings.cache_root() / "datasets" / "cifar10"
    with weights.download_bar() as progress:
        folder = weights.fetch_files("CIFAR-10", CIFAR10, root, progress)
    made = _made_once(
        root / f"pictures-{N_CIFAR10}-{folder.name[:12]}",
        lambda to: unpack_parquet(folder / CIFAR10.main, to, N_CIFAR10, image="img"),
    )
    return Items.from_folder(made, modality="image", name="cifar10")


def pinned(facts: dict[str, Any]) -> Weights:
    """The files and the wheel of a manifest."""
    files = tuple(WeightFile(p["file"], p["size"], p["sha256"]) for p in facts["photos"])
    return Weights(files, files[0].path, wheels=(Wheel(**facts["wheel"]),), inner=facts["inside"])


def unpack_parquet(table: Path, target: Path, n: int, *, image: str = "image", seed: int = 0) -> None:
    """Write a stratified sample of the pictures in a parquet file of the hub into folders named by label.

    Parameters
    ----------
    table : Path
        With the columns ``image`` (a struct that holds ``bytes``) and ``label`` (whole numbers), and names
        of the labels in the schema, as the library ``datasets`` writes them.
    target : Path
    n : int
        Pictures in all, about as many of each label; fewer where the file holds fewer. Rows without a label
        are left out.
    image : str
        Name of the column.
    seed : int

    Raises
    ------
    EmbedlabError
        When a column, the names of the labels, or a picture is missing.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(table)
    described = json.loads((file.schema_arrow.metadata or {}).get(b"huggingface", b"{}"))
    feature = described.get("info", {}).get("features", {}).get("label", {})
    names = feature.get("names") or (feature.get("feature") or {}).get("names")
    if names is None or image not in file.schema_arrow.names:
        raise EmbedlabError(
            f"{table.name} has the columns {file.schema_arrow.names}; a column {image!r} and the names of "
            "the labels are needed."
        )
    labels = file.read(columns=["label"]).column("label").fill_null(-1).to_numpy()
    chosen = _stratified(labels, len(names), n, seed)
    pictures = file.read(columns=[image]).column(image).take(chosen).to_pylist()
    for row, picture in zip(chosen, pictures, strict=True):
        # Only our own numbers and cleaned labels become names of files, never the names inside the table.
        label = "".join(c if c.isalnum() else "_" for c in str(names[labels[row]]))
        (target / label).mkdir(parents=True, exist_ok=True)
        if not picture or not picture["bytes"]:
            raise EmbedlabError(f"Row {row} of {table.name} holds no picture; another table is expected.")
        Image.open(BytesIO(picture["bytes"])).convert("RGB").save(target / label / f"{row:06}.png")


def _stratified(labels: np.ndarray, n_labels: int, n: int, seed: int) -> np.ndarray:
    """Rows in order, about n / n_labels of each label; -1 marks a row without one."""
    there = [c for c in np.unique(labels) if 0 <= c < n_labels]
    share, rng = -(-n // max(1, len(there))), np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(labels == c))[:share] for c in there]
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)


def _views(facts: dict[str, Any], originals: Path, target: Path) -> None:
    for photo in facts["photos"]:
        with Image.open(originals / photo["file"]) as opened:
            shown = small(opened)
        for number, (_, view) in enumerate(VIEWS.values()):
            view(shown).save(target / _file(photo["name"], number), compress_level=1)


def _file(name: str, number: int) -> str:
    return f"{name}-{number:02}.png"


def _recipe(facts: dict[str, Any]) -> str:
    """Changes with the photographs and with the code of the views, so that nothing stale is shown."""
    recipe = json.dumps(facts["photos"]).encode() + Path(views.__file__).read_bytes()
    return hashlib.sha256(recipe).hexdigest()[:12]


_LIST = ".files.json"
_ROOM = 30_000_000  # bytes that the views take, about


def _made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """A folder that ``make`` fills; it is there whole or not at all, whoever interrupts."""
    if _whole(folder):
        return folder
    with problems.cache_errors(folder.parent, _ROOM):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if not _whole(folder):
                _make(folder, make)
    return folder


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    # Always the same name: what a killed process left is cleared by the next one.
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    try:
        make(half)
        (half / _LIST).write_text(json.dumps(_sizes(half)), encoding="utf-8")
        if folder.exists():
            log.warning("%s is incomplete and is made again.", folder)
            shutil.rmtree(folder)
        half.replace(folder)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise


def _whole(folder: Path) -> bool:
    """Whether every file that was made is still there in its size."""
    try:
        noted: dict[str, int] = json.loads((folder / _LIST).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in noted.items())
    except (OSError, ValueError, AttributeError):
        return False


def _sizes(folder: Path) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_size for p in folder.rglob("*") if p.is_file()}


def _thanks(facts: dict[str, Any]) -> str:
    wheel = facts["wheel"]
    return (
        f"{len(facts['photos'])} photographs from {wheel['project']} {wheel['version']}, CC0 or public domain"
    )
