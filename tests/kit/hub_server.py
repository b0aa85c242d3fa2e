"""A model hub on loopback: the part of the Hugging Face hub's file protocol that a download by commit needs.

``HEAD`` and ``GET /{repo}/resolve/{commit}/{file}``, with ``ETag``, ``X-Repo-Commit`` and ranges; errors
carry ``X-Error-Code``. For models that nobody pinned, ``GET /api/models/{repo}/revision/{branch}`` gives the
commit and its files, and ``GET /api/models/{repo}/tree/{commit}`` the files again, in the form that
huggingface_hub's snapshots need. What goes wrong is chosen by ``mode``, which may be changed while the server
runs.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Mode = Literal["ok", "silent", "hold", "cut", "wrong", "404", "500", "login"]


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    range: str | None

    @property
    def file(self) -> str:
        return self.path.split("/resolve/")[-1].partition("/")[2]


@dataclass
class Hub:
    """The state of the server, seen from a test.

    Modes: ``silent`` accepts connections and never answers; ``hold`` sends half of the large file and then
    waits for ``release``; ``cut`` closes the connection half-way, once; ``wrong`` sends other bytes of equal
    length; ``login`` answers everything with a page, as a captive portal does.
    ``refs`` are branches and tags; ``older`` holds the files of other commits. ``lists`` adds
    files to the list that are not there.
    """

    repo: str
    commit: str
    files: dict[str, bytes]
    mode: Mode = "ok"
    address: str = ""
    requests: list[Request] = field(default_factory=list)
    half_sent: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    cuts: int = 0
    refs: dict[str, str] = field(default_factory=dict)
    older: dict[str, dict[str, bytes]] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)

    def gets(self, file: str) -> list[Request]:
        """The downloads of one file so far."""
        return [r for r in self.requests if r.method == "GET" and r.file == file]

    def start(self) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        server.daemon_threads = True
        server.block_on_close = False
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        hub = self.hub
        hub.requests.append(Request(self.command, self.path, self.headers.get("Range")))
        if hub.mode == "silent":
            hub.release.wait()
            self.close_connection = True
        elif hub.mode == "login":
            self._status(200, b"<html>Please sign in to the guest network.</html>", body)
        elif hub.mode == "500":
            self._status(500, b"on fire", body)
        else:
            self._file(body)

    def _file(self, body: bool) -> None:
        hub = self.hub
        listed = re.fullmatch(
            rf"/api/models/{re.escape(hub.repo)}(?:/revision/([^?]+))?(\?blobs=true)?", self.path
        )
        tree = re.fullmatch(rf"/api/models/{re.escape(hub.repo)}/tree/([0-9a-f]+)\?.*", self.path)
        match = re.fullmatch(rf"/{re.escape(hub.repo)}/resolve/([0-9a-f]+)/(.+)", self.path)
        if listed:
            self._list(hub.refs.get(listed[1] or "main", listed[1] or hub.commit), bool(listed[2]), body)
        elif tree:
            self._tree(tree[1], body)
        elif match is None:
            self._status(404, b"", body, "RepoNotFound")
        elif match[1] != hub.commit and match[1] not in hub.older:
            self._status(404, b"", body, "RevisionNotFound")
        elif match[2] not in self._files(match[1]) or (hub.mode == "404" and match[2] == self._largest()):
            self._status(404, b"", body, "EntryNotFound")
        else:
            self._send(match[2], body, match[1])

    def _files(self, commit: str) -> dict[str, bytes]:
        return self.hub.files if commit == self.hub.commit else self.hub.older.get(commit, {})

    def _list(self, commit: str, blobs: bool, body: bool) -> None:
        """The files at a commit; large ones with their sha256, as the hub knows it of what lies in LFS."""
        hub = self.hub
        if commit != hub.commit and commit not in hub.older:
            return self._status(404, b"", body, "RevisionNotFound")
        siblings: list[dict[str, object]] = [{"rfilename": name, "size": n} for name, n in hub.lists.items()]
        for name, content in self._files(commit).items():
            one: dict[str, object] = {"rfilename": name}
            if blobs:
                one |= {"size": len(content), "blobId": "0" * 40}
                if name.endswith((".safetensors", ".bin")):
                    sha256 = hashlib.sha256(content).hexdigest()
                    one["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 135}
            siblings.append(one)
        answer = {"id": hub.repo, "sha": commit, "siblings": siblings, "private": False, "tags": []}
        self._status(200, json.dumps(answer).encode(), body)

    def _tree(self, commit: str, body: bool) -> None:
        """Send the files at a commit as ``list_repo_tree`` expects them."""
        hub = self.hub
        if commit != hub.commit and commit not in hub.older:
            return self._status(404, b"", body, "RevisionNotFound")
        sizes = {name: len(content) for name, content in self._files(commit).items()} | hub.lists
        entries = [{"type": "file", "path": name, "size": n, "oid": "0" * 40} for name, n in sizes.items()]
        self._status(200, json.dumps(entries).encode(), body)

    def _send(self, name: str, body: bool, commit: str) -> None:
        hub, content = self.hub, self._files(commit)[name]
        etag = hashlib.sha256(content).hexdigest()
        start = int(m[1]) if (m := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")) else 0
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", commit)
        self.send_header("X-Linked-Etag", f'"{etag}"')
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if body:
            self._body(name, bytes(255 - b for b in content) if hub.mode == "wrong" else content, start)

    def _body(self, name: str, content: bytes, start: int) -> None:
        hub, half = self.hub, len(content) // 2
        large = name == self._largest()
        if large and hub.mode == "cut" and hub.cuts == 0:
            hub.cuts += 1
            self.wfile.write(content[start:half])
            self.close_connection = True
        elif large and hub.mode == "hold" and start < half:
            self.wfile.write(content[start:half])
            self.wfile.flush()
            hub.half_sent.set()
            hub.release.wait()
            self._write(content[half:])
        else:
            self._write(content[start:])

    def _write(self, content: bytes) -> None:
        try:
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _largest(self) -> str:
        return max(self.hub.files, key=lambda name: len(self.hub.files[name]))

    def _status(self, status: int, content: bytes, body: bool, code: str | None = None) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Repo-Commit", self.hub.commit)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output readable."""
