"""``embedlab bundle``: what is in it, what happens to a damaged or interrupted one, and who can use it."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from bundle_kit import isolation, wheel
from packaging.version import Version
from typer.testing import CliRunner, Result

import embedlab
from embedlab.bundle import closure, content, embedlab_wheel, make, manifest, targets, third_party, wheels
from embedlab.bundle.closure import MissingRequirement
from embedlab.bundle.manifest import DamageKind
from embedlab.bundle.pip_output import FailureKind, classify
from embedlab.bundle.targets import Target
from embedlab.cli.app import app
from embedlab.cli.messages import format_error
from embedlab.errors import EmbedlabError
from embedlab.lessons import lab
from embedlab.samples.datasets import DATASETS
from embedlab.samples.loading import find_pins, load_dataset

HERE = targets.this_machine() if sys.platform != "cygwin" else Target("linux", "3.11")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["bundle", *arguments], env={"NO_COLOR": "1", "COLUMNS": "200"})


# --- which wheels


def test_conditions_are_those_of_the_other_machine(tmp_path: Path) -> None:
    """pip on Linux would leave out what only Windows needs, and ask for what only Linux needs."""
    needs = ('only-there; os_name == "nt"', 'only-here; sys_platform == "linux"', "both[fast]>=2")
    wheel(tmp_path, "embedlab", "1.0", *needs)
    wheel(tmp_path, "both", "2.1", "plain", 'extra-one; extra == "fast"')
    for name in ("plain", "extra-one", "only-here"):
        wheel(tmp_path, name)
    there = closure.find_closure(tmp_path, Target("windows", "3.12"))
    assert there.missing == (MissingRequirement("only-there", "embedlab"),)
    assert [w.name for w in there.wheels] == ["both", "embedlab", "extra-one", "plain"]
    here = closure.find_closure(tmp_path, Target("linux", "3.12"))
    assert here.missing == ()
    assert "only-here" in [w.name for w in here.wheels]


@pytest.mark.parametrize(
    ("platform", "python", "tags", "fits"),
    [
        ("windows", "3.11", "cp311-cp311-win_amd64", True),
        ("windows", "3.12", "cp311-cp311-win_amd64", False),
        ("windows", "3.12", "cp39-abi3-win_amd64", True),
        ("windows", "3.12", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", False),
        ("linux", "3.12", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", True),
        ("linux", "3.12", "cp312-cp312-manylinux_2_34_x86_64", False),
        ("linux", "3.12", "cp312-cp312-manylinux_2_28_aarch64", False),
        ("linux-arm64", "3.12", "cp312-cp312-manylinux_2_28_aarch64", True),
        ("macos", "3.12", "cp312-cp312-macosx_11_0_arm64", True),
        ("macos", "3.12", "cp312-cp312-macosx_10_13_universal2", True),
        ("macos", "3.12", "cp312-cp312-macosx_10_13_x86_64", False),
        ("macos", "3.12", "cp312-cp312-macosx_15_0_arm64", False),
    ],
)
def test_which_wheels_can_be_installed_where(
    tmp_path: Path, platform: str, python: str, tags: str, fits: bool
) -> None:
    path = wheel(tmp_path, "thing", tags=tags)
    assert bool(closure.compatible_wheels([path], Target(platform, python))) == fits


def test_a_wheel_that_is_too_old_is_named_with_both_versions(tmp_path: Path) -> None:
    wheel(tmp_path, "embedlab", "1.0", "thing>=3")
    wheel(tmp_path, "thing", "2.0")
    [missing] = closure.find_closure(tmp_path, HERE).missing
    assert missing == MissingRequirement("thing>=3", "embedlab", Version("2.0"))
    assert str(missing) == "thing>=3, but 2.0 is there (for embedlab)"


def test_a_damaged_wheel_is_named(tmp_path: Path) -> None:
    (tmp_path / "embedlab-1.0-py3-none-any.whl").write_bytes(b"half")
    with pytest.raises(EmbedlabError, match="is damaged or not a wheel") as refused:
        closure.find_closure(tmp_path, HERE)
    assert refused.value.path == tmp_path / "embedlab-1.0-py3-none-any.whl"


def test_what_machines_and_pythons_there_are() -> None:
    assert [t.name for t in targets.parse_targets("windows,macos", "3.11, 3.12")] == [
        "windows-py311",
        "windows-py312",
        "macos-py311",
        "macos-py312",
    ]
    assert targets.parse_targets(None, None) == [HERE]
    with pytest.raises(EmbedlabError, match=r"Unknown platform amiga\. Choose from linux"):
        targets.parse_targets("windows,amiga", None)
    with pytest.raises(EmbedlabError, match=r"Unknown Python 2\.7"):
        targets.parse_targets(None, "2.7")


def test_the_markers_here_are_those_that_packaging_finds() -> None:
    from packaging.markers import default_environment

    real, ours = default_environment(), HERE.markers
    assert set(ours) == set(real)
    told = {
        "os_name",
        "sys_platform",
        "platform_system",
        "platform_machine",
        "python_version",
        "implementation_name",
    }
    assert {key: ours[key] for key in told} == {key: real[key] for key in told}


# --- gathering them, from an index in a folder


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index with small wheels, some for Windows alone."""
    folder = tmp_path / "index"
    wheel(folder, "thing", "1.0", 'only-there; os_name == "nt"', 'only-here; sys_platform == "linux"')
    wheel(folder, "thing", "2.0", 'only-there; os_name == "nt"', 'only-here; sys_platform == "linux"')
    wheel(folder, "only-there", tags="cp312-cp312-win_amd64")
    wheel(folder, "only-here", tags="py3-none-manylinux_2_17_x86_64")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def small(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """embedlab's own wheel is a small one too; returns the folder of the bundle."""

    def write_embedlab_wheel(folder: Path) -> Path:
        return wheel(folder, "embedlab", embedlab.__version__, "thing>=1")

    monkeypatch.setattr(make, "write_embedlab_wheel", write_embedlab_wheel)
    monkeypatch.setattr(wheels, "USUAL_BYTES", 1_000_000)
    return tmp_path / "out"


def gather(root: Path, target: Target, **options: bool) -> wheels.TargetWheels:
    options = {"allow_large": False, **options}
    return wheels.gather(root, target, root.parent, on_bytes=lambda _: None, **options)


def test_wheels_for_windows_are_gathered_on_any_machine(tmp_path: Path, index: Path) -> None:
    one = wheel(tmp_path / "wheels", "embedlab", "1.0", "thing>=1")
    got = gather(one, Target("windows", "3.12"))
    assert [(w.name, w.version) for w in got.wheels] == [
        ("embedlab", Version("1.0")),
        ("only-there", Version("1.0")),
        ("thing", Version("2.0")),
    ]
    lines = got.lock.read_text().splitlines()[1:]
    assert all(re.fullmatch(r"[a-z-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)


def test_the_package_that_has_no_wheel_is_named(tmp_path: Path, index: Path) -> None:
    one = wheel(tmp_path / "wheels", "embedlab", "1.0", "thing>=1")
    with pytest.raises(wheels.PipFailed, match=r"windows-py311: there is no wheel") as failed:
        gather(one, Target("windows", "3.11"))
    assert failed.value.failure.kind == FailureKind.CONFLICT
    assert "only-there" in failed.value.failure.detail


@pytest.mark.parametrize(
    ("output", "kind", "detail"),
    [
        ("ERROR: No matching distribution found for torch>=2\n", FailureKind.NO_WHEEL, "torch>=2"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken\n"
            "ERROR: No matching distribution found for torch\n",
            FailureKind.UNREACHABLE,
            "",
        ),
        (
            "The conflict is caused by:\n    thing 2.0 depends on only-there\n",
            FailureKind.CONFLICT,
            "thing 2.0 depends on only-there",
        ),
        ("working\nERROR: no space\nmore\n", FailureKind.OTHER, "ERROR: no space"),
        ("", FailureKind.OTHER, "exit status 2"),
    ],
)
def test_the_words_of_pip_become_a_kind_of_failure(output: str, kind: FailureKind, detail: str) -> None:
    failure = classify(output, 2)
    assert (failure.kind, failure.detail) == (kind, detail)


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, folder = Target("windows", "3.12"), tmp_path / "wheels"
    one = wheel(folder, "embedlab", "1.0", "thing>=1")
    gather(one, target)
    with monkeypatch.context() as patched:
        patched.setattr(wheels.subprocess_download, "run", lambda *a, **k: pytest.fail("pip was asked"))
        gather(one, target)
    thing = folder / "thing-2.0-py3-none-any.whl"
    whole = thing.read_bytes()
    thing.unlink()
    gather(one, target)
    assert thing.read_bytes() == whole


def test_whole_wheels_of_an_interrupted_run_are_kept(tmp_path: Path) -> None:
    """pip holds all back until the last has arrived; a killed run leaves it in its temporary folder."""
    folder = tmp_path / "wheels"
    whole = wheel(folder / ".passing" / "tmp" / "pip-unpack-1", "thing")
    half = folder / ".passing" / "tmp" / "pip-unpack-2" / "torch-2.0-py3-none-any.whl"
    half.parent.mkdir()
    half.write_bytes(whole.read_bytes()[:100])
    wheels._keep_complete_wheels(folder / ".passing", folder)
    assert [p.name for p in folder.iterdir()] == [whole.name]


def test_gigabytes_for_graphics_cards_are_refused(tmp_path: Path, index: Path) -> None:
    wheel(index, "nvidia-blas", content="x" * 1000)
    wheel(index, "thing", "3.0", "nvidia-blas")
    one = wheel(tmp_path / "wheels", "embedlab", "1.0", "thing>=1")
    with pytest.raises(wheels.TooLarge, match=r"build for processors.*allow_large=True") as refused:
        gather(one, HERE)
    assert refused.value.wheel
    assert refused.value.wheel.startswith("nvidia_blas")
    assert "--allow-large" in format_error(refused.value)
    assert len(gather(one, HERE, allow_large=True).wheels) == 3


# --- embedlab's own wheel


def test_an_installed_embedlab_is_packed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed without a checkout: the wheel is made of its files, and pip takes it."""
    site = tmp_path / "site"
    built = wheel(tmp_path / "built", "embedlab", "9.9", content="word = 'ä'\n")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target"]
    subprocess.run([*command, str(site), str(built)], check=True)
    [about] = site.glob("*.dist-info")
    whole = embedlab_wheel.metadata.PathDistribution(about)
    monkeypatch.setattr(embedlab_wheel.metadata, "distribution", lambda _: whole)
    packed = embedlab_wheel._repack(tmp_path)
    again = tmp_path / "again"
    subprocess.run([*command, str(again), str(packed)], check=True)
    assert (again / "embedlab" / "__init__.py").read_text("utf-8") == "word = 'ä'\n"
    names = zipfile.ZipFile(packed).namelist()
    assert not [n for n in names if "__pycache__" in n or n.endswith(("INSTALLER", "direct_url.json"))]


# --- the whole folder


LESSON = "01"  # needs neither weights nor sample data


@pytest.fixture
def bundle(small: Path) -> Path:
    result = call("--lessons", LESSON, str(small))
    assert result.exit_code == 0, result.output
    return small


def test_what_is_in_a_bundle(bundle: Path) -> None:
    about, entries = manifest.read(bundle)
    assert about["lessons"] == [LESSON]
    [target] = about["targets"]
    assert (target["python"], target["lock"]) == (HERE.python, f"wheels/{HERE.name}.txt")
    there = {p.relative_to(bundle).as_posix() for p in bundle.rglob("*") if p.is_file() and p.name[0] != "."}
    assert there == {each.path for each in entries} | {manifest.NAME}
    assert {"START.html", "start.py", "start.sh", "start.bat", "THIRD_PARTY.md"} <= there
    assert {
        "notebooks/01_what_is_an_embedding.ipynb",
        "notebooks/solutions/01_what_is_an_embedding.ipynb",
    } <= there
    assert not [path for path in there if "02_text" in path], "only the lesson that was chosen"
    assert all(len(each.sha256) == 64 and each.what for each in entries)
    page = (bundle / "START.html").read_text("utf-8")
    assert "{{" not in page
    assert HERE.python in page
    assert b"\r\n" in (bundle / "start.bat").read_bytes()
    assert b"\r" not in (bundle / "start.sh").read_bytes()
    assert os.access(bundle / "start.sh", os.X_OK)


def test_a_damaged_copy_is_found_and_made_again(bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "stick"
    shutil.copytree(bundle, copy)
    assert "none is damaged" in call("--check", str(copy)).output
    (copy / "start.py").write_text("other")
    (copy / "THIRD_PARTY.md").unlink()
    lesson = copy / "notebooks" / "01_what_is_an_embedding.ipynb"
    content_ = lesson.read_bytes()
    lesson.write_bytes(content_[:-1] + b" ")
    assert {damage.path: damage.kind for damage in manifest.check(copy)} == {
        "THIRD_PARTY.md": DamageKind.MISSING,
        "start.py": DamageKind.CHANGED,
        "notebooks/01_what_is_an_embedding.ipynb": DamageKind.CHANGED,
    }
    told = call("--check", str(copy))
    assert told.exit_code == 1
    assert re.search(r"fail\s+THIRD_PARTY\.md: missing", told.output)
    assert re.search(r"fail\s+start\.py: changed: sha256", told.output)
    assert re.search(r"fail\s+notebooks/01_what\S+: changed", told.output)
    assert call("--lessons", LESSON, str(copy)).exit_code == 0
    assert lesson.read_bytes() == content_
    assert call("--check", str(copy)).exit_code == 0


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_bundle_as_one_file(bundle: Path, tmp_path: Path, kind: str) -> None:
    result = call("--lessons", LESSON, "--archive", kind, str(bundle))
    assert result.exit_code == 0, result.output
    packed = bundle.with_name(f"out.{kind}")
    noted = packed.with_name(f"out.{kind}.sha256").read_text().split()
    assert noted == [content.verify.sha256_of(packed), packed.name]
    if kind == "zip":
        assert "none is damaged" in call("--check", str(packed)).output
        raw = packed.read_bytes().replace(b"embedlab", b"embedbad", 40)
        packed.write_bytes(raw)
        assert call("--check", str(packed)).exit_code == 1
    else:
        with tarfile.open(packed) as archive:
            archive.extractall(tmp_path / "unpacked", filter="data")
        assert manifest.check(tmp_path / "unpacked" / "out") == []
        assert os.access(tmp_path / "unpacked" / "out" / "start.sh", os.X_OK)


def test_a_run_that_was_killed_leaves_no_whole_bundle_and_the_next_one_goes_on(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(content, "copy", killed)
        call("--lessons", LESSON, str(bundle))
    with pytest.raises(EmbedlabError, match="not a complete bundle"):
        manifest.read(bundle)
    before = {p: p.stat().st_mtime_ns for p in (bundle / "notebooks").rglob("*.ipynb")}
    assert call("--lessons", LESSON, str(bundle)).exit_code == 0
    assert {p: p.stat().st_mtime_ns for p in before} == before, "what was whole was not copied again"


def test_somebody_elses_folder_is_left_alone(small: Path) -> None:
    small.mkdir()
    (small / "thesis.txt").write_text("mine")
    result = call("--lessons", LESSON, str(small))
    assert result.exit_code == 1
    assert "is not empty and not a bundle" in result.output
    assert [p.name for p in small.iterdir()] == ["thesis.txt"]


def test_a_full_disk_is_said_before(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    result = call("--lessons", LESSON, str(small))
    assert result.exit_code == 1
    assert re.search(r"Not enough disk space .* 2 MB are needed, 0 MB are free", result.output)


def test_wheels_of_another_machine_are_dropped_when_the_plan_changes(bundle: Path, index: Path) -> None:
    old = wheel(bundle / "wheels", "left-over")
    assert call("--lessons", LESSON, str(bundle)).exit_code == 0
    assert not old.exists()


def test_what_a_stick_cannot_hold_is_said() -> None:
    large = manifest.Entry("models/m.safetensors", 2**32, "0" * 64, "m")
    [words] = make._find_warnings([large])
    assert "FAT32" in words
    deep = manifest.Entry("cache/" + "d" * 160, 1, "0" * 64, "d")
    assert "is long for Windows" in make._find_warnings([deep])[0]


def test_a_bundle_that_is_none() -> None:
    result = call("--check", str(Path(__file__).parent))
    assert result.exit_code == 1
    assert "is not a complete bundle" in result.output


# --- weights, sample data, licences


def test_weights_and_data_of_the_lessons() -> None:
    every = lab.parse_lessons("all")
    assert {"photos", "emoji", "films"} <= set(content.datasets_of(every))
    assert content.datasets_of(lab.parse_lessons("00-02")) == []
    assert content.models_of(lab.parse_lessons("04")) == ["text/minilm", "image/efficientnet-lite0"]
    # A model that is made of others has no weights of its own; one that comes with embedlab is in its wheel.
    assert not {"video/frames+sound", "video/perceiver-mini"} & set(content.models_of(every))


def test_whatever_fetches_sample_data_says_which_files_they_are() -> None:
    """Otherwise a bundle would lack them, and nobody would notice before the class."""
    fetching = {
        f"embedlab.samples.{path.stem}"
        for path in (Path(embedlab.__file__).parent / "samples").glob("*.py")
        if "weights.fetch_files(" in path.read_text("utf-8")
    }
    pinned = [dataset for dataset in DATASETS if dataset.pins is not None]
    assert fetching == {dataset.load.__module__ for dataset in pinned}
    for dataset in pinned:
        pins = find_pins(dataset.name)
        assert pins is not None
        assert pins.files


def test_a_copy_is_checked_on_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = tmp_path / "origin"
    origin.write_bytes(b"weights")
    right = content.verify.sha256_of(origin)
    source = content.Source(origin, "models/m/w", "m", "here", "MIT", right)
    assert content.copy(source, tmp_path / "out").sha256 == right
    origin.write_bytes(b"changed")
    with pytest.raises(EmbedlabError, match="is pinned"):
        content.copy(source, tmp_path / "other")
    assert not (tmp_path / "other" / "models" / "m" / "w").exists()
    origin.write_bytes(b"weights")
    monkeypatch.setattr(content, "_has_sha256", lambda path, sha256: False)
    with pytest.raises(EmbedlabError, match="was damaged while it was written"):
        content.copy(source, tmp_path / "third")


@pytest.mark.weights("text/minilm")
def test_weights_arrive_as_a_folder_that_embedlab_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedlab import weights

    for source in content.model_files("text/minilm"):
        assert source.licence == "Apache-2.0"
        content.copy(source, tmp_path)
    monkeypatch.setenv("EMBEDLAB_MODELS", str(tmp_path / "models"))
    found = weights.locate("text/minilm")
    assert found is not None
    assert found.source == "folder"


@pytest.mark.network
def test_sample_data_arrive_where_embedlab_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in content.dataset_files("films"):
        content.copy(source, tmp_path)
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    films = load_dataset("films")
    assert all(path.startswith(str(tmp_path)) for path in films.contents)
    assert Path(films.contents[0].partition("#")[0]).is_file()


def test_what_only_the_hub_has_is_left_out_and_said(
    small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none_here(name: str, progress: object) -> None:
        raise EmbedlabError(f"No source has the sample data {name}:\n  - hub: it is blocked.")

    monkeypatch.setattr(content, "dataset_files", none_here)
    monkeypatch.setattr(content, "datasets_of", lambda chosen: ["digits"])
    result = call("--lessons", LESSON, str(small))
    assert result.exit_code == 0
    assert (
        "digits are left out: No source has the sample data digits. The lessons work without" in result.output
    )
    assert "digits" not in (small / "THIRD_PARTY.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: something\n", "MIT OR Apache-2.0"),
        ("Classifier: License :: OSI Approved :: BSD License\n", "BSD License"),
        ("License: Apache 2.0\n", "Apache 2.0"),
        ("License: Long\n        text of it\n", "see the licence files in its wheel"),
        ("", "see the licence files in its wheel"),
    ],
)
def test_licences_are_read_from_the_wheels(tmp_path: Path, lines: str, licence: str) -> None:
    metadata = closure.read_wheel(wheel(tmp_path, "thing", extra=lines)).metadata
    assert third_party.licence_of(metadata) == licence


def test_names_of_strangers_do_not_break_the_table(tmp_path: Path) -> None:
    odd = closure.read_wheel(wheel(tmp_path, "thing", extra="License: a | b <script>\n"))
    [row] = [
        line for line in third_party.compose_page([odd], [], []).splitlines() if line.startswith("| thing")
    ]
    assert row == "| thing | 1.0 | a \\| b &lt;script> |  |"


# --- start.py, on machines that are not this one


@pytest.fixture
def start(bundle: Path) -> dict[str, object]:
    import runpy

    return runpy.run_path(str(bundle / "start.py"))


OTHERS = [
    {"system": "Windows", "machine": "AMD64", "python": "3.12"},
    {"system": "Darwin", "machine": "arm64", "python": "3.11"},
    {"system": "Linux", "machine": "x86_64", "python": "3.11"},
]


def test_start_finds_what_fits_and_says_what_does_not(start: dict) -> None:
    assert start["targets_for"](OTHERS, "Windows", "AMD64") == OTHERS[:1]
    assert start["targets_for"](OTHERS, "Windows", "x86_64") == OTHERS[:1], "one processor, two names"
    assert start["targets_for"](OTHERS, "Darwin", "x86_64") == [], "an old Mac"
    old = start["explain_no_target"](OTHERS, "Windows", "AMD64", "3.9")
    assert "Install Python 3.12 beside yours" in old
    assert "Ask your teacher" in start["explain_no_target"](OTHERS, "Darwin", "x86_64", "3.11")


def test_start_counts_the_letters_of_windows_paths(start: dict) -> None:
    assert not start["path_too_long"]("C:\\embedlab\\venv", 171)
    assert start["path_too_long"](
        "C:\\Users\\somebody\\OneDrive - A Long Name\\Documents\\course\\embedlab\\venv", 171
    )
    assert start["program"]("python", True).parts[-2:] == ("Scripts", "python.exe")


def test_start_forgets_what_the_user_has_set(start: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    env = start["make_environment"]()
    assert not {"PIP_INDEX_URL", "PYTHONPATH"} & set(env)
    assert env["EMBEDLAB_OFFLINE"] == "1"
    assert Path(env["EMBEDLAB_MODELS"]).name == "models"


def test_start_names_what_was_not_copied(bundle: Path) -> None:
    (bundle / "wheels" / "thing-2.0-py3-none-any.whl").unlink()
    done = subprocess.run([sys.executable, "start.py"], cwd=bundle, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Copy them again:\n  wheels/thing-2.0-py3-none-any.whl" in done.stderr
    (bundle / manifest.NAME).write_text("{")
    done = subprocess.run([sys.executable, "start.py"], cwd=bundle, capture_output=True, text=True)
    assert "the copy of the folder is incomplete" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_environment_that_was_moved_is_made_anew(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real pip, small wheels: installed once, not twice, and again in another place."""

    def install(folder: Path) -> str:
        code = (
            "import runpy, sys; s = runpy.run_path('start.py'); m = s['read_manifest']();"
            "s['install'](m['targets'][0], sys.platform == 'win32')"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    assert "Installing, once." in install(bundle)
    assert install(bundle) == ""
    moved = bundle.with_name("moved")
    bundle.rename(moved)
    assert "Starting again." in install(moved)
    shutil.rmtree(moved / "venv")
    wheel(moved / "wheels", "thing", "2.0", content="other = 1")
    with pytest.raises(AssertionError, match="copy the folder wheels again"):
        install(moved)


def test_an_old_python_can_read_start_py() -> None:
    source = (Path(make.__file__).with_name("start") / "start.py").read_text("utf-8")
    ast.parse(source, feature_version=(3, 8))
    imported = {n.names[0].name for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import)}
    assert imported <= sys.stdlib_module_names


# --- the real thing, without a network


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.weights("text/minilm")
@pytest.mark.timeout(1800)
@pytest.mark.verified_for("pyproject.toml", "embedlab/bundle/**/*.py", "embedlab/weights/download_child.py")
def test_a_bundle_installs_and_runs_a_lesson_where_there_is_no_network(tmp_path: Path) -> None:
    """Real packages and weights, a new environment, and a namespace that has no way out."""
    alone = isolation()
    if isinstance(alone, str):
        pytest.skip(alone)  # also in CI: a machine that cannot do this cannot be made to
    out = tmp_path / "bundle"
    made = call("--lessons", "00", str(out))
    assert made.exit_code == 0, made.output
    laptop = tmp_path / "laptop with a space" / "embedlab"
    shutil.move(out, laptop)
    empty = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "LANG": "C"}
    (tmp_path / "home").mkdir()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [*alone, sys.executable, str(laptop / "start.py"), *words]
        return subprocess.run(command, env=empty, capture_output=True, text=True, encoding="utf-8")

    try:
        lesson = run("run", "notebooks/00_start_here.ipynb")
        assert lesson.returncode == 0, lesson.stdout + lesson.stderr
        assert "Installing, once." in lesson.stderr
        assert len(re.findall(r"^ok", lesson.stdout, re.MULTILINE)) >= 11
        again = run("models", "text/minilm")
        assert "Installing" not in again.stderr
        assert f"{laptop / 'models' / 'text' / 'minilm'} (folder)" in again.stdout
        assert manifest.check(laptop) == [], "the bundle itself is not written to"
    finally:
        shutil.rmtree(laptop, ignore_errors=True)  # two gigabytes
