"""``embedlab bundle``: one folder that installs the lessons on a laptop without any network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from embedlab.cli.console import clear_errors, complain, console, marked, say
from embedlab.errors import EmbedlabError

if TYPE_CHECKING:
    from embedlab.weights.subprocess_download import Progress as OnProgress


@clear_errors
def bundle(
    out: Annotated[Path, typer.Argument(help="Folder to make, or with --check to look at (or a zip).")],
    lessons: Annotated[str, typer.Option(help="Which lessons: all, or numbers such as 00-03,07.")] = "all",
    platform: Annotated[
        str | None, typer.Option(help="For which systems: linux,windows,macos. Default: this one's.")
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="For which Pythons: 3.11,3.12. Default: this one's.")
    ] = None,
    model: Annotated[list[str] | None, typer.Option(help="One more model; may be repeated.")] = None,
    archive: Annotated[str | None, typer.Option(help="Pack it as well: zip or tar.")] = None,
    allow_large: Annotated[
        bool, typer.Option("--allow-large", help="Also builds for graphics cards, several GB.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only read a bundle, and name what is damaged.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be in it, and whether there are wheels.")
    ] = False,
) -> None:
    """Make a folder with packages, weights, sample data and notebooks, to be used without any network.

    An interrupted run goes on where it stopped. On the laptop: copy the folder, open START.html.
    """
    if check:
        raise typer.Exit(0 if _check(out) else 1)
    from embedlab.bundle import packing, targets
    from embedlab.bundle.make import Plan, make
    from embedlab.catalog import registry
    from embedlab.lessons import lab

    if archive is not None and archive not in packing.KINDS:
        raise EmbedlabError(f"No archive {archive!r}; there are {', '.join(packing.KINDS)}.")
    for name in model or ():
        registry.row(name)
    chosen, there = lab.chosen(lessons), targets.chosen(platform, python)
    plan = Plan(chosen, there, out, tuple(model or ()), allow_large)
    if dry_run:
        raise typer.Exit(0 if _announce(plan) else 1)
    with _bar() as progress:
        made = make(plan, tell=say, progress=progress)
        packed = packing.pack(made, archive, progress) if archive else None
    for line in made.warnings:
        marked("warn", line)
    marked(
        "ok",
        f"{out}: {len(made.entries)} files, {made.size / 1e6:,.0f} MB. Each has its sha256 in MANIFEST.json.",
    )
    if packed:
        for line in packed.warnings:
            marked("warn", line)
        marked("ok", f"{packed.path}: {packed.size / 1e6:,.0f} MB, sha256 {packed.sha256}")
    say(f"     → After copying it: embedlab bundle --check {out.name}. Then open START.html there.")


def _check(out: Path) -> bool:
    """Read every byte; True when all is as it was made."""
    from embedlab.bundle import manifest

    about, entries = manifest.read(out)
    total, done = sum(each.size for each in entries), 0
    with _bar() as progress:

        def on_file(each: manifest.Entry) -> None:
            nonlocal done
            progress(done, total, each.path)
            done += each.size

        found = manifest.check(out, on_file)
    for damage in found:
        marked("fail", f"{damage.path}: {damage.words}")
    if found:
        complain(
            f"{len(found)} of {len(entries)} files are damaged. Copy them again from where they are whole."
        )
        return False
    marked(
        "ok",
        f"{len(entries)} files, {total / 1e6:,.0f} MB, as made on {str(about['made'])[:10]}; none is damaged",
    )
    return True


def _announce(plan: object) -> bool:
    """Say what would be in a bundle; True when there is a wheel of every package for every target."""
    import tempfile

    from embedlab.bundle import content, wheels
    from embedlab.bundle.make import Plan
    from embedlab.bundle.self_wheel import own_wheel
    from embedlab.catalog import registry
    from embedlab.samples.loading import find_pins

    assert isinstance(plan, Plan)
    for name in content.models_of(plan.lessons, plan.models):
        say(f"weights  {name}: {registry.row(name).weights.folder_bytes / 1e6:.0f} MB")
    for name in content.datasets_of(plan.lessons):
        spec = find_pins(name)
        say(f"data     {name}: {spec.folder_bytes / 1e6 if spec else 0:.1f} MB")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        own = own_wheel(Path(folder))
        for target in plan.targets:
            try:
                listed = wheels.resolve(own, target, Path(folder))
            except EmbedlabError as error:
                good = False
                marked("fail", str(error))
                continue
            torch = next((version for name, version, _ in listed if name == "torch"), "none")
            gpu = [name for name, *_ in listed if name.startswith("nvidia")]
            words = f", with {len(gpu)} packages for graphics cards: see --allow-large" if gpu else ""
            marked("warn" if gpu else "ok", f"{target.name}: {len(listed)} packages, torch {torch}{words}")
    return good


@contextmanager
def _bar() -> Iterator[OnProgress]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None)

        def progress(done_bytes: int, total_bytes: int, what: str) -> None:
            bars.update(task, completed=done_bytes, total=total_bytes, description=escape(what))

        yield progress
