"""Run a notebook from top to bottom without a browser, for ``embedlab run`` and the build of the lessons."""

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

from embedlab.errors import Argument, EmbedlabError

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# IPython prints each frame of a traceback as "Cell In[3], line 2" or "File …:12, in …", and marks one of its
# lines with an arrow.
_CELL = "Cell In["
_FRAME = re.compile(r"Cell In\[|File ")
_ARROW = re.compile(r"-+> ?\d+")


class CellFailed(EmbedlabError):
    """A cell could not be run to its end; the message begins with the type of the error."""


@dataclass(frozen=True)
class CellRun:
    """One code cell that ran.

    Attributes
    ----------
    number, total : int
        Which code cell, from 1, of how many.
    first_line : str
        The first line of its source.
    seconds : float
        How long it took.
    error : CellFailed or None
        ``"ZeroDivisionError: division by zero"`` if it failed.
    where : tuple of str
        The lines of the notebook in the traceback; at most three.
    """

    number: int
    total: int
    first_line: str
    seconds: float
    error: CellFailed | None
    where: tuple[str, ...] = ()


OnCell = Callable[[CellRun], None]


def read(path: Path) -> NotebookNode:
    """Read a notebook.

    Raises
    ------
    EmbedlabError
        If the file is missing or is not a notebook.
    """
    if not path.is_file():
        raise EmbedlabError(f"There is no notebook {path}. Check the path.", path=path)
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)
        return notebook
    except (ValueError, TypeError, AttributeError, OSError, nbformat.ValidationError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise EmbedlabError(f"{path} is not a notebook: {reason}", path=path) from error


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, and make its folder.

    Raises
    ------
    EmbedlabError
        If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
    except OSError as error:
        raise EmbedlabError(
            f"{path} cannot be written: {error.strerror}. Choose another folder.", path=path
        ) from error


def choose_targets(
    notebooks: Sequence[Path], *, to: Path | None = None, in_place: bool = False
) -> list[tuple[Path, Path | None]]:
    """Pair each notebook with the file for its executed copy, or None.

    Raises
    ------
    EmbedlabError
        If a copy would overwrite a notebook or another copy.
    """
    if in_place and to is not None:
        raise EmbedlabError(
            Argument("in_place", True), " and ", Argument("to"), " exclude each other. Pass one."
        )
    if to is None:
        return [(path, path if in_place else None) for path in notebooks]
    pairs = [(path, to / path.name) for path in notebooks]
    for path, target in pairs:
        if target.resolve() == path.resolve():
            raise EmbedlabError(
                f"The copy in {to} would overwrite {path}. Choose another folder, or pass ",
                Argument("in_place", True),
                " to overwrite it on purpose.",
                path=path,
            )
    for _, target in pairs:
        same = [str(path) for path, other in pairs if other == target]
        if len(same) > 1:
            raise EmbedlabError(
                f"{' and '.join(same)} would both be copied to {target}. Run them separately.", path=target
            )
    return [*pairs]


def execute(
    notebook: NotebookNode,
    cwd: Path,
    *,
    timeout: float = 600,
    kernel: str = "python3",
    on_cell: OnCell | None = None,
) -> bool:
    """Run all code cells in order and fill in their outputs; stop at the first that fails.

    Parameters
    ----------
    notebook : NotebookNode
        Its outputs and execution counts are replaced.
    cwd : Path
        The working folder of the kernel.
    timeout : float
        Seconds that one cell may take.
    kernel : str
        Name of the Jupyter kernel.
    on_cell : callable, optional
        Called with each code cell when it has ended.

    Returns
    -------
    bool
        Whether every cell ran.

    Raises
    ------
    EmbedlabError
        If there is no such kernel.
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
        raise EmbedlabError(f"There is no Jupyter kernel {kernel!r}. Choose from: {known}.") from error
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name=kernel,
        resources={"metadata": {"path": str(cwd)}},
    )
    if any("ipykernel" in word for word in spec.argv):
        # ipykernel warns that it listens on a local port, which would look like an error of the notebook.
        client.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
    return client


def _run_cell(client: NotebookClient, cell: NotebookNode, index: int, number: int) -> CellFailed | None:
    """Run one cell; return what went wrong, or None."""
    try:
        client.execute_cell(cell, index, execution_count=number)
    except CellExecutionError as error:
        return CellFailed(f"{error.ename}: {_ANSI.sub('', error.evalue)}")
    except CellTimeoutError:
        return CellFailed(
            f"TimeoutError: the cell took longer than {client.timeout:.0f} seconds. Allow more with ",
            Argument("timeout"),
            ".",
        )
    except DeadKernelError:
        return CellFailed("DeadKernelError: the kernel died, most often because of too little memory.")
    return None


def _where(cell: NotebookNode) -> tuple[str, ...]:
    """Return the lines of the notebook that the stored traceback points at; at most three."""
    stored = [out.traceback for out in cell.outputs if out.output_type == "error"]
    lines = _ANSI.sub("", "\n".join(stored[-1])).splitlines() if stored else []
    found, in_notebook = [], False
    for line in lines:
        if _FRAME.match(line):
            in_notebook = line.startswith(_CELL)
        elif in_notebook and _ARROW.match(line):
            found.append(line)
    return tuple(dict.fromkeys(found))[-3:]
