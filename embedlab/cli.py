"""The command ``embedlab``: lab, doctor, models, fetch, run, cache."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

import embedlab
from embedlab.errors import EmbedlabError

app = typer.Typer(
    help="See, compare and search vector embeddings.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
console = Console(highlight=False)
problems = Console(stderr=True, highlight=False)
P = ParamSpec("P")
R = TypeVar("R")


def _clear_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Our own errors are messages for people: print them, exit 1, no traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except EmbedlabError as error:
            problems.print(str(error), style="red", markup=False)
            raise typer.Exit(1) from error

    return run


def _version(wanted: bool) -> None:
    if wanted:
        console.print(f"embedlab {embedlab.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """See, compare and search vector embeddings."""


@app.command()
@_clear_errors
def lab(
    folder: Annotated[Path | None, typer.Argument(help="Where to put the lessons.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of JupyterLab.")] = None,
) -> None:
    """Open the lessons in JupyterLab.

    In a checkout they are opened where they are; from an installed package they are copied into FOLDER
    (default: embedlab-lessons), and a file that is there already is never overwritten.
    """
    from embedlab import lab as place
    from embedlab import lessons

    if folder is None and lessons.in_checkout():
        target = lessons.folder()
    else:
        target = folder or Path("embedlab-lessons")
        done = place.copy_lessons(target)
        console.print(f"Lessons in {target}: {len(done.written)} new.", markup=False)
        if done.kept:
            console.print(f"Left as you changed them: {', '.join(done.kept)}.", markup=False)
    missing = place.to_download()
    for name, size in missing:
        console.print(
            f"To be downloaded when a lesson first needs it: {name}, {size / 1e6:.0f} MB.", markup=False
        )
    if missing:
        console.print("To download everything now: embedlab fetch --all", markup=False)
    raise typer.Exit(place.open_lab(target, port=port, browser=browser))


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check this machine; the exit status is 1 when something that a lesson needs fails."""
    from embedlab import doctor as surgery

    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    findings = []
    for finding in surgery.examine():
        findings.append(finding)
        if not as_json:
            style = colours[finding.status]
            console.print(f"{finding.status:<5}", style=style, end="")
            console.print(f"{finding.what}: {finding.words}", markup=False)
            if finding.cure:
                console.print(f"     → {finding.cure}", markup=False)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    raise typer.Exit(1 if any(finding.status == "fail" for finding in findings) else 0)


@app.command()
@_clear_errors
def models(name: Annotated[str | None, typer.Argument(help="One model, in detail.")] = None) -> None:
    """List the models, or show one model's card."""
    from embedlab import catalog, weights

    if name is None:
        table = Table(box=None)
        table.add_column("name", no_wrap=True)
        for column in ("dim", "params", "MB"):
            table.add_column(column, justify="right", no_wrap=True)
        table.add_column("licence", no_wrap=True)
        table.add_column("where")
        for each in catalog.models().to_dict("records"):
            numbers = (str(each["dim"]), f"{each['params'] / 1e6:.0f} M", f"{each['download_mb']:.0f}")
            table.add_row(each["name"], *numbers, each["licence"], each["where"])
        console.print(table)
        return
    row = catalog.row(name)
    found = weights.locate(name)
    table = Table(box=None, show_header=False)
    for key, value in asdict(row.card).items():
        table.add_row(key, "" if value is None else str(value))
    table.add_row("downloaded from", " or ".join(row.weights.sources))
    table.add_row("on this machine", f"{found.path} ({found.origin})" if found else "no")
    console.print(table)


@app.command()
@_clear_errors
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Models, for example text/minilm.")] = None,
    lesson: Annotated[int | None, typer.Option(help="Everything that one lesson needs.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that all lessons need.")] = False,
) -> None:
    """Download weights now, to be ready without a network."""
    from embedlab import catalog, weights
    from embedlab import lab as place

    wanted = list(names or ())
    if lesson is not None:
        wanted += place.lesson(lesson).models
    if everything:
        wanted += [name for each in place.all_lessons() for name in each.models]
    if not wanted and lesson is None:
        raise EmbedlabError(
            "Say what to fetch: names of models, --lesson N, or --all. `embedlab models` lists them."
        )
    wanted = list(dict.fromkeys(catalog.row(name).card.name for name in wanted))
    failed = False
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        for name in wanted:
            task = bars.add_task(name, total=place.download_bytes(name))

            def progress(done_bytes: int, total_bytes: int, what: str, task: TaskID = task) -> None:
                bars.update(task, completed=done_bytes, total=total_bytes, description=what)

            try:
                found = weights.fetch(name, progress)
            except EmbedlabError as error:
                failed = True
                problems.print(f"fail {name}: {error}", style="red", markup=False)
            else:
                line = f"ok   {name}: {found.origin}, sha256 {found.sha256[:8]}…, {found.path}"
                console.print(line, markup=False, soft_wrap=True)
            bars.remove_task(task)
    raise typer.Exit(1 if failed else 0)


