"""Run a notebook from top to bottom without a browser: for ``embedlab run`` and the build of the lessons."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from embedlab.errors import EmbedlabError

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# How IPython prints a traceback: "Cell In[3], line 2" or "File …:12, in …", then lines with an arrow at one.
_CELL = "Cell In["
_FRAME = re.compile(r"Cell In\[|File ")
_ARROW = re.compile(r"-+> ?\d+")


@dataclass(frozen=True)
class CellRun:
    """One code cell that ran.

    Attributes
    ----------
    number, total : int
        Which code cell, from 1, of how many.
    first_line : str
        Of its source.
    seconds : float
        How long it took.
    error : str or None
        ``"ZeroDivisionError: division by zero"`` when it failed.
    where : tuple of str
        The lines of the notebook that the error passed through; at most three.
    """

    number: int
    total: int
    first_line: str
    seconds: float
    error: str | None
    where: tuple[str, ...] = ()


OnCell = Callable[[CellRun], None]


def read(path: Path) -> NotebookNode:
    """Read a notebook.

    Raises
    ------
    EmbedlabError
        When the file is missing or is not a notebook.
    """
    if not path.is_file():
        raise EmbedlabError(f"There is no notebook {path}.")
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)
        return notebook
    except (ValueError, TypeError, AttributeError, OSError, nbformat.ValidationError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise EmbedlabError(f"{path} is not a notebook: {reason}") from error


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, making its folder; raises :class:`EmbedlabError` when that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
    except OSError as error:
        raise EmbedlabError(f"{path} cannot be written: {error.strerror}. Choose another folder.") from error


def targets(
    notebooks: Sequence[Path], *, to: Path | None = None, in_place: bool = False
) -> list[tuple[Path, Path | None]]:
    """Each notebook with the file that its executed copy goes to, or None.

    Raises
    ------
    EmbedlabError
        When a copy would overwrite a notebook or another copy.
    """
    if in_place and to is not None:
        raise EmbedlabError("Either --in-place or --to FOLDER, not both.")
    if to is None:
        return [(path, path if in_place else None) for path in notebooks]
    pairs = [(path, to / path.name) for path in notebooks]
    for path, target in pairs:
        if target.resolve() == path.resolve():
            raise EmbedlabError(f"--to {to} would overwrite {path}; --in-place does that on purpose.")
    for _, target in pairs:
        same = [str(other) for other, place in pairs if place == target]
        if len(same) > 1:
            raise EmbedlabError(f"{' and '.join(same)} would both be copied to {target}; run them apart.")
    return [*pairs]


def execute(
    notebook: NotebookNode,
    cwd: Path,
    *,
    timeout: float = 600,
    kernel: str = "python3",
    on_cell: OnCell | None = None,
) -> bool:
    """Run all code cells in order, filling in their outputs; stop at the first that fails.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place: outputs and execution counts are those of this run.
    cwd : Path
        Folder the kernel works in.
    timeout : float
        Seconds that one cell may take.
    kernel : str
        Name of the Jupyter kernel.
    on_cell : callable, optional
        Told about each code cell when it has ended.

    Returns
    -------
    bool
        True when every cell ran.

    Raises
    ------
    EmbedlabError
        When there is no such kernel.
    """
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = _client(notebook, cwd.resolve(), timeout, kernel)
    # Progress bars would be stored as broken widgets.
    with client.setup_kernel(env={**os.environ, "TQDM_DISABLE": "1"}):
        for number, index in enumerate(code, 1):
            cell = notebook.cells[index]
            started = time.perf_counter()
            error = _run_cell(client, cell, index, number)
            if on_cell is not None:
                first = next(line for line in cell.source.splitlines() if line.strip())
                seconds = time.perf_counter() - started
                on_cell(CellRun(number, len(code), first, seconds, error, _where(cell) if error else ()))
            if error:
                return False
        client.set_widgets_metadata()
    return True


def _client(notebook: NotebookNode, cwd: Path, timeout: float, kernel: str) -> NotebookClient:
    try:
        spec = KernelSpecManager().get_kernel_spec(kernel)
    except NoSuchKernel as error:
        known = ", ".join(sorted(KernelSpecManager().find_kernel_specs()))
        raise EmbedlabError(f"There is no Jupyter kernel {kernel!r}; there are: {known}.") from error
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name=kernel,
        resources={"metadata": {"path": str(cwd)}},
    )
    if any("ipykernel" in word for word in spec.argv):
        # It warns, on the terminal, that it listens on a local port; people would take that for their error.
        client.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
    return client


def _run_cell(client: NotebookClient, cell: NotebookNode, index: int, number: int) -> str | None:
    """Run one cell; what went wrong in one line, or None."""
    try:
        client.execute_cell(cell, index, execution_count=number)
    except CellExecutionError as failed:
        return f"{failed.ename}: {_ANSI.sub('', failed.evalue)}"
    except CellTimeoutError:
        return f"TimeoutError: the cell took longer than {client.timeout:.0f} seconds (see --timeout)"
    except DeadKernelError:
        return "DeadKernelError: the kernel died; most often that is too little memory"
    return None


def _where(cell: NotebookNode) -> tuple[str, ...]:
    """The lines of the notebook's own code that the stored traceback points at; at most three."""
    stored = [out.traceback for out in cell.outputs if out.output_type == "error"]
    lines = _ANSI.sub("", "\n".join(stored[-1])).splitlines() if stored else []
    found, ours = [], False
    for line in lines:
        if _FRAME.match(line):
            ours = line.startswith(_CELL)
        elif ours and _ARROW.match(line):
            found.append(line)
    return tuple(dict.fromkeys(found))[-3:]
