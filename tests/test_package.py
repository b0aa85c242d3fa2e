"""The package as a whole: what importing it costs, what it promises, and that its lists agree."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
import zipfile
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

import embedlab as el
from embedlab.errors import MissingExtra, require

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_importing_embedlab_imports_nothing_heavy() -> None:
    code = """
import sys
import embedlab
heavy = {"torch", "umap", "numba", "transformers", "pandas", "plotly", "pymilvus"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", el.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(el, name)
    assert name == "__version__" or (value.__doc__ and len(value.__doc__.strip()) > 20)


def test_no_sub_module_bears_the_name_of_a_public_function() -> None:
    modules = {m.name for m in pkgutil.iter_modules(el.__path__)}
    assert not modules & set(el.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'embedd'"):
        el.embedd  # noqa: B018


def test_a_missing_optional_dependency_gives_the_command() -> None:
    with pytest.raises(MissingExtra, match=r'pip install "embedlab\[api\]"'):
        require("a_module_that_is_not_there", "api")


def test_environment_yml_is_in_step_with_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["name"] == PROJECT["name"]
    assert environment["channels"] == ["conda-forge"]
    *conda, pip = environment["dependencies"]
    assert pip == {"pip": ["-e ."]}, "one list of pins: pyproject's"
    python = next(Requirement(d) for d in conda if d.startswith("python"))
    assert str(python.specifier) == PROJECT["requires-python"]


def test_the_newest_torch_allowed_is_2_13_0() -> None:
    torch = next(Requirement(d) for d in PROJECT["dependencies"] if d.startswith("torch"))
    assert torch.specifier.contains("2.13.0")
    assert torch.specifier.contains("2.13.0+cpu")
    assert not any(torch.specifier.contains(v) for v in ("2.13.1", "2.14.0", "3.0"))


def test_readme_changelog_and_version_agree() -> None:
    assert f"## {el.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "pip install -e . && embedlab lab" in readme
    assert 'pip install -e ".[test]" && pytest' in readme


def test_top_level_holds_what_the_readme_promises() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in listed.stdout.splitlines()}
    expected = {"notebooks", "embedlab", "data", "tests", "environment.yml", "pyproject.toml", "README.md"}
    assert expected <= top
    assert top - expected <= {"LICENSE", "CHANGELOG.md", ".binder", ".ci", ".gitignore", ".gitattributes"}


# -- the API ---------------------------------------------------------------------------------------------


def listed_api() -> dict[str, set[str]]:
    """The table of README's section on the API: module -> names."""
    section = (
        (ROOT / "README.md").read_text("utf-8").partition("### The API")[2].partition("After a change")[0]
    )
    rows = re.findall(r"^\| `(embedlab[\w.]*)` \| (.+) \|$", section, re.MULTILINE)
    api = {module: set(re.findall(r"`(\w+)`", names)) for module, names in rows}
    api["embedlab.lessons"] |= {f"lesson_{number:02}" for number in range(1, 13)}  # "lesson_01 to lesson_12"
    return api


def imported_by_notebooks() -> dict[str, set[str]]:
    """What code cells of notebooks import from modules of the package."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            lines = [
                "" if line.lstrip().startswith(("%", "!")) else line for line in cell.source.splitlines()
            ]
            with suppress(SyntaxError):  # cells that show an error on purpose, and an indented magic
                for node in ast.walk(ast.parse("\n".join(lines))):
                    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("embedlab"):
                        found.setdefault(str(node.module), set()).update(a.name for a in node.names)
    return found


def test_what_notebooks_import_is_the_listed_api() -> None:
    listed, imported = listed_api(), imported_by_notebooks()
    assert len(imported) > 20
    for module, names in imported.items():
        known = listed.get(module, set())
        if module == "embedlab.lessons" or module.startswith("embedlab.lessons."):
            # The pictures and data of a lesson belong to it; the modules are listed, not their names.
            known |= names if module.rpartition(".")[2] in listed["embedlab.lessons"] else set()
        assert names <= known, f"README, The API: {module} {sorted(names - known)}"


@pytest.mark.parametrize(
    ("module", "name"), [(m, n) for m, names in listed_api().items() for n in sorted(names)]
)
def test_the_listed_api_exists_and_is_documented(module: str, name: str) -> None:
    assert not any(part.startswith("_") for part in (*module.split("."), name))
    with suppress(ModuleNotFoundError):
        importlib.import_module(f"{module}.{name}")
    value = getattr(importlib.import_module(module), name)
    if callable(value) or inspect.ismodule(value):
        assert value.__doc__, f"{module}.{name} has no docstring"


def test_the_package_is_typed() -> None:
    assert (Path(el.__file__).parent / "py.typed").is_file()


@pytest.mark.network
@pytest.mark.slow
def test_the_wheel_carries_lessons_and_sample_data(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    [wheel] = tmp_path.glob("embedlab-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert "embedlab/py.typed" in names
    assert not [name for name in names if name.startswith("embedlab/tools/")], "commands for maintainers"
    assert "embedlab/bundle/templates/START.html" in names
    code = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import embedlab as el
from embedlab.lessons import lab
from embedlab import settings
assert Path(el.__file__).is_relative_to(sys.argv[1])
assert not settings.in_checkout()
assert len(el.load_dataset("notes")) == 600
print(*lab.copy_lessons(Path(sys.argv[2])).written)
"""
    arguments = [str(tmp_path / "site"), str(tmp_path / "lessons")]
    told = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    some = {"00_start_here.ipynb", "pictures/explorer.png", "solutions/02_text.ipynb"}
    some |= {"glossary.md", "common_mistakes.ipynb"}
    assert some <= set(told.stdout.split())
    assert (tmp_path / "lessons" / "02_text.ipynb").is_file()


SOURCES = [
    p for d in ("embedlab", "tests", "data") for kind in ("py", "js") for p in (ROOT / d).rglob(f"*.{kind}")
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_source_file_is_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 300, "split it by theme"
