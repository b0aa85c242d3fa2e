"""The sample data sets ``cifar10`` (tiny images) and ``digits`` (real voices), from the model hub only."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from PIL import Image

from embedlab import settings, weights
from embedlab.catalog.pins import WeightFile, Weights
from embedlab.errors import EmbedlabError, Problem, ProblemCode
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
# Jackson et al., "Free Spoken Digit Dataset", doi:10.5281/zenodo.1342401. No public source states the sha256.
DIGITS = Weights(
    repo="mteb/free-spoken-digit-dataset",
    repo_type="dataset",
    revision="c34455c99604d35cb8d27328c267be1478efc903",
    main="data/test-00000-of-00001.parquet",
    files=(WeightFile("data/test-00000-of-00001.parquet", 2_000_000, None),),
)
_RECORDING_NAME = re.compile(r"\d_([a-z]+)_\d+\.wav")  # 7_theo_3.wav: digit, speaker, take


def load_cifar10() -> Items:
    """Load 500 tiny images of 10 classes, a stratified sample of the test split of CIFAR-10.

    Returns
    -------
    Items
        Label: airplane, automobile, bird, cat, deer, dog, frog, horse, ship or truck.

    Raises
    ------
    EmbedlabError
        If the data are not in the cache and the hub cannot be reached.
    """
    root = settings.cache_root() / "datasets" / "cifar10"
    with weights.download_bar() as progress:
        folder = weights.fetch_files("CIFAR-10", CIFAR10, root, progress)
    unpacked = build_once(
        root / f"pictures-{N_CIFAR10}-{folder.name[:12]}",
        lambda target: unpack_images(folder / CIFAR10.main, target, N_CIFAR10, column="img"),
    )
    return Items.from_folder(unpacked, modality="image", name="cifar10")


def load_digits() -> Items:
    """Load 300 recordings of the digits 0 to 9 by several speakers: the test split of the data set.

    Returns
    -------
    Items
        Label: the digit. Column ``speaker``: a name, missing if the table does not state it.

    Raises
    ------
    EmbedlabError
        If the data are not in the cache and the hub cannot be reached.
    """
    root = settings.cache_root() / "datasets" / "digits"
    with weights.download_bar() as progress:
        folder = weights.fetch_files("the Free Spoken Digit Dataset", DIGITS, root, progress)
    unpacked = build_once(
        root / f"recordings-{folder.name[:12]}",
        lambda target: unpack_recordings(folder / DIGITS.main, target),
    )
    table = pd.read_csv(unpacked / "recordings.csv", dtype={"digit": str})
    table["file"] = [str(unpacked / file) for file in table["file"]]
    return Items.from_frame(table, modality="audio", content="file", id="id", label="digit", name="digits")


def unpack_recordings(table: Path, target: Path) -> None:
    """Write the recordings in a parquet file of the hub as files, with a table ``recordings.csv``.

    Parameters
    ----------
    table : Path
        With the columns ``audio`` (a struct with ``bytes`` and ``path``) and ``label``.
    target : Path
        An existing folder.

    Raises
    ------
    EmbedlabError
        If a column or a recording is missing.
    """
    file = pq.ParquetFile(table)
    if not {"audio", "label"} <= set(file.schema_arrow.names):
        raise EmbedlabError(
            f"{table.name} has the columns {file.schema_arrow.names}; 'audio' and 'label' are needed.",
            path=table,
        )
    names, rows = _label_names(file), []
    for number, row in enumerate(file.read(columns=["audio", "label"]).to_pylist()):
        audio, label = row["audio"] or {}, row["label"]
        if not audio.get("bytes"):
            raise _empty_row(table, number, "sound")
        digit = str(names[label] if names else label)
        # File names come from our own numbers, never from the table.
        name = f"{number:04}.wav"
        (target / name).write_bytes(audio["bytes"])
        match = _RECORDING_NAME.fullmatch(Path(audio.get("path") or "").name)
        speaker = match.group(1) if match else None
        rows.append({"id": name[:-4], "file": name, "digit": digit, "speaker": speaker})
    pd.DataFrame(rows).to_csv(target / "recordings.csv", index=False)


def unpack_images(table: Path, target: Path, n: int, *, column: str = "image", seed: int = 0) -> None:
    """Write a stratified sample of the images in a parquet file of the hub into folders named by label.

    Parameters
    ----------
    table : Path
        With a column of images (a struct with ``bytes``) and a column ``label`` (integers), and the names of
        the labels in the schema, as the library ``datasets`` writes them.
    target : Path
        An existing folder.
    n : int
        Total number of images, about the same for each label; fewer if the file has fewer. Rows without a
        label are left out.
    column : str
        Name of the column of images.
    seed : int
        Of the sample.

    Raises
    ------
    EmbedlabError
        If a column, the names of the labels, or an image is missing.
    """
    file = pq.ParquetFile(table)
    names = _label_names(file)
    if names is None or column not in file.schema_arrow.names:
        raise EmbedlabError(
            f"{table.name} has the columns {file.schema_arrow.names}; a column {column!r} and the names of "
            "the labels are needed.",
            path=table,
        )
    labels = file.read(columns=["label"]).column("label").fill_null(-1).to_numpy()
    chosen = _stratified(labels, len(names), n, seed)
    images = file.read(columns=[column]).column(column).take(chosen).to_pylist()
    for row, image in zip(chosen, images, strict=True):
        # File names come from our own numbers and cleaned labels, never from the table.
        label = "".join(c if c.isalnum() else "_" for c in str(names[labels[row]]))
        (target / label).mkdir(parents=True, exist_ok=True)
        if not image or not image["bytes"]:
            raise _empty_row(table, int(row), "image")
        Image.open(BytesIO(image["bytes"])).convert("RGB").save(target / label / f"{row:06}.png")


def _empty_row(table: Path, row: int, kind: str) -> EmbedlabError:
    return EmbedlabError(
        f"Row {row} of {table.name} has no {kind}: it is not the expected file.",
        path=table,
        problems={f"row {row}": Problem(ProblemCode.EMPTY, f"it has no {kind}")},
    )


def _label_names(file: pq.ParquetFile) -> list[str] | None:
    """Return the names of the numbers in the column ``label``, if the schema states them."""
    described = json.loads((file.schema_arrow.metadata or {}).get(b"huggingface", b"{}"))
    feature = described.get("info", {}).get("features", {}).get("label", {})
    names = feature.get("names") or (feature.get("feature") or {}).get("names")
    return list(names) if names else None


def _stratified(labels: np.ndarray, n_labels: int, n: int, seed: int) -> np.ndarray:
    """Sample sorted row numbers, about n / n_labels of each label; -1 marks a row without label."""
    present = [c for c in np.unique(labels) if 0 <= c < n_labels]
    share, rng = -(-n // max(1, len(present))), np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(labels == c))[:share] for c in present]
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)
