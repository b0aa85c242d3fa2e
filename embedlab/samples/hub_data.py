"""Sample data that only the model hub has: ``cifar10``, tiny pictures, and ``digits``, real voices."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from embedlab import settings, weights
from embedlab.catalog.pins import WeightFile, Weights
from embedlab.errors import EmbedlabError
from embedlab.io.folders import build_once
from embedlab.items import Items

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
# Jackson et al., "Free Spoken Digit Dataset", doi:10.5281/zenodo.1342401. No public source tells the sha256.
DIGITS = Weights(
    repo="mteb/free-spoken-digit-dataset",
    repo_type="dataset",
    revision="c34455c99604d35cb8d27328c267be1478efc903",
    main="data/test-00000-of-00001.parquet",
    files=(WeightFile("data/test-00000-of-00001.parquet", 2_000_000, None),),
)
_RECORDING = re.compile(r"\d_([a-z]+)_\d+\.wav")  # 7_theo_3.wav: digit, speaker, take


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
    made = build_once(
        root / f"pictures-{N_CIFAR10}-{folder.name[:12]}",
        lambda to: unpack_parquet(folder / CIFAR10.main, to, N_CIFAR10, image="img"),
    )
    return Items.from_folder(made, modality="image", name="cifar10")


def load_digits() -> Items:
    """300 recordings of the digits 0 to 9, each said by several people: the test part of the free set.

    Returns
    -------
    Items
        Label: the digit. Column ``speaker``: a name, missing where the table does not tell it.

    Raises
    ------
    EmbedlabError
        When the hub cannot be reached and the data are not on this machine.
    """
    root = settings.cache_root() / "datasets" / "digits"
    with weights.download_bar() as progress:
        folder = weights.fetch_files("the Free Spoken Digit Dataset", DIGITS, root, progress)
    made = build_once(
        root / f"recordings-{folder.name[:12]}", lambda to: unpack_recordings(folder / DIGITS.main, to)
    )
    table = pd.read_csv(made / "recordings.csv", dtype={"digit": str})
    table["file"] = [str(made / file) for file in table["file"]]
    return Items.from_frame(table, modality="audio", content="file", id="id", label="digit", name="digits")


def unpack_recordings(table: Path, target: Path) -> None:
    """Write the recordings in a parquet file of the hub as files, and a table of them, ``recordings.csv``.

    Parameters
    ----------
    table : Path
        With the columns ``audio`` (a struct that holds ``bytes`` and ``path``) and ``label``.
    target : Path

    Raises
    ------
    EmbedlabError
        When a column or a recording is missing.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(table)
    if not {"audio", "label"} <= set(file.schema_arrow.names):
        raise EmbedlabError(
            f"{table.name} has the columns {file.schema_arrow.names}; 'audio' and 'label' are needed."
        )
    names, rows = _names(file), []
    for number, row in enumerate(file.read(columns=["audio", "label"]).to_pylist()):
        audio, label = row["audio"] or {}, row["label"]
        if not audio.get("bytes"):
            raise EmbedlabError(f"Row {number} of {table.name} holds no sound; another table is expected.")
        digit = str(names[label] if names else label)
        # Only our own numbers become names of files, never the names inside the table.
        name = f"{number:04}.wav"
        (target / name).write_bytes(audio["bytes"])
        found = _RECORDING.fullmatch(Path(audio.get("path") or "").name)
        speaker = found.group(1) if found else None
        rows.append({"id": name[:-4], "file": name, "digit": digit, "speaker": speaker})
    pd.DataFrame(rows).to_csv(target / "recordings.csv", index=False)


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
    names = _names(file)
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


def _names(file: Any) -> list[str] | None:
    """What the numbers in the column ``label`` stand for, where the schema tells."""
    described = json.loads((file.schema_arrow.metadata or {}).get(b"huggingface", b"{}"))
    feature = described.get("info", {}).get("features", {}).get("label", {})
    names = feature.get("names") or (feature.get("feature") or {}).get("names")
    return list(names) if names else None


def _stratified(labels: np.ndarray, n_labels: int, n: int, seed: int) -> np.ndarray:
    """Rows in order, about n / n_labels of each label; -1 marks a row without one."""
    there = [c for c in np.unique(labels) if 0 <= c < n_labels]
    share, rng = -(-n // max(1, len(there))), np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(labels == c))[:share] for c in there]
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)