@app.command()
@_clear_errors
def run(
    notebooks: Annotated[list[Path], typer.Argument(help="Notebooks to run, in this order.")],
    to: Annotated[Path | None, typer.Option(help="Folder for the executed copies.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one cell may take.")] = 600,
    kernel: Annotated[str, typer.Option(help="Name of the Jupyter kernel.")] = "python3",
) -> None:
    """Run notebooks from top to bottom, a line per cell; the notebooks themselves are not changed."""
    import nbformat

    from embedlab.lessons.run import CellRun, execute, read

    def say(cell: CellRun) -> None:
        mark, style = ("fail", "red") if cell.error else ("ok", "green")
        console.print(f"{mark:<5}", style=style, end="")
        line = f"{cell.number:>3}/{cell.total} {cell.seconds:6.1f} s  {cell.first_line}"
        console.print(line, markup=False, no_wrap=True, overflow="ellipsis", soft_wrap=False)
        if cell.error:
            problems.print(cell.error, style="red", markup=False)

    good = True
    for path in notebooks:
        notebook = read(path)
        console.print(str(path), style="bold", markup=False)
        good &= execute(notebook, path.parent, timeout=timeout, kernel=kernel, on_cell=say)
        if to is not None:
            to.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, to / path.name)
            console.print(f"executed copy: {to / path.name}", markup=False)
    raise typer.Exit(0 if good else 1)


cache_app = typer.Typer(
    invoke_without_command=True, help="Show or clear what embedlab keeps.", rich_markup_mode=None
)
app.add_typer(cache_app, name="cache")


@cache_app.callback()
def cache(context: typer.Context) -> None:
    """Show what embedlab keeps on this machine."""
    if context.invoked_subcommand:
        return
    from embedlab import cache as vectors
    from embedlab import settings

    console.print(f"{settings.cache_root()}", markup=False)
    table = Table("what", "model", "vectors", "MB", box=None)
    for name, size in _kept_weights().items():
        table.add_row("weights", name, "", f"{size / 1e6:.1f}")
    for row in vectors.summary().to_dict("records"):
        table.add_row("vectors", row["name"], str(row["vectors"]), f"{row['bytes'] / 1e6:.1f}")
    console.print(table if table.row_count else "Nothing is kept yet.")


@cache_app.command()
@_clear_errors
def clear(
    name: Annotated[str | None, typer.Argument(help="One model only.")] = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="Vectors only.")] = False,
    weights: Annotated[bool, typer.Option("--weights", help="Weights only.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete kept vectors and weights; they are computed or downloaded again when needed."""
    import shutil

    from embedlab import cache as kept
    from embedlab import settings

    both = vectors == weights
    if name is not None and name not in {*kept.summary()["name"], *_kept_weights()}:
        raise EmbedlabError(f"Nothing of {name!r} is kept. `embedlab cache` shows what is.")
    what = " and ".join(
        w for w, chosen in (("vectors", vectors or both), ("weights", weights or both)) if chosen
    )
    if not yes:
        typer.confirm(f"Delete the {what} of {name or 'all models'}?", abort=True)
    freed = kept.clear(name) if vectors or both else 0
    if weights or both:
        for model, size in _kept_weights().items():
            if name in (None, model):
                shutil.rmtree(settings.cache_root() / "weights" / model)
                freed += size
    console.print(f"{freed / 1e6:.1f} MB freed.")


def _kept_weights() -> dict[str, int]:
    """Models whose weights lie in embedlab's own cache, with their bytes."""
    from embedlab import settings

    root = settings.cache_root() / "weights"
    folders = {p.parent.parent for p in root.glob("*/*/*/source.json")}
    return {
        folder.relative_to(root).as_posix(): sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
        for folder in sorted(folders)
    }
