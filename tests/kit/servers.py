"""Milvus servers for the tests, on this machine's loopback: Milvus Lite's own, and a real standalone Milvus.

The standalone server comes from the package index (``milvus==2.3.5``, 2024, the last with a server inside its
wheel) in a virtual environment of its own, kept in the user's cache: its dependencies are not ours.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
from filelock import FileLock

WHEEL = "milvus==2.3.5"

# Several may run at once, so every port is a free one. And it looks for work ten times as often as by
# default: tests would spend most of their time waiting for that.
STANDALONE = """
import json, os, socket, sys
from pathlib import Path
from milvus import MilvusServer, MilvusServerConfig

def free(n):
    probes = [socket.socket() for _ in range(n)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports

folder = Path(sys.argv[1])
config = MilvusServerConfig(data_dir=str(folder))
config.set("authorization_enabled", True)
names = [name for name in config.configurable_items if name.endswith("_port")]
ports = dict(zip([*names, "peers", "health"], free(len(names) + 2)))
for name in names:
    config.configs[name] = ports[name]
if len(sys.argv) > 2:
    config.configs["proxy_port"] = int(sys.argv[2])
peers, clients = (f"http://127.0.0.1:{ports[name]}" for name in ("peers", "etcd_port"))
etcd = {
    "listen-peer-urls": peers, "initial-advertise-peer-urls": peers, "initial-cluster": f"default={peers}",
    "listen-client-urls": clients, "advertise-client-urls": clients,
}
(folder / "etcd.yaml").write_text("".join(f"{key}: {value}\\n" for key, value in etcd.items()))
os.environ["ETCD_CONFIG_PATH"] = str(folder / "etcd.yaml")
os.environ |= {"QUERYCOORD_CHECKINTERVAL": "100", "QUERYCOORD_DISTPULLINTERVAL": "100"}
server = MilvusServer(config)
server.webservice_port = ports["health"]
server.start()
print(json.dumps({"port": server.listen_port, "pid": server.server_proc.pid}), flush=True)
sys.stdin.read()
server.stop()
"""


class NoServer(Exception):
    """The server cannot be had on this machine; the message says why."""


@dataclass
class Server:
    """A running server: its address, a token that it accepts, and the process to stop."""

    uri: str
    token: str
    process: subprocess.Popen[str]
    also: list[int] = field(default_factory=list)

    def kill(self) -> None:
        """End it as a power cut would."""
        for pid in self.also:
            os.kill(pid, 9)
        self.process.kill()
        self.process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def lite_server(folder: Path, port: int | None = None) -> Iterator[Server]:
    """``milvus-lite server``: Milvus Lite for several processes at once."""
    port = port or free_port()
    program = Path(sys.executable).with_name("milvus-lite")
    command = [program, "server", "--data-dir", folder, "--host", "127.0.0.1", "--port", port]
    with subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, text=True) as process:
        try:
            until = time.monotonic() + 180
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"milvus-lite server did not start (exit status {process.poll()})")
                time.sleep(0.1)
            yield Server(f"http://127.0.0.1:{port}", "", process)
        finally:
            process.kill()


@contextmanager
def standalone(folder: Path, port: int | None = None) -> Iterator[Server]:
    """A real Milvus standalone server that asks for a token.

    Raises
    ------
    NoServer
        Where there is no wheel for the machine, or no package index to take it from.
    """
    command = [_python(), "-c", STANDALONE, str(folder), *([str(port)] if port else [])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise NoServer("the standalone Milvus server did not start")
        told = json.loads(line)
        server = Server(f"http://127.0.0.1:{told['port']}", "root:Milvus", process, [told["pid"]])
        try:
            yield server
        finally:
            if process.poll() is None:
                assert process.stdin is not None
                process.stdin.close()  # it then stops the server, and itself
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    server.kill()


def _python() -> str:
    if platform.system() not in ("Linux", "Darwin"):
        raise NoServer(f"there is no {WHEEL} for {platform.system()}")
    home = Path(platformdirs.user_cache_dir("embedlab-tests")) / WHEEL.replace("==", "-")
    python, done = home / "bin" / "python", home / "complete"
    home.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{home}.lock"):
        if not done.exists():
            venv.create(home, clear=True, with_pip=True)
            install = [python, "-m", "pip", "install", "--quiet", WHEEL]
            got = subprocess.run([*map(str, install)], capture_output=True, text=True, check=False)
            if got.returncode:
                raise NoServer(f"{WHEEL} cannot be installed: {got.stderr.strip().splitlines()[-1]}")
            done.touch()
    return str(python)
