"""Write a wheel of embedlab itself, from the checkout or from the installed files.

It is never fetched from an index: a project named embedlab there need not be this one.
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

_WRITTEN_BY_PIP = {"INSTALLER", "REQUESTED", "direct_url.json", "RECORD"}
_ZIP_DATE = (2020, 1, 1, 0, 0, 0)  # fixed, so that the same files give the same sha256


def write_embedlab_wheel(folder: Path) -> Path:
    """Write a wheel of the running embedlab into a folder, and delete any other wheel of it there.

    Raises
    ------
    EmbedlabError
        If it cannot be built.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("embedlab-*.whl"):
        old.unlink()
    root = Path(embedlab.__file__).parents[1]
    if settings.in_checkout() and (root / "pyproject.toml").is_file():
        return _build(root, folder)
    return _repack(folder)


def _build(root: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"]
    command += ["--wheel-dir", str(folder), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
    built = sorted(folder.glob("embedlab-*.whl"))
    if done.returncode or not built:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise EmbedlabError(
            f"The wheel of embedlab cannot be built from {root}: {lines[-1]}. Connect to the package index: "
            "pip needs it once for the build.",
            path=root,
        )
    return built[0]


def _repack(folder: Path) -> Path:
    """Zip the installed files with a RECORD of them, which is all that a wheel is."""
    distribution = metadata.distribution("embedlab")
    site = Path(str(distribution.locate_file("")))
    names = _package_files(distribution)
    info = next((name.split("/")[0] for name in names if ".dist-info/" in name), None)
    if info is None or not any(name.startswith("embedlab/") for name in names):
        raise EmbedlabError(
            "This embedlab was installed without a list of its files. Install it from its wheel (pip install "
            "embedlab-….whl), or run this in a checkout."
        )
    path = folder / f"embedlab-{distribution.version}-py3-none-any.whl"
    record = io.StringIO(newline="")
    rows = csv.writer(record, lineterminator="\n")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            content = (site / name).read_bytes()
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.writerow((name, f"sha256={digest}", len(content)))
        rows.writerow((f"{info}/RECORD", "", ""))
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD", _ZIP_DATE), record.getvalue())
    return path


def _package_files(distribution: metadata.Distribution) -> list[str]:
    """Return the installed files that came from the wheel, with forward slashes."""
    names = [str(file).replace("\\", "/") for file in distribution.files or ()]
    return [
        name
        for name in names
        if not name.startswith("..")
        and "__pycache__" not in name
        and not (".dist-info/" in name and name.rsplit("/", 1)[1] in _WRITTEN_BY_PIP)
    ]
