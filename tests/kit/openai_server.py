"""A server on loopback that speaks OpenAI's embeddings protocol, and computes with MiniLM's real weights.

``POST /v1/embeddings`` as OpenAI documents it: texts or a list of them, ``dimensions``, ``encoding_format``
float or base64, a key, limits with their error codes, a count of tokens. What goes wrong is put into
``faults``, one after the other, before a request; how answers look is chosen by ``shape``. Both may be
changed while the server runs.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import numpy as np

import embedlab as el

KEY = "sk-test-0123456789abcdefghij"
Shape = Literal[
    "ok", "reversed", "short", "nan", "null", "narrow", "same index", "no json", "empty", "always float"
]


@dataclass(frozen=True)
class Fault:
    """What one request gets instead of an answer; ``status`` 0 cuts the connection."""

    status: int
    code: str = ""
    message: str = "injected"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    texts: tuple[str, ...]
    model: str
    dimensions: int | None
    encoding: str
    authorization: str | None


@dataclass
class EmbeddingServer:
    """The state of the server, seen from a test.

    ``models``: name → numbers per vector. 384 are MiniLM's own; more are the same, turned by a fixed
    orthonormal matrix, with the same cosines. ``paid`` counts the texts that were answered.
    """

    key: str | None = KEY
    models: dict[str, int] = field(default_factory=lambda: {"minilm": 384, "text-embedding-3-small": 1536})
    most_texts: int = 2048
    most_tokens: int = 256
    delay: float = 0.0
    shape: Shape = "ok"
    faults: deque[Fault | None] = field(default_factory=deque)
    before: Callable[[], None] | None = None
    requests: list[Request] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    address: str = ""
    server: ThreadingHTTPServer | None = None

    def start(self, port: int = 0) -> EmbeddingServer:
        count_tokens("")  # its weights are here before anyone waits for an answer
        handler = type("Handler", (_Handler,), {"state": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def stop(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


class _Handler(BaseHTTPRequestHandler):
    state: EmbeddingServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        state = self.state
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        encoding = body.get("encoding_format", "float")
        state.requests.append(
            Request(
                tuple(texts),
                body["model"],
                body.get("dimensions"),
                encoding,
                self.headers.get("Authorization"),
            )
        )
        if state.before:
            state.before()
        time.sleep(state.delay)
        fault = state.faults.popleft() if state.faults else None
        fault = fault or self._refusal(body, texts)
        if fault is None:
            self._answer(texts, body)
        elif fault.status == 0:
            self.close_connection = True
        else:
            error = {"message": fault.message, "type": "error", "param": None, "code": fault.code}
            self._send(fault.status, json.dumps({"error": error}).encode(), fault.headers)

    def _refusal(self, body: dict[str, Any], texts: list[str]) -> Fault | None:
        state = self.state
        if self.path != "/v1/embeddings":
            return Fault(404, "not_found", f"Invalid URL (POST {self.path})")
        given = self.headers.get("Authorization", "")
        if state.key and given != f"Bearer {state.key}":
            # OpenAI shows a part of what it got; this one shows all of it.
            return Fault(
                401, "invalid_api_key", f"Incorrect API key provided: {given.removeprefix('Bearer ')}."
            )
        if body["model"] not in state.models:
            return Fault(404, "model_not_found", f"The model `{body['model']}` does not exist")
        if len(texts) > state.most_texts:
            return Fault(
                400,
                "invalid_request_error",
                f"batch size {len(texts)} > maximum allowed batch size {state.most_texts}",
            )
        longest = max(map(count_tokens, texts))
        if longest > state.most_tokens:
            limit = f"This model's maximum context length is {state.most_tokens} tokens"
            words = f"{limit}, however you requested {longest}"
            return Fault(400, "context_length_exceeded", words)
        return None

    def _answer(self, texts: list[str], body: dict[str, Any]) -> None:
        state = self.state
        vectors = embed(tuple(texts), state.models[body["model"]])
        if body.get("dimensions"):
            vectors = vectors[:, : body["dimensions"]]
            vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        if state.shape == "narrow":
            vectors = vectors[:, :-1]
        if state.shape in ("nan", "null"):
            vectors = vectors.copy()
            vectors[-1, 0] = np.nan
        encoded = body.get("encoding_format") == "base64" and state.shape not in ("always float", "null")
        data = [
            {"object": "embedding", "index": i, "embedding": _base64(v) if encoded else v.tolist()}
            for i, v in enumerate(vectors)
        ]
        if state.shape == "reversed":
            data.reverse()
        if state.shape == "short":
            data.pop()
        if state.shape == "empty":
            data = []
        if state.shape == "same index":
            data = [{**row, "index": 0} for row in data]
        tokens = sum(map(count_tokens, texts))
        answer = {"object": "list", "data": data, "model": body["model"]}
        content = json.dumps(answer | {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}})
        if state.shape == "null":
            content = content.replace("NaN", "null")
        if state.shape == "no json":
            content = "<html>Please sign in.</html>"
        state.paid.extend(texts)
        self._send(200, content.encode())

    def _send(self, status: int, content: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output readable."""


def _base64(vector: np.ndarray) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


@cache
def _minilm() -> Any:
    return el.load_model("text/minilm")


@cache
def _matrix(width: int) -> np.ndarray:
    """384 orthonormal rows of so many numbers: turning by it keeps every cosine."""
    square = np.random.default_rng(0).normal(size=(width, 384))
    return np.linalg.qr(square)[0].T.astype(np.float32)


def embed(texts: tuple[str, ...], width: int = 384) -> np.ndarray:
    """What the server computes, shape (n_texts, width), unit length."""
    vectors: np.ndarray = _minilm().network.encode(
        list(texts), normalize_embeddings=True, show_progress_bar=False
    )
    return vectors if width == 384 else vectors @ _matrix(width)


def count_tokens(text: str) -> int:
    """Tokens of MiniLM's own tokenizer, the special ones included."""
    return len(_minilm().network.tokenizer(text, truncation=False, verbose=False)["input_ids"])
