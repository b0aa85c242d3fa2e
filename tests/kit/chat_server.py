"""A real HTTP server on loopback that speaks the chat-completions protocol. It is no language model.

It answers with what it was told to answer, or with the last line of the prompt, so that what went over the
wire can be checked. Faults can be ordered: a list of them is worked off, one a request.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-test-0123456789-do-not-show"


@dataclass
class ChatServer:
    """What the server was asked, and what it does next."""

    address: str = ""
    reply: str | None = None
    faults: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


@contextmanager
def chat_server(key: str | None = None) -> Iterator[ChatServer]:
    """Serve until the block ends; with ``key``, only to those who send it."""
    state = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.requests.append(asked)
            state.keys.append(self.headers.get("Authorization"))
            fault = state.faults.pop(0) if state.faults else ""
            if key and self.headers.get("Authorization") != f"Bearer {key}":
                return self.send(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
            if fault == "slow":
                time.sleep(1.5)
            if fault == "hang up":
                self.close_connection = True
                return self.connection.close()
            if fault == "broken":
                return self.send_raw(200, b'{"choices": [{"message": {"content": "half', "application/json")
            if fault == "page":
                return self.send_raw(200, b"<html>Welcome to the hotel's network</html>", "text/html")
            if fault == "list":
                return self.send(200, [1, 2])
            if fault == "no choices":
                return self.send(200, {"id": "x", "object": "chat.completion", "choices": []})
            if fault == "no text":
                return self.send(200, self.completion(asked, None))
            if fault.isdigit():
                body = {"error": {"message": f"status {fault} for the key {KEY}"}}
                return self.send(int(fault), body, {"Retry-After": "0.05"} if fault == "429" else {})
            text = state.reply or asked["messages"][-1]["content"].splitlines()[-1]
            return self.send(200, self.completion(asked, text))

        def completion(self, asked: dict[str, Any], text: str | None) -> dict[str, Any]:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            return {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 0,
                "model": asked["model"],
                "choices": [choice],
            }

        def send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            self.send_raw(status, json.dumps(body).encode(), "application/json", headers)

        def send_raw(
            self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None
        ) -> None:
            try:
                self.send_response(status)
                for name, value in {"Content-Type": kind, **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                self.close_connection = True  # the client has given up

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
