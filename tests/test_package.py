"""The package as a whole: what importing it costs, what it promises, and that its lists agree."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

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
        archive.extractall(tmp_path / "site")
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
