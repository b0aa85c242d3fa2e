"""Refuse bytes that changed, resume downloads, and give up on a silent hub."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hub_server import Hub
from repository_kit import (
    FIRST,
    REPO,
    downloads,
    repositories,
    weights_in,
)
from tiny_model import failures

import embedlab as el
from embedlab import weights
from embedlab.embedders.handler_kinds import _build
from embedlab.weights import hub, repository, untrusted

pytest_plugins = ["weights_fixtures"]


def test_other_bytes_at_a_known_commit_are_refused(any_hub: Hub, cache: Path) -> None:
    model = el.load_model(f"st:{REPO}")
    shutil.rmtree(repositories(cache) / "snapshots")
    shutil.rmtree(repositories(cache) / "blobs")
    _build.cache_clear()
    changed = bytearray(any_hub.files["model.safetensors"])
    changed[-1] ^= 1
    any_hub.files["model.safetensors"] = bytes(changed)
    with pytest.raises(weights.WeightsUnavailable) as caught:
        el.load_model(f"st:{REPO}")
    mismatch = caught.value.tried[-1].error
    assert isinstance(mismatch, weights.WeightsMismatch)
    assert (mismatch.file, mismatch.expected) == ("model.safetensors", model.card.sha256)
    assert mismatch.actual == untrusted.hashlib.sha256(changed).hexdigest()
    assert mismatch.actual not in weights_in(repositories(cache)), "it is not kept"


def test_bytes_that_are_not_those_that_the_hub_lists_are_refused(any_hub: Hub, cache: Path) -> None:
    any_hub.mode = "wrong"
    any_hub.files = {k: v for k, v in any_hub.files.items() if k not in ("modules.json",)}
    with pytest.raises(weights.WeightsUnavailable) as caught:
        repository.fetch(REPO)
    assert failures(caught)["hub"] == "mismatch"
    assert repository.locate(REPO) is None
    any_hub.mode = "ok"
    assert repository.fetch(REPO).source == "hub"


def test_files_that_were_never_checked_are_not_used(any_hub: Hub, cache: Path) -> None:
    """As after a power cut between the download and its check."""
    found = repository.fetch(REPO)
    ledger = repositories(cache) / "ledger.json"
    ledger.unlink()
    assert (found.path / "model.safetensors").is_file()
    assert repository.locate(REPO, FIRST) is None
    any_hub.requests.clear()
    assert repository.fetch(REPO, FIRST).source == "hub"
    assert downloads(any_hub) == [], "they are checked, not downloaded again"


def test_a_cut_download_of_a_repository_goes_on_where_it_stopped(any_hub: Hub) -> None:
    any_hub.mode = "cut"
    any_hub.files["large.json"] = b" " * 1_200_000
    assert repository.fetch(REPO).source == "hub"
    assert any_hub.cuts == 1
    first, second = any_hub.gets("large.json")
    assert first.range is None
    assert second.range is not None
    assert second.range != "bytes=0-"


def test_a_repository_that_stands_still_is_given_up(
    any_hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnceHalfArrived(float):
        """A limit that is reached soon after the silence began, however slow this machine is."""

        def __lt__(self, waited: float) -> bool:
            return any_hub.half_sent.is_set() and waited > 0.5

    monkeypatch.setattr(hub, "STALL_SECONDS", OnceHalfArrived(20))
    any_hub.mode = "hold"
    with pytest.raises(weights.WeightsUnavailable) as caught:
        repository.fetch(REPO)
    assert failures(caught)["hub"] == "stalled"
    assert repository.locate(REPO) is None
    monkeypatch.setattr(hub, "_probed", {})
    any_hub.mode = "ok"
    monkeypatch.setattr(hub, "STALL_SECONDS", 20.0)
    assert repository.fetch(REPO).source == "hub"
    assert not list(repositories(cache).rglob("*.incomplete")), "nothing is left over"


def test_a_damaged_copy_is_fetched_again(any_hub: Hub) -> None:
    model = el.load_model(f"st:{REPO}")
    (model.path / "model.safetensors").write_bytes(b"half")
    _build.cache_clear()
    assert el.load_model(f"st:{REPO}").card.source == "hub"
