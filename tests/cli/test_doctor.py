"""``embedlab doctor`` on this machine, and on machines with something wrong."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from embedlab import settings, weights
from embedlab.catalog import registry
from embedlab.cli import class_message, doctor
from embedlab.cli.app import app
from embedlab.lessons import lab


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments])


@pytest.fixture
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights on the machine; two lessons that want them, as stored."""
    monkeypatch.setattr(weights, "locate", lambda name: None)
    monkeypatch.setattr(lab, "models_of_lessons", lambda *_: ["text/minilm"])


def test_a_line_per_check_and_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [doctor.Finding("a", "ok", "fine"), doctor.Finding("b", "warn", "so so", "do this")]
    monkeypatch.setattr(doctor, "examine", lambda *_: iter(findings))
    result = call()
    assert result.exit_code == 0
    assert re.search(r"warn\s+b: so so\s+→ do this", result.output)
    findings.append(doctor.Finding("c", "fail", "broken", "mend it"))
    assert call().exit_code == 1
    told = json.loads(call("--json").output)
    assert [f["status"] for f in told] == ["ok", "warn", "fail"]
    assert told[2]["cure"] == "mend it"


def test_this_machine_is_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_sources_and_weights", lambda *_: iter(()))
    found = {f.what: f for f in doctor.examine()}
    assert set(found) == {"Python", "packages", "cache", "JupyterLab", "kernel", "Milvus Lite", "UMAP"}
    assert not [f for f in found.values() if f.status == "fail"]


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "file" / "cache"))
    [room] = doctor._room()
    assert room.status == "fail"
    assert "EMBEDLAB_CACHE" in room.cure


@pytest.mark.usefixtures("nothing_here")
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path))
    wanted = doctor._room_wanted()
    assert wanted > 2 * registry.row("text/minilm").download_bytes
    disk = SimpleNamespace(free=wanted - 1)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: disk)
    [room] = doctor._room()
    assert room.status == "fail"
    disk.free = wanted
    [room] = doctor._room()
    assert room.status == "ok"


def test_wrong_and_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["numpy<1", "no-such-package-here>=1", "packaging", "x; extra == 'y'"]
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: asked)
    [packages] = doctor._packages()
    assert packages.status == "fail"
    assert re.search(r"numpy \d\S*, but <1 is needed", packages.words)
    assert "no-such-package-here is missing" in packages.words
    assert packages.cure.endswith('install --force-reinstall "numpy<1" "no-such-package-here>=1"')


def test_a_package_that_is_there_and_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> None:
        if name == "torch":
            raise OSError("a library is missing")

    monkeypatch.setattr(doctor, "import_module", import_module)
    [packages] = doctor._packages()
    assert packages.status == "fail"
    assert packages.words == "torch cannot be imported (OSError: a library is missing)"
    assert '"torch<=' in packages.cure


def test_a_check_that_breaks_is_a_failure_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("the reason")

    for name in ("_packages", "_room", "_sources_and_weights", "_maps"):
        monkeypatch.setattr(doctor, name, lambda *_: iter(()))
    broken.__name__ = "_search"
    monkeypatch.setattr(doctor, "_search", broken)
    found = {f.what: f for f in doctor.examine()}
    assert found["search"].status == "fail"
    assert "the reason" in found["search"].words
    assert '"milvus-lite' in found["search"].cure
    assert found["kernel"].status == "ok"


@pytest.mark.usefixtures("nothing_here")
@pytest.mark.parametrize(
    ("hub", "index", "minilm", "mpnet"),
    [(True, False, "warn", "warn"), (False, True, "warn", "warn"), (False, False, "fail", "warn")],
)
def test_weights_fail_only_when_a_lesson_needs_them_and_nothing_serves(
    monkeypatch: pytest.MonkeyPatch, hub: bool, index: bool, minilm: str, mpnet: str
) -> None:
    monkeypatch.delenv("EMBEDLAB_OFFLINE", raising=False)
    monkeypatch.setattr(weights, "hub_reachable", lambda: hub)
    monkeypatch.setattr(doctor, "index_problem", lambda: None if index else ("no answer", "look there"))
    found = {f.what: f for f in doctor._sources_and_weights()}
    assert (found["text/minilm"].status, found["text/mpnet"].status) == (minilm, mpnet)
    assert (found["model hub"].status, found["package index"].status) == (
        "ok" if hub else "warn",
        "ok" if index else "warn",
    )
    assert ("not needed" in found["model hub"].words) == (index and not hub)
    assert all(f.cure for f in found.values() if f.what.startswith("text/"))


