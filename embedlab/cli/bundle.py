"""``embedlab bundle``: make one folder that installs the lessons on a laptop without any network."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

from embedlab.cli.console import print_error, print_line, print_status
from embedlab.cli.messages import format_error, report_errors
from embedlab.cli.options import Lessons
from embedlab.errors import EmbedlabError

if TYPE_CHECKING:
    from embedlab.bundle.make import Plan
    from embedlab.bundle.targets import Target


@report_errors
def bundle(
    out: Annotated[Path, typer.Argument(help="Folder to make. With --check: folder or zip to read.")],
    lessons: Lessons = "all",
    platform: Annotated[
        str | None,
        typer.Option(help="Systems to install on: linux, windows, macos, linux-arm64. Default: this one."),
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="Python versions to install on: 3.11,3.12. Default: this one.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Model to add to those of the lessons. May be repeated.")
    ] = None,
    archive: Annotated[
        str | None, typer.Option(help="Also pack the bundle into one file: zip or tar.")
    ] = None,
    allow_large: Annotated[
        bool, typer.Option("--allow-large", help="Accept builds for graphics cards, several GB.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only read a bundle, and list the damaged files.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the content, and check that every wheel exists.")
    ] = False,
) -> None:
    """Make a folder with packages, weights, sample data and notebooks, for use without any network.

    An interrupted run continues where it stopped. On the laptop, copy the folder and open START.html.
    """
    if check:
        raise typer.Exit(0 if _check(out) else 1)
    from embedlab.bundle import packing, targets
    from embedlab.bundle.make import Plan, make
    from embedlab.catalog import registry
    from embedlab.lessons import lab
    from embedlab.weights import download_bar

    kind = packing.parse_kind(archive) if archive else None
    for name in model or ():
        registry.row(name)
    plan = Plan(
        lab.parse_lessons(lessons),
        targets.parse_targets(platform, python),
        out,
        tuple(model or ()),
        allow_large,
    )
    if dry_run:
        raise typer.Exit(0 if _print_plan(plan) else 1)
    with download_bar() as progress:
        made = make(plan, report=tqdm.write, progress=progress)
        packed = packing.pack(made, kind, progress) if kind else None
    for warning in made.warnings:
        print_status("warn", warning)
    size = f"{made.size / 1e6:,.0f} MB"
    print_status("ok", f"{out}: {len(made.entries)} files, {size}. MANIFEST.json has the sha256 of each.")
    if packed:
        for warning in packed.warnings:
            print_status("warn", warning)
        print_status("ok", f"{packed.path}: {packed.size / 1e6:,.0f} MB, sha256 {packed.sha256}")
    print_line(f"     → After copying it: embedlab bundle --check {out.name}. Then open START.html there.")


def _check(out: Path) -> bool:
    """Read every byte of a bundle; return whether it is as it was made."""
    from embedlab.bundle import manifest
    from embedlab.weights import download_bar

    about, entries = manifest.read(out)
    total, done = sum(entry.size for entry in entries), 0
    with download_bar() as progress:

        def on_file(entry: manifest.Entry) -> None:
            nonlocal done
            progress(done, total, entry.path)
            done += entry.size

        damages = manifest.check(out, on_file)
    for damage in damages:
        print_status("fail", f"{damage.path}: {damage.reason}")
    if damages:
        print_error(
            f"{len(damages)} of {len(entries)} files are damaged. Copy them again from an intact bundle."
        )
        return False
    made = str(about["made"])[:10]
    print_status(
        "ok", f"{len(entries)} files, {total / 1e6:,.0f} MB, unchanged since {made}; none is damaged"
    )
    return True


def _print_plan(plan: Plan) -> bool:
    """Print what a bundle would contain; return whether every target has a wheel of every package."""
    from embedlab.bundle import content
    from embedlab.bundle.embedlab_wheel import write_embedlab_wheel
    from embedlab.catalog import registry
    from embedlab.samples.loading import find_pins

    for name in content.models_of(plan.lessons, plan.models):
        print_line(f"weights  {name}: {registry.row(name).weights.folder_bytes / 1e6:.0f} MB")
    for name in content.datasets_of(plan.lessons):
        spec = find_pins(name)
        print_line(f"data     {name}: {spec.folder_bytes / 1e6 if spec else 0:.1f} MB")
    with tempfile.TemporaryDirectory() as folder:
        wheel = write_embedlab_wheel(Path(folder))
        return all([_print_target(wheel, target, Path(folder)) for target in plan.targets])


def _print_target(wheel: Path, target: Target, scratch: Path) -> bool:
    """Print which wheels a target would get; return whether there are all of them."""
    from embedlab.bundle import wheels

    try:
        packages = wheels.resolve(wheel, target, scratch)
    except EmbedlabError as error:
        print_status("fail", format_error(error))
        return False
    torch = next((package.version for package in packages if package.name == "torch"), "none")
    gpu = [package.name for package in packages if package.name.startswith("nvidia")]
    more = f", with {len(gpu)} packages for graphics cards: see --allow-large" if gpu else ""
    print_status("warn" if gpu else "ok", f"{target.name}: {len(packages)} packages, torch {torch}{more}")
    return True
