"""Sample pictures that arrive at run time, from a pinned wheel: ``photos``.

Nothing third-party is part of this project. What is fetched, who made it and under which licence stands in
``data/photos/manifest.json`` and in the columns of the items.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from embedlab import settings, weights
from embedlab.catalog.pins import WeightFile, Weights, Wheel
from embedlab.io.folders import build_once
from embedlab.items import Items
from embedlab.samples import views
from embedlab.samples.views import VIEWS, small

log = logging.getLogger("embedlab")


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
    made = build_once(root / f"views-{_recipe(facts)}", lambda to: _views(facts, originals, to))
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


def pinned(facts: dict[str, Any]) -> Weights:
    """The files and the wheel of a manifest."""
    files = tuple(WeightFile(p["file"], p["size"], p["sha256"]) for p in facts["photos"])
    return Weights(files, files[0].path, wheels=(Wheel(**facts["wheel"]),), inner=facts["inside"])


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


def _thanks(facts: dict[str, Any]) -> str:
    wheel = facts["wheel"]
    return (
        f"{len(facts['photos'])} photographs from {wheel['project']} {wheel['version']}, CC0 or public domain"
    )
