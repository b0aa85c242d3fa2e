"""The command ``embedlab``: the lessons, the models, your own data, what is kept, and what a class needs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import embedlab
from embedlab.cli import bundle, cache, data, models
from embedlab.cli.console import clear_errors, complain, console, marked, say, speak_plainly

app = typer.Typer(
    help="See, compare and search vector embeddings.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"embedlab {embedlab.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """See, compare and search vector embeddings."""
    speak_plainly()


@app.command()
@clear_errors
def lab(
    folder: Annotated[Path | None, typer.Argument(help="Where to put the lessons.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of JupyterLab.")] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="First download what the lessons need.")] = False,
    some: Annotated[str, typer.Option("--lessons", help="Only some lessons, such as 00-03,07.")] = "all",
) -> None:
    """Open the lessons in JupyterLab.

    In a checkout they are opened where they are; from an installed package they are copied into FOLDER
    (default: embedlab-lessons), and a file that is there already is never overwritten.
    """
    from embedlab import settings
    from embedlab.lessons import lab as place

    chosen = place.chosen(some)
    if folder is None and settings.in_checkout():
        target = settings.notebooks_folder()
    else:
        target = folder or Path("embedlab-lessons")
        done = place.copy_lessons(target, {each.number for each in chosen})
        say(f"Lessons in {target}: {sum(name.endswith('.ipynb') for name in done.written)} new.")
        if done.kept:
            say(f"Left alone, as they differ from the lessons of this version: {', '.join(done.kept)}.")
    missing = []
    for need in place.needs(chosen):
        say(f"{need.model}, {need.size}: {need.words}")
        missing += [] if need.here else [need.model]
    if missing and fetch:
        models.fetch_all(missing)
    elif missing:
        say("To download them now: embedlab fetch --all")
    raise typer.Exit(place.open_lab(target, port=port, browser=browser))


@app.command()
@clear_errors
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    some: Annotated[str, typer.Option("--lessons", help="Only what some lessons need, as 00-03,07.")] = "all",
    for_class: Annotated[
        bool, typer.Option("--class", help="Print what to ask a class to do the day before.")
    ] = False,
    summary: Annotated[
        Path | None, typer.Option(help="Read the --json files of a class in this folder; check nothing here.")
    ] = None,
) -> None:
    """Check this machine; the exit status is 1 when something that a lesson needs fails."""
    from embedlab.cli import class_message
    from embedlab.cli import doctor as surgery
    from embedlab.lessons import lab

    if for_class:
        typer.echo(class_message.message(lab.chosen(some)))
        return
    if summary is not None:
        raise typer.Exit(0 if _summarize(summary) else 1)
    findings = []
    for finding in surgery.examine(None if some == "all" else lab.chosen(some)):
        findings.append(finding)
        if not as_json:
            marked(finding.status, f"{finding.what}: {finding.words}")
            if finding.cure:
                say(f"     → {finding.cure}")
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    raise typer.Exit(1 if any(finding.status == "fail" for finding in findings) else 0)


def _summarize(folder: Path) -> bool:
    """A line for each machine of a class; True when all are ready."""
    from embedlab.cli import class_message

    machines = class_message.read_results(folder)
    for each in machines:
        words = "ready" if each.ready else "; ".join(f"{what}: {why}" for what, why in each.failures)
        marked("ok" if each.ready else "fail", f"{each.name}: {words}")
    ready = sum(each.ready for each in machines)
    say(f"{ready} of {len(machines)} machines are ready.")
    return ready == len(machines)


app.command()(models.models)
app.command()(models.fetch)
for _command in (data.summary, data.embed, data.explore, data.compare, data.search):
    app.command()(_command)


@app.command()
@clear_errors
def run(
    notebooks: Annotated[list[Path], typer.Argument(help="Notebooks to run, in this order.")],
    to: Annotated[Path | None, typer.Option(help="Folder for the executed copies.")] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Store the outputs in the notebooks.")] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one cell may take.")] = 600,
    kernel: Annotated[str, typer.Option(help="Name of the Jupyter kernel.")] = "python3",
) -> None:
    """Run notebooks from top to bottom, a line per cell; without --in-place they are not changed."""
    from embedlab.lessons.run import CellRun, execute, read, targets, write

    def tell(cell: CellRun) -> None:
        marked(
            "fail" if cell.error else "ok",
            f"{cell.number:>3}/{cell.total} {cell.seconds:6.1f} s  {cell.first_line[:60]}",
        )
        if cell.error:
            complain("\n".join([*cell.where, cell.error]))

    good = True
    for path, target in targets(notebooks, to=to, in_place=in_place):
        notebook = read(path)
        console.print(str(path), style="bold", markup=False, soft_wrap=True)
        good &= execute(notebook, path.parent, timeout=timeout, kernel=kernel, on_cell=tell)
        if target is not None:
            write(notebook, target)
            say(f"executed copy: {target}")
    raise typer.Exit(0 if good else 1)


app.command()(bundle.bundle)
app.add_typer(cache.app, name="cache")
