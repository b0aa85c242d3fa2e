"""List and load the sample data sets."""

from __future__ import annotations

import pandas as pd

from embedlab.catalog.pins import Weights
from embedlab.errors import EmbedlabError
from embedlab.items import Items
from embedlab.samples.datasets import DATASETS, find_dataset
from embedlab.samples.manifests import read_manifest
from embedlab.settings import data_folder


def datasets() -> pd.DataFrame:
    """List the sample data sets: ``name``, ``modality``, ``items``, ``licence``, ``summary``."""
    columns = ["name", "modality", "items", "licence", "summary"]
    rows = [(d.name, d.modality, d.n_items, d.licence, d.summary) for d in DATASETS]
    return pd.DataFrame(rows, columns=columns)


def load_dataset(name: str) -> Items:
    """Load a sample data set.

    Parameters
    ----------
    name : str
        A name of ``el.datasets()``.

    Returns
    -------
    Items

    Raises
    ------
    UnknownDataset
        With the nearest name.
    EmbedlabError
        If the files are missing and cannot be fetched.
    """
    dataset = find_dataset(name)
    path = data_folder() / dataset.file
    if dataset.file and not path.is_file():
        raise EmbedlabError(
            f"The file {path} of data set {name!r} is missing. Install embedlab again.", path=path
        )
    return dataset.load(path)


def find_pins(name: str) -> Weights | None:
    """Return the files of a data set that are fetched, with their sha256; None if nothing is fetched.

    They are cached below ``datasets/<name>/``.

    Raises
    ------
    UnknownDataset
        With the nearest name.
    """
    dataset = find_dataset(name)
    if dataset.pins is None or isinstance(dataset.pins, Weights):
        return dataset.pins
    return dataset.pins(read_manifest(data_folder() / dataset.file))
