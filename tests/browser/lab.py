"""A real JupyterLab on loopback and a real Chromium, for tests and for pictures."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Commands given before the session stands make JupyterLab ask for a kernel in a dialog.
_KERNEL_READY = """() => {
  const context = window.jupyterapp?.shell?.currentWidget?.sessionContext;
  return context?.isReady && context.session?.kernel?.status === "idle";
}"""


_RUN = """async (code) => {
  const { commands, shell } = window.jupyterapp;
  const notebook = shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.length - 1;
  await commands.execute("notebook:insert-cell-below");
  const cell = notebook.activeCell;
  cell.model.sharedModel.setSource(code);
  await commands.execute("notebook:run-cell");
  const text = (shown) => shown.text ?? shown.data?.["text/plain"] ?? shown.evalue ?? "";
  return cell.model.outputs.toJSON().map((shown) => [text(shown)].flat().join("")).join("");
}"""


def browser_path() -> str | None:
    """The first browser found on the PATH."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@dataclass
class Lab:
    """A running server: where it is, and the folder it serves."""

    url: str
    token: str
    root: Path
    log: Path

    def address(self, notebook: str) -> str:
        return f"{self.url}/lab/tree/{notebook}?token={self.token}&reset"


@contextmanager
def running_lab(
    folder: Path,
    *,
    theme: str = "JupyterLab Light",
    env: Mapping[str, str] | None = None,
    patience: float = 90,
) -> Iterator[Lab]:
    """Start ``jupyter lab`` with every folder of its own, and end it by its process id."""
    root = folder / "notebooks"
    root.mkdir(parents=True, exist_ok=True)
    _settings(folder / "settings", theme)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"]
    command += [f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    log = folder / "lab.log"
    with log.open("wb") as out:
        own = _environment(folder) | dict(env or {})
        server = subprocess.Popen(command, cwd=root, env=own, stdout=out, stderr=subprocess.STDOUT)
        try:
            lab = Lab(f"http://127.0.0.1:{port}", token, root, log)
            _wait(lab, server, patience)
            yield lab
        finally:
            _end(server)


@dataclass
class Notebook:
    """A notebook open in the browser.

    Attributes
    ----------
    page : playwright.sync_api.Page
    errors : list of str
        What the page complained about on its console.
    """

    page: Any
    errors: list[str] = field(default_factory=list)

    def command(self, name: str) -> None:
        """Start one of JupyterLab's own commands and do not wait for its end."""
        self.page.evaluate("name => { window.jupyterapp.commands.execute(name); }", name)

    def run_all(self) -> None:
        self.command("notebook:run-all-cells")

    def run(self, code: str) -> str:
        """Run code in a new last cell; returns what it showed as text."""
        return str(self.page.evaluate(_RUN, code)).strip()

    def wait(self, selector: str, seconds: float = 60) -> Any:
        """The first element of a selector, once it is in the page."""
        element = self.page.locator(selector).first
        element.wait_for(state="attached", timeout=1000 * seconds)
        return element


@contextmanager
def running_chromium() -> Iterator[Any]:
    """A browser without a window. One at a time: playwright refuses a second one in the same thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), headless=True, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_notebook(
    browser: Any, lab: Lab, notebook: str, *, size: tuple[int, int] = (1280, 800), scale: float = 1
) -> Iterator[Notebook]:
    """Open a notebook in a browser and wait until its kernel is idle."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, device_scale_factor=scale, color_scheme="light"
    )
    page = context.new_page()
    opened = Notebook(page)
    page.on("pageerror", lambda error: opened.errors.append(f"page error: {error}"))
    page.on("console", lambda message: _note(opened.errors, message))
    page.goto(lab.address(notebook))
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=90_000)
    page.wait_for_function(_KERNEL_READY, timeout=90_000)
    try:
        yield opened
    finally:
        context.close()


def write_notebook(path: Path, cells: Sequence[str]) -> Path:
    """A notebook with these code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
    return path


def _note(errors: list[str], message: Any) -> None:
    if message.type == "error":
        errors.append(f"console: {message.text} ({message.location.get('url', '')})")


def _settings(folder: Path, theme: str) -> None:
    """Ask JupyterLab for no news, no update check, and one theme."""
    chosen: dict[str, dict[str, Any]] = {
        "notification": {"fetchNews": "false", "checkForUpdates": False},
        "themes": {"theme": theme},
    }
    for name, values in chosen.items():
        path = folder / "@jupyterlab" / "apputils-extension" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")


def _environment(folder: Path) -> dict[str, str]:
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return os.environ | {name: str(folder / sub) for name, sub in own.items()} | {"PYTHONPATH": path}


def _wait(lab: Lab, server: subprocess.Popen[bytes], patience: float) -> None:
    """Until the server answers; loopback only, whatever proxy the machine uses."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            with direct.open(f"{lab.url}/api/status?token={lab.token}", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{lab.log.read_text(errors='replace')[-3000:]}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """Politely first, so that it ends its kernels."""
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)