@pytest.mark.usefixtures("nothing_here")
def test_offline_the_network_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("the network was asked"))
    monkeypatch.setattr(weights, "hub_reachable", lambda: pytest.fail("the network was asked"))
    assert settings.offline()
    found = {f.what: f.status for f in doctor._sources_and_weights()}
    assert found.pop("network") == "warn"
    needed = lab.models_of_lessons()
    whole = [row.card.name for row in registry.rows() if not row.parts]
    assert found == {name: "fail" if name in needed else "warn" for name in whole}
    assert not doctor.index_reachable()


def test_an_index_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMBEDLAB_OFFLINE", raising=False)
    # Nothing listens on port 9 of this machine.
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    assert not doctor.index_reachable()
    problem = doctor.index_problem()
    assert problem is not None
    assert "pip config list" in problem[1]


def test_without_pip_the_cure_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    problem = doctor.index_problem()
    assert problem is not None
    assert "ensurepip" in problem[1]


def test_a_kernel_of_another_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kernel = tmp_path / "kernels" / "python3"
    kernel.mkdir(parents=True)
    other = str(tmp_path / "elsewhere" / "python")
    (kernel / "kernel.json").write_text(json.dumps({"argv": [other, "-m", "x"], "display_name": "Other"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    [finding] = doctor._kernel()
    assert finding.status == "warn"
    assert other in finding.words


def test_missing_lab_extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [])
    [finding] = doctor._jupyter()
    assert finding.status == "fail"
    assert finding.cure.endswith("jupyterlab_widgets anywidget")


def test_only_the_models_of_some_lessons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    monkeypatch.setattr(weights, "locate", lambda name: None)
    found = [f for f in doctor._sources_and_weights(lab.parse_lessons("04")) if f.what != "network"]
    assert {f.what: f.status for f in found} == {"text/minilm": "fail", "image/efficientnet-lite0": "fail"}


# --- a class


def test_the_message_for_a_class_has_a_cure_for_every_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_sources_and_weights", lambda *_: iter(()))
    known = {f.what for f in doctor.examine()} | {"network", "model hub", "package index", "weights"}
    assert set(class_message.CURES) == known
    text = call("--class").output
    assert text == class_message.message(lab.all_lessons()) + "\n"
    for words in ("start.bat doctor", "sh start.sh doctor", "embedlab fetch --all", 'begins with "fail"'):
        assert words in text
    for meaning, cure in class_message.CURES.values():
        assert meaning in text
        assert cure in text


def test_the_message_for_some_lessons_asks_for_no_more() -> None:
    text = call("--class", "--lessons", "00-01").output
    assert "embedlab fetch text/minilm\n" in text
    assert "84 MB of weights" in text
    assert "embedlab doctor --lessons 00,01\n" in text


def test_what_a_class_sends_back(tmp_path: Path) -> None:
    fine = json.dumps([{"what": "Python", "status": "ok", "words": "3.12", "cure": ""}])
    ill = json.dumps([{"what": "cache", "status": "fail", "words": "full", "cure": "make room"}])
    (tmp_path / "ada.json").write_text(fine, encoding="utf-8")
    (tmp_path / "bob.json").write_text("Installing, once.\n" + fine, encoding="utf-16")  # PowerShell's
    (tmp_path / "cy.json").write_text(
        f"[notice] A new release of pip is available\n{ill}\nPress any key to continue . . .",
        encoding="utf-8",
    )
    (tmp_path / "di.json").write_text("[]", encoding="utf-8")
    (tmp_path / "ed.json").write_text("it did not work", encoding="utf-8")
    result = call("--summary", str(tmp_path))
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["ok", "ada:"], ["ok", "bob:"]]
    assert "cy: cache: full" in lines[2]
    assert "is not what" in lines[3]
    assert "is not what" in lines[4]
    assert lines[5] == "2 of 5 machines are ready."


def test_an_empty_folder_of_a_class(tmp_path: Path) -> None:
    assert "holds no .json files" in call("--summary", str(tmp_path)).output
    assert f"There is no folder {tmp_path / 'gone'}" in call("--summary", str(tmp_path / "gone")).output


def test_the_json_of_this_machine_can_be_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [doctor.Finding("Milvus Lite", "fail", "broken", "mend it")]
    monkeypatch.setattr(doctor, "examine", lambda *_: iter(findings))
    (tmp_path / "me.json").write_text(call("--json").output, encoding="utf-8")
    [machine] = class_message.read_results(tmp_path)
    assert machine.failures == (("Milvus Lite", "broken"),)
