"""The command ``embedlab``: lessons, models, your own data, the cache, and what a class needs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import embedlab
from embedlab.cli import bundle, cache, data, models
from embedlab.cli.console import console, print_error, print_line, print_status, replace_unencodable
from embedlab.cli.messages import format_error, report_errors

app = typer.Typer(
    help="See, compare and search vector embeddings.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_line(f"embedlab {embedlab.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """See, compare and search vector embeddings."""
    replace_unencodable()


@app.command()
@report_errors
def lab(
    folder: Annotated[Path | None, typer.Argument(help="Folder for the lessons.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of JupyterLab.")] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Download the models of the lessons before JupyterLab opens.")
    ] = False,
    lessons: Annotated[str, typer.Option(help="Lessons to open, such as 00-03,07, or all.")] = "all",
) -> None:
    """Open the lessons in JupyterLab.

    In a checkout the lessons open in place. From an installed package they are copied into FOLDER first
    (default: embedlab-lessons); an existing file is never overwritten.
    """
    from embedlab import settings
    from embedlab.lessons import lab as jupyter

    chosen = jupyter.parse_lessons(lessons)
    if folder is None and settings.in_checkout():
        target = settings.notebooks_folder()
    else:
        target = folder or Path("embedlab-lessons")
        copied = jupyter.copy_lessons(target, {lesson.number for lesson in chosen})
        print_line(f"Lessons in {target}: {sum(name.endswith('.ipynb') for name in copied.written)} new.")
        if copied.kept:
            print_line(f"Not overwritten, because they differ from this version: {', '.join(copied.kept)}.")
    missing = []
    for need in jupyter.model_needs(chosen):
        print_line(f"{need.model}, {need.size}: {need.status}")
        missing += [] if need.is_here else [need.model]
    if missing and fetch:
        models.fetch_all(missing)
    elif missing:
        print_line("To download them now: embedlab fetch --all")
    raise typer.Exit(jupyter.open_lab(target, port=port, browser=browser))


@app.command()
@report_errors
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    lessons: Annotated[
        str, typer.Option(help="Check only what these lessons need, such as 00-03,07, or all.")
    ] = "all",
    for_class: Annotated[
        bool, typer.Option("--class", help="Print instructions for a class, to send the day before.")
    ] = False,
    summary: Annotated[
        Path | None,
        typer.Option(help="Read the --json files of a class from this folder. Nothing is checked here."),
    ] = None,
) -> None:
    """Check this machine. The exit status is 1 if something that a lesson needs fails."""
    from embedlab.cli import class_message
    from embedlab.cli.doctor import examine
    from embedlab.lessons import lab as jupyter

    if for_class:
        typer.echo(class_message.compose_message(jupyter.parse_lessons(lessons)))
        return
    if summary is not None:
        raise typer.Exit(0 if _summarize_class(summary) else 1)
    findings = []
    for finding in examine(None if lessons == "all" else jupyter.parse_lessons(lessons)):
        findings.append(finding)
        if not as_json:
            print_status(finding.status, f"{finding.check}: {finding.message}")
            if finding.fix:
                print_line(f"     → {finding.fix}")
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    raise typer.Exit(1 if any(finding.status == "fail" for finding in findings) else 0)


def _summarize_class(folder: Path) -> bool:
    """Print a line for each machine of a class; return whether all are ready."""
    from embedlab.cli import class_message

    machines = class_message.read_results(folder)
    for machine in machines:
        text = "ready" if machine.ready else "; ".join(f"{check}: {why}" for check, why in machine.failures)
        print_status("ok" if machine.ready else "fail", f"{machine.name}: {text}")
    n_ready = sum(machine.ready for machine in machines)
    print_line(f"{n_ready} of {len(machines)} machines are ready.")
    return n_ready == len(machines)


app.command()(models.models)
app.command()(models.fetch)
for _command in (data.summary, data.embed, data.explore, data.compare, data.search):
    app.command()(_command)


@app.command()
@report_errors
def run(
    notebooks: Annotated[list[Path], typer.Argument(help="Notebooks to run, in this order.")],
    to: Annotated[Path | None, typer.Option(help="Folder for the executed copies.")] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Store the outputs in the notebooks themselves.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one cell may take.")] = 600,
    kernel: Annotated[str, typer.Option(help="Name of the Jupyter kernel.")] = "python3",
) -> None:
    """Run notebooks from top to bottom and print a line for each cell.

    The notebooks are not changed unless --in-place is given.
    """
    from embedlab.lessons.run import CellRun, choose_targets, execute, read, write

    def print_cell(cell: CellRun) -> None:
        print_status(
            "fail" if cell.error else "ok",
            f"{cell.number:>3}/{cell.total} {cell.seconds:6.1f} s  {cell.first_line[:60]}",
        )
        if cell.error:
            print_error("\n".join([*cell.where, format_error(cell.error)]))

    good = True
    for path, target in choose_targets(notebooks, to=to, in_place=in_place):
        notebook = read(path)
        console.print(str(path), style="bold", markup=False, soft_wrap=True)
        good &= execute(notebook, path.parent, timeout=timeout, kernel=kernel, on_cell=print_cell)
        if target is not None:
            write(notebook, target)
            print_line(f"Executed copy: {target}")
    raise typer.Exit(0 if good else 1)


app.command()(bundle.bundle)
app.add_typer(cache.app, name="cache")
