"""Sample pictures with names in many languages, from a pinned wheel: ``emoji``.

The pictures are OpenMoji's, CC BY-SA 4.0, and none of them is part of this project: which ones are taken,
with the sha256 of each, stands in ``data/emoji/manifest.json``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import unicodedata
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from embedlab import settings, weights
from embedlab.catalog.pins import WeightFile, Weights, Wheel
from embedlab.errors import EmbedlabError
from embedlab.io.folders import build_once
from embedlab.items import Items

log = logging.getLogger("embedlab")

SIDE = 224  # pixels
# English aside, which the manifest holds because the ids are made of it.
LANGUAGES = ("ar", "de", "es", "fa", "fr", "id", "it", "ja", "ko", "pt", "ru", "tr", "zh")
# resvg has no switch against it: an <image> whose href is a path on this machine is read and drawn. So
# nothing but a part of the same drawing ("#id") may be referred to; declarations could hide a reference.
_OUTSIDE = re.compile(r"<!(?!--)|href\s*=\s*(?![\"']#)|url\((?!#)")


def load_emoji(manifest: Path) -> Items:
    """889 emoji as pictures, with their names in fourteen languages; drawn on first use.

    Parameters
    ----------
    manifest : Path
        ``data/emoji/manifest.json``.

    Returns
    -------
    Items
        Pictures of 224 x 224 pixels on white. Id ``hot-dog``, label ``food & drink`` (the group); further
        columns ``subgroup``, ``family`` (look-alikes), ``split`` (``train`` or ``held-out``; a family is on
        one side), ``char``, ``name`` in English, ``name_de``, ``name_ja`` …, ``credit`` and ``licence``.

    Raises
    ------
    EmbedlabError
        When the pictures can neither be found here nor fetched, or one of them cannot be drawn.
    """
    facts = json.loads(manifest.read_text("utf-8"))
    root = settings.cache_root() / "datasets" / "emoji"
    with weights.download_bar() as progress:
        originals = weights.fetch_files("the pictures of OpenMoji", pinned(facts), root, progress)
    made = build_once(root / f"pictures-{_recipe(facts)}", lambda to: _draw_all(facts, originals, to))
    rows = [
        {
            "id": slug(one["name"]),
            "path": str(made / f"{slug(one['name'])}.png"),
            **{column: one[column] for column in ("group", "subgroup", "split", "char", "name")},
            "family": slug(one.get("family", one["name"])),
            **names(one["char"]),
            **{column: facts[column] for column in ("credit", "licence")},
        }
        for one in facts["emoji"]
    ]
    log.info(
        "emoji: %d pictures by OpenMoji, the open-source emoji and icon project (openmoji.org), licence "
        "CC BY-SA 4.0, drawn here as PNG. Pass them on only with this credit and under the same licence.",
        len(rows),
    )
    frame = pd.DataFrame(rows)
    return Items.from_frame(frame, modality="image", content="path", id="id", label="group", name="emoji")


def pinned(facts: dict[str, Any]) -> Weights:
    """The files and the wheel of a manifest."""
    files = tuple(WeightFile(f"{one['code']}.svg", one["size"], one["sha256"]) for one in facts["emoji"])
    return Weights(files, files[0].path, wheels=(Wheel(**facts["wheel"]),), inner=facts["inside"])


def slug(name: str) -> str:
    """An id made of a name: plain small letters and digits, joined by hyphens."""
    plain = unicodedata.normalize("NFKD", re.sub("['’]", "", name)).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))


def names(char: str) -> dict[str, str | None]:
    """What an emoji is called in each language, ``{"name_de": "heißes getränk", …}``; None where unknown."""
    import emoji

    found = {at: emoji.demojize(char, delimiters=("", ""), language=at) for at in LANGUAGES}
    return {f"name_{at}": None if name == char else name.replace("_", " ") for at, name in found.items()}


def draw(svg: Path, side: int = SIDE) -> Image.Image:
    """An SVG file as a square RGB picture on white; no other file, no address and no font is ever read.

    Parameters
    ----------
    svg : Path
    side : int
        Pixels.

    Returns
    -------
    Image
        Shape (side, side), mode RGB.

    Raises
    ------
    EmbedlabError
        For a file that is no SVG, or that refers to anything outside of itself.
    """
    import resvg_py

    try:
        text = svg.read_text("utf-8")
        if found := _OUTSIDE.search(text):
            raise ValueError(f"it refers to something outside of itself: {text[found.start() :][:40]!r}")
        png = resvg_py.svg_to_bytes(
            svg_string=text, width=side, height=side, background="white", skip_system_fonts=True
        )
    except ValueError as error:
        raise EmbedlabError(
            f"{svg} cannot be drawn ({error}). Delete its folder, and it is fetched again; if that does not "
            'help: pip install --force-reinstall "resvg-py>=0.4".'
        ) from error
    return Image.open(BytesIO(png)).convert("RGB")


def _draw_all(facts: dict[str, Any], originals: Path, target: Path) -> None:
    log.info("emoji: drawing %d pictures, once.", len(facts["emoji"]))
    for one in facts["emoji"]:
        draw(originals / f"{one['code']}.svg").save(target / f"{slug(one['name'])}.png", compress_level=1)


def _recipe(facts: dict[str, Any]) -> str:
    """Changes with the pictures and with what draws them, so that nothing stale is shown."""
    import resvg_py

    drawn = [(slug(one["name"]), one["sha256"]) for one in facts["emoji"]]
    recipe = json.dumps([drawn, SIDE, resvg_py.__resvg_version__])
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]
