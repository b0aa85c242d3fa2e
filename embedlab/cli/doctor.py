"""``embedlab doctor``: check whether this machine is ready for the lessons, and say how to fix it."""

from __future__ import annotations

import platform
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module, metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from embedlab.catalog import registry
from embedlab.cli.doctor_weights import check_cache, check_weights
from embedlab.cli.findings import Check, Finding, reinstall_command
from embedlab.errors import EmbedlabError
from embedlab.lessons import lab

_EXTENSIONS = {"@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets", "anywidget": "anywidget"}
# Packages whose module has another name.
_MODULES = {
    "scikit-learn": "sklearn",
    "umap-learn": "umap",
    "pillow": "PIL",
    "faiss-cpu": "faiss",
    "grpcio": "grpc",
    "ipython": "IPython",
}


def examine(lessons: list[lab.Lesson] | None = None) -> Iterator[Finding]:
    """Run every check in turn; a check that raises is a failure with its reason.

    Parameters
    ----------
    lessons : list of Lesson, optional
        Lessons that the machine has to be ready for (default: all).
    """
    # The last column: packages to install again if the check raises.
    checks: tuple[tuple[Check, Callable[[], Iterator[Finding]], tuple[str, ...]], ...] = (
        (Check.PYTHON, check_python, ()),
        (Check.PACKAGES, check_packages, ()),
        (Check.CACHE, partial(check_cache, lessons), ()),
        (Check.WEIGHTS, partial(check_weights, lessons), ("huggingface_hub",)),
        (Check.JUPYTER, check_jupyter, ("jupyterlab", "ipywidgets", "anywidget")),
        (Check.KERNEL, check_kernel, ("ipykernel",)),
        (Check.STORE, check_store, ("pymilvus", "milvus-lite")),
        (Check.MAPS, check_maps, ("umap-learn",)),
    )
    for check, run, packages in checks:
        try:
            yield from run()
        except Exception as error:  # a broken machine may raise anything, and the other checks still help
            fix = reinstall_command(r for r in requirements() if r.name in packages) if packages else ""
            yield Finding(check, "fail", f"{type(error).__name__}: {error}", fix)


def requirements() -> list[Requirement]:
    """Return what this package needs on this machine, without extras."""
    declared = [Requirement(text) for text in metadata.requires("embedlab") or ()]
    return [r for r in declared if r.marker is None or r.marker.evaluate({"extra": ""})]


def check_python() -> Iterator[Finding]:
    """Check the version of Python."""
    needed = metadata.metadata("embedlab")["Requires-Python"]
    message = f"{platform.python_version()}, {sys.executable}"
    if SpecifierSet(needed).contains(platform.python_version(), prereleases=True):
        yield Finding(Check.PYTHON, "ok", message)
    else:
        yield Finding(Check.PYTHON, "fail", message, f"Install Python {needed}.")


def check_packages() -> Iterator[Finding]:
    """Check that every required package has the right version and can be imported."""
    needed = requirements()
    problems = {r: problem for r in needed if (problem := _find_package_problem(r))}
    if problems:
        yield Finding(Check.PACKAGES, "fail", "; ".join(problems.values()), reinstall_command(problems))
    else:
        yield Finding(Check.PACKAGES, "ok", f"all {len(needed)} can be imported, each within its pin")


def _find_package_problem(requirement: Requirement) -> str:
    name = requirement.name
    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is missing"
    if not requirement.specifier.contains(installed, prereleases=True):
        return f"{name} {installed}, but {requirement.specifier} is needed"
    if name == "umap-learn":
        return ""  # check_maps imports it in the way that caches its compiled code
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module(_MODULES.get(name, name.replace("-", "_")))
    except Exception as error:  # a broken build may raise anything
        return f"{name} cannot be imported ({type(error).__name__}: {error})"
    return ""


def check_jupyter() -> Iterator[Finding]:
    """Check that JupyterLab has the extensions that show maps."""
    from jupyter_core.paths import jupyter_path

    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    missing = [
        package
        for extension, package in _EXTENSIONS.items()
        if not any((folder / extension).is_dir() for folder in folders)
    ]
    if missing:
        message = f"its extension {' and '.join(missing)} is not in this environment, so maps would not show"
        fix = f"{Path(sys.executable).name} -m pip install --force-reinstall {' '.join(missing)}"
        yield Finding(Check.JUPYTER, "fail", message, fix)
    else:
        message = f"{metadata.version('jupyterlab')}, with widgets (any browser; Chromium is not needed)"
        yield Finding(Check.JUPYTER, "ok", message)


def check_kernel() -> Iterator[Finding]:
    """Check that notebooks run on the Python that is being checked."""
    from jupyter_client.kernelspec import KernelSpecManager

    program = Path(KernelSpecManager().get_kernel_spec("python3").argv[0])
    # Jupyter replaces a bare "python" by the Python that it runs on itself.
    if program.is_absolute() and program.parent != Path(sys.executable).parent:
        fix = f"{Path(sys.executable).name} -m ipykernel install --sys-prefix"
        yield Finding(Check.KERNEL, "warn", f"notebooks run on another Python, {program}", fix)
    else:
        yield Finding(Check.KERNEL, "ok", "notebooks run on this Python")


def check_store() -> Iterator[Finding]:
    """Store three vectors in Milvus Lite and find one."""
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
        raise EmbedlabError(f"Milvus Lite found {first} instead of ['1'].")
    yield Finding(Check.STORE, "ok", f"{metadata.version('milvus-lite')}: stored three vectors and found one")


def check_maps() -> Iterator[Finding]:
    """Compute a small UMAP, which also caches its compiled code."""
    import numpy as np

    from embedlab.analysis.projection import project
    from embedlab.embeddings import Embeddings
    from embedlab.items import Items

    card = registry.rows()[0].card
    vectors = np.random.default_rng(0).normal(size=(20, card.dim))
    items = Items.from_texts([str(i) for i in range(20)])
    project(Embeddings(vectors, items, card, card.layer, card.pooling, False))
    version = metadata.version("umap-learn")
    yield Finding(Check.MAPS, "ok", f"{version}: drew a small map; its compiled code is cached")
