"""A wheel of embedlab itself: built from the checkout, or packed again from the installed package.

It is never fetched from an index: what is called embedlab there need not be ours.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import embedlab
from embedlab import settings
from embedlab.errors import EmbedlabError

_NOT_OURS = {"INSTALLER", "REQUESTED", "direct_url.json", "RECORD"}  # written by pip when it installs
_WHEN = (2020, 1, 1, 0, 0, 0)  # a zip wants a date; always the same one, so that the sha256 is


def own_wheel(folder: Path) -> Path:
    """Write a wheel of this embedlab into a folder, in place of any other.

    Raises
    ------
    EmbedlabError
        When it cannot be built.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("embedlab-*.whl"):
        old.unlink()
    root = Path(embedlab.__file__).parents[1]
    if settings.in_checkout() and (root / "pyproject.toml").is_file():
        return _built(root, folder)
    return _packed(folder)


def _built(root: Path, folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--quiet",
        "--wheel-dir",
        str(folder),
        str(root),
    ]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
    made = sorted(folder.glob("embedlab-*.whl"))
    if done.returncode or not made:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise EmbedlabError(
            f"The wheel of embedlab cannot be built from {root}: {lines[-1]}. "
            "pip needs the package index for that, once."
        )
    return made[0]


def _packed(folder: Path) -> Path:
    """The installed files as a wheel; a wheel is no more than these files, zipped, with a list of them."""
    whole = metadata.distribution("embedlab")
    place = Path(str(whole.locate_file("")))
    names = [str(file).replace("\\", "/") for file in whole.files or ()]
    kept = [
        name
        for name in names
        if not name.startswith("..")
        and "__pycache__" not in name
        and not (".dist-info/" in name and name.rsplit("/", 1)[1] in _NOT_OURS)
    ]
    about = next((name.split("/")[0] for name in kept if ".dist-info/" in name), None)
    if about is None or not any(name.startswith("embedlab/") for name in kept):
        raise EmbedlabError(
            "This embedlab was installed in a way that leaves no list of its files. Install it from its "
            "wheel (pip install embedlab-….whl), or run this in a checkout."
        )
    path = folder / f"embedlab-{whole.version}-py3-none-any.whl"
    listed = io.StringIO(newline="")
    record = csv.writer(listed, lineterminator="\n")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in kept:
            content = (place / name).read_bytes()
            archive.writestr(zipfile.ZipInfo(name, _WHEN), content, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.writerow((name, f"sha256={digest}", len(content)))
        record.writerow((f"{about}/RECORD", "", ""))
        archive.writestr(zipfile.ZipInfo(f"{about}/RECORD", _WHEN), listed.getvalue())
    return path
