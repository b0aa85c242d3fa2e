"""Run a notebook from top to bottom without a browser: for ``embedlab run`` and the build of the lessons."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from embedlab.errors import EmbedlabError


@dataclass(frozen=True)
class CellRun:
    """One code cell that ran: its number (from 1), first line, seconds, and the error if it failed."""

    number: int
    total: int
    first_line: str
    seconds: float
    error: str | None


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
    except (ValueError, TypeError, AttributeError, nbformat.ValidationError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise EmbedlabError(f"{path} is not a notebook: {reason}") from error


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
    """
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    # Progress bars would be stored as broken widgets.
    env = {**os.environ, "TQDM_DISABLE": "1"}
    client = NotebookClient(
        notebook, timeout=timeout, kernel_name=kernel, resources={"metadata": {"path": str(cwd)}}
    )
    with client.setup_kernel(env=env):
        for number, index in enumerate(code, 1):
            cell = notebook.cells[index]
            started = time.perf_counter()
            error = None
            try:
                client.execute_cell(cell, index, execution_count=number)
            except CellExecutionError as failed:
                error = f"{failed.ename}: {failed.evalue}"
            except CellTimeoutError:
                error = f"TimeoutError: the cell took longer than {timeout:.0f} seconds (see --timeout)"
            except DeadKernelError:
                error = "DeadKernelError: the kernel died; most often that is too little memory"
            if on_cell is not None:
                first = next(line for line in cell.source.splitlines() if line.strip())
                on_cell(CellRun(number, len(code), first, time.perf_counter() - started, error))
            if error:
                return False
        client.set_widgets_metadata()
    return True
