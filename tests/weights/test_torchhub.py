"""The Torch Hub route: one file at a plain address, from a server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tiny_model
from tiny_model import NAME, failures

from embedlab import weights
from embedlab.catalog.pins import WeightFile, Weights
from embedlab.weights import torchhub

pytest_plugins = ["weights_fixtures"]
FILE = "tiny-0123.pth"
CONTENT = b"weights" * 50_000
Register = Callable[[Weights], Weights]


class Server:
    """What the server sends, and how often it was asked."""

    content, status, kind, gets = CONTENT, 200, "application/octet-stream", 0


@pytest.fixture
def server(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(state.status)
            self.send_header("Content-Type", state.kind)
            self.send_header("Content-Length", str(len(state.content)))
            self.end_headers()

        def do_GET(self) -> None:
            state.gets += 1
            self.do_HEAD()
            self.wfile.write(state.content)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    state.address = f"http://127.0.0.1:{httpd.server_address[1]}/models/{FILE}"  # type: ignore[attr-defined]
    monkeypatch.setattr(torchhub, "_probed", {})
    monkeypatch.setenv("TORCH_HOME", str(cache / "torch"))
    yield state
    httpd.shutdown()
    httpd.server_close()


def spec(server: Server) -> Weights:
    return Weights(
        (WeightFile(FILE, len(CONTENT), tiny_model.sha256(CONTENT)),),
        FILE,
        url=server.address,  # type: ignore[attr-defined]
    )


def test_the_file_arrives_and_is_kept(server: Server, register: Register) -> None:
    register(spec(server))
    seen: list[str] = []
    assert weights.obtainable(NAME)
    found = weights.fetch(NAME, lambda done, total, what: seen.append(what))
    assert (found.source, found.sha256) == ("torchhub", tiny_model.sha256(CONTENT))
    assert (found.path / FILE).read_bytes() == CONTENT
    assert set(seen) <= {f"{NAME} from Torch Hub"}
    assert weights.fetch(NAME).origin == "cache (from torchhub)"
    assert server.gets == 1


def test_another_file_is_refused(server: Server, register: Register) -> None:
    register(spec(server))
    server.content = b"x" * len(CONTENT)
    with pytest.raises(weights.WeightsUnavailable, match=r"Torch Hub: http.*invalid hash value"):
        weights.fetch(NAME)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [(404, "text/plain", "http_error"), (200, "text/html; charset=utf-8", "not_a_hub")],
)
def test_a_server_that_has_it_not(
    server: Server, register: Register, status: int, kind: str, code: str
) -> None:
    server.status, server.kind = status, kind
    register(spec(server))
    assert not weights.obtainable(NAME)
    with pytest.raises(weights.WeightsUnavailable) as caught:
        weights.fetch(NAME)
    assert failures(caught)["torchhub"] == code
    assert server.gets == 0


def test_torchs_own_cache_serves(
    server: Server, register: Register, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(spec(server))
    kept = cache / "torch" / "hub" / "checkpoints" / FILE
    kept.parent.mkdir(parents=True)
    kept.write_bytes(CONTENT)
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    found = weights.fetch(NAME)
    assert (found.origin, found.path) == ("torch's cache", kept.parent)
    kept.write_bytes(CONTENT[:-1])
    with pytest.raises(weights.WeightsUnavailable, match="Delete that copy") as caught:
        weights.fetch(NAME)
    assert failures(caught)["torch_cache"] == "mismatch"


def test_it_looks_where_torch_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    for home in (None, str(tmp_path)):
        monkeypatch.setenv("TORCH_HOME", home) if home else monkeypatch.delenv("TORCH_HOME", raising=False)
        assert torchhub.cache_folder() == Path(torch.hub.get_dir()) / "checkpoints"
