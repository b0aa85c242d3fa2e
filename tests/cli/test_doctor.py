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
from embedlab.cli import class_message, doctor, doctor_weights
from embedlab.cli.app import app
from embedlab.cli.doctor_weights import IndexProblem
from embedlab.cli.findings import Check, Finding
from embedlab.lessons import lab


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments])


@pytest.fixture
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights on the machine; two lessons that want them, as stored."""
    monkeypatch.setattr(weights, "locate", lambda name: None)
    monkeypatch.setattr(lab, "models_of_lessons", lambda *_: ["text/minilm"])


def test_a_line_per_check_and_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [Finding("a", "ok", "fine"), Finding("b", "warn", "so so", "do this")]
    monkeypatch.setattr(doctor, "examine", lambda *_: iter(findings))
    result = call()
    assert result.exit_code == 0
    assert re.search(r"warn\s+b: so so\s+→ do this", result.output)
    findings.append(Finding("c", "fail", "broken", "repair it"))
    assert call().exit_code == 1
    report = json.loads(call("--json").output)
    assert [f["status"] for f in report] == ["ok", "warn", "fail"]
    assert report[2]["fix"] == "repair it"


def test_this_machine_is_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "check_weights", lambda *_: iter(()))
    found = {f.check: f for f in doctor.examine()}
    assert set(found) == {"Python", "packages", "cache", "JupyterLab", "kernel", "Milvus Lite", "UMAP"}
    assert not [f for f in found.values() if f.status == "fail"]


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "file" / "cache"))
    [room] = doctor_weights.check_cache()
    assert room.status == "fail"
    assert "EMBEDLAB_CACHE" in room.fix


@pytest.mark.usefixtures("nothing_here")
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path))
    wanted = doctor_weights.needed_bytes()
    assert wanted > 2 * registry.row("text/minilm").download_bytes
    disk = SimpleNamespace(free=wanted - 1)
    monkeypatch.setattr(doctor_weights.shutil, "disk_usage", lambda _: disk)
    [room] = doctor_weights.check_cache()
    assert room.status == "fail"
    disk.free = wanted
    [room] = doctor_weights.check_cache()
    assert room.status == "ok"


def test_wrong_and_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["numpy<1", "no-such-package-here>=1", "packaging", "x; extra == 'y'"]
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: asked)
    [packages] = doctor.check_packages()
    assert packages.status == "fail"
    assert re.search(r"numpy \d\S*, but <1 is needed", packages.message)
    assert "no-such-package-here is missing" in packages.message
    assert packages.fix.endswith('install --force-reinstall "numpy<1" "no-such-package-here>=1"')


def test_a_package_that_is_there_and_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> None:
        if name == "torch":
            raise OSError("a library is missing")

    monkeypatch.setattr(doctor, "import_module", import_module)
    [packages] = doctor.check_packages()
    assert packages.status == "fail"
    assert packages.message == "torch cannot be imported (OSError: a library is missing)"
    assert '"torch<=' in packages.fix


def test_a_check_that_breaks_is_a_failure_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("the reason")

    for name in ("check_packages", "check_cache", "check_weights", "check_maps"):
        monkeypatch.setattr(doctor, name, lambda *_: iter(()))
    monkeypatch.setattr(doctor, "check_store", broken)
    found = {f.check: f for f in doctor.examine()}
    assert found[Check.STORE].status == "fail"
    assert "the reason" in found[Check.STORE].message
    assert '"milvus-lite' in found[Check.STORE].fix
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
    problem = None if index else IndexProblem("no answer", "look there")
    monkeypatch.setattr(doctor_weights, "find_index_problem", lambda: problem)
    found = {f.check: f for f in doctor_weights.check_weights()}
    assert (found["text/minilm"].status, found["text/mpnet"].status) == (minilm, mpnet)
    assert (found["model hub"].status, found["package index"].status) == (
        "ok" if hub else "warn",
        "ok" if index else "warn",
    )
    assert ("not needed" in found["model hub"].message) == (index and not hub)
    assert all(f.fix for f in found.values() if f.check.startswith("text/"))


@pytest.mark.usefixtures("nothing_here")
def test_offline_the_network_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("the network was asked"))
    monkeypatch.setattr(weights, "hub_reachable", lambda: pytest.fail("the network was asked"))
    assert settings.offline()
    found = {f.check: f.status for f in doctor_weights.check_weights()}
    assert found.pop("network") == "warn"
    needed = lab.models_of_lessons()
    whole = [row.card.name for row in registry.rows() if not row.parts]
    assert found == {name: "fail" if name in needed else "warn" for name in whole}
    assert not doctor_weights.index_reachable()


def test_an_index_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMBEDLAB_OFFLINE", raising=False)
    # Nothing listens on port 9 of this machine.
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    assert not doctor_weights.index_reachable()
    problem = doctor_weights.find_index_problem()
    assert problem is not None
    assert "pip config list" in problem.fix


def test_without_pip_the_cure_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_weights, "find_spec", lambda name: None)
    problem = doctor_weights.find_index_problem()
    assert problem is not None
    assert "ensurepip" in problem.fix


def test_a_kernel_of_another_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kernel = tmp_path / "kernels" / "python3"
    kernel.mkdir(parents=True)
    other = str(tmp_path / "elsewhere" / "python")
    (kernel / "kernel.json").write_text(json.dumps({"argv": [other, "-m", "x"], "display_name": "Other"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    [finding] = doctor.check_kernel()
    assert finding.status == "warn"
    assert other in finding.message


def test_missing_lab_extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [])
    [finding] = doctor.check_jupyter()
    assert finding.status == "fail"
    assert finding.fix.endswith("jupyterlab_widgets anywidget")


def test_only_the_models_of_some_lessons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    monkeypatch.setattr(weights, "locate", lambda name: None)
    found = [f for f in doctor_weights.check_weights(lab.parse_lessons("04")) if f.check != "network"]
    assert {f.check: f.status for f in found} == {"text/minilm": "fail", "image/efficientnet-lite0": "fail"}


# --- a class


def test_the_message_for_a_class_has_a_cure_for_every_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "check_weights", lambda *_: iter(()))
    assert {f.check for f in doctor.examine()} < set(Check)
    assert set(class_message.ADVICE) == set(Check)
    text = call("--class").output
    assert text == class_message.compose_message(lab.all_lessons()) + "\n"
    for words in ("start.bat doctor", "sh start.sh doctor", "embedlab fetch --all", 'begins with "fail"'):
        assert words in text
    for advice in class_message.ADVICE.values():
        assert advice.meaning in text
        assert advice.answer in text


def test_the_message_for_some_lessons_asks_for_no_more() -> None:
    text = call("--class", "--lessons", "00-01").output
    assert "embedlab fetch text/minilm\n" in text
    assert "84 MB of weights" in text
    assert "embedlab doctor --lessons 00,01\n" in text


def test_what_a_class_sends_back(tmp_path: Path) -> None:
    fine = json.dumps([{"check": "Python", "status": "ok", "message": "3.12", "fix": ""}])
    ill = json.dumps([{"check": "cache", "status": "fail", "message": "full", "fix": "make room"}])
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
    assert "was not written by" in lines[3]
    assert "was not written by" in lines[4]
    assert lines[5] == "2 of 5 machines are ready."


def test_an_empty_folder_of_a_class(tmp_path: Path) -> None:
    assert "has no .json files" in call("--summary", str(tmp_path)).output
    assert f"There is no folder {tmp_path / 'gone'}" in call("--summary", str(tmp_path / "gone")).output


def test_the_json_of_this_machine_can_be_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [Finding("Milvus Lite", "fail", "broken", "repair it")]
    monkeypatch.setattr(doctor, "examine", lambda *_: iter(findings))
    (tmp_path / "me.json").write_text(call("--json").output, encoding="utf-8")
    [machine] = class_message.read_results(tmp_path)
    assert machine.failures == (("Milvus Lite", "broken"),)
