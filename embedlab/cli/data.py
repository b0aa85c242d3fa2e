"""``embedlab summary``, ``embed``, ``explore``, ``compare`` and ``search``, for your own data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from embedlab.cli.console import console, make_table, print_error, print_line, quote
from embedlab.cli.inputs import (
    check_target,
    choose_modality,
    load_files,
    model_or_name,
    parse_on_error,
    read_items,
    reload_model,
)
from embedlab.cli.messages import format_option, report_errors
from embedlab.cli.options import (
    Content,
    Encoding,
    Files,
    Force,
    Html,
    Id,
    KeyFrom,
    Label,
    Modality,
    Model,
    OnError,
    Source,
    TokenLimit,
)
from embedlab.errors import Argument, EmbedlabError

if TYPE_CHECKING:
    from embedlab.analysis.projection import Method
    from embedlab.embedders import Embedder
    from embedlab.embeddings import Embeddings
    from embedlab.errors import OnError as OnErrorValue
    from embedlab.inspection.forecast import Forecast
    from embedlab.items import Items


@report_errors
def summary(
    source: Source,
    modality: Modality = None,
    model: Annotated[str | None, typer.Option(help="Estimate how long this model will take.")] = None,
    content: Content = None,
    label: Label = None,
    id: Id = None,
    encoding: Encoding = None,
    full: Annotated[bool, typer.Option("--full", help="Decode every file to its end.")] = False,
    token_limit: TokenLimit = None,
    key_from: KeyFrom = None,
) -> None:
    """Inspect data before embedding: counts, sizes, unreadable items, copies, expected time.

    The exit status is 1 if an item cannot be embedded.
    """
    items = read_items(
        source,
        modality or choose_modality(model, may_fetch=False),
        content=content,
        label=label,
        id=id,
        encoding=encoding,
        on_error="skip",
    )
    planned = None if model is None else model_or_name(model, token_limit, key_from)
    report = items.summary(planned, full=full)
    print_line(report.text(format_option))
    raise typer.Exit(1 if report.problems or (items.origin and items.origin.left_out) else 0)


@report_errors
def embed(
    source: Source,
    model: Model,
    out: Annotated[Path, typer.Option(help="File to write, .parquet.")],
    modality: Modality = None,
    content: Content = None,
    label: Label = None,
    id: Id = None,
    encoding: Encoding = None,
    on_error: OnError = "raise",
    batch_size: Annotated[int, typer.Option(min=1, help="Items to embed and cache at a time.")] = 32,
    token_limit: TokenLimit = None,
    key_from: KeyFrom = None,
    force: Force = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before embedding.")] = False,
) -> None:
    """Embed a folder or a table, and save vectors, items and provenance in one .parquet file.

    Vectors are cached as they are computed: an interrupted run continues where it stopped.
    """
    action = parse_on_error(on_error)
    check_target(out, ".parquet", force)
    try:
        items = read_items(
            source,
            modality or choose_modality(model, may_fetch=True),
            content=content,
            label=label,
            id=id,
            encoding=encoding,
            on_error=action,
        )
        planned = model_or_name(model, token_limit, key_from)
        report = items.summary(planned)
        print_line(report.text(format_option))
        if report.problems and action == "raise":
            raise EmbedlabError(
                f"{len(report.problems):,} of {len(items):,} items cannot be embedded. Fix them, or pass ",
                Argument("on_error", "skip"),
                " to leave them out.",
                problems=report.problems,
            )
        if not yes and sys.stdin.isatty():
            typer.confirm("Embed them?", default=True, abort=True)
        emb = _embed(items, planned, batch_size, action)
    except KeyboardInterrupt:
        print_error("Stopped. The vectors computed so far are cached: run the same command to continue.")
        raise typer.Exit(130) from None
    emb.save(out)
    _print_result(emb, out, report.forecast)


@report_errors
def explore(
    files: Files,
    html: Html,
    color_by: Annotated[
        str | None,
        typer.Option(help="label, another column, distortion or none. Default: label, if it exists."),
    ] = None,
    method: Annotated[str, typer.Option(help="umap, pca or tsne.")] = "umap",
    n_neighbors: Annotated[int, typer.Option(min=2, help="Neighbours per item, for UMAP.")] = 15,
    n_samples: Annotated[
        int | None, typer.Option(min=2, help="Show a sample of this many items. Default: all items.")
    ] = None,
    random_state: Annotated[int, typer.Option(help="Random seed of the map.")] = 0,
    force: Force = False,
) -> None:
    """Write the explorer of one or more embeddings as one HTML file, which works without Python."""
    from embedlab.explorer import explore as make_explorer

    chosen = _parse_method(method)
    check_target(html, ".html", force)
    explorer = make_explorer(
        load_files(files),
        method=chosen,
        n_neighbors=n_neighbors,
        random_state=random_state,
        n_samples=n_samples,
        color_by=color_by,
    )
    print_line(repr(explorer))
    _print_file(explorer.to_html(html))


@report_errors
def compare(
    files: Files,
    labels: Annotated[
        str | None, typer.Option(help="Column whose value neighbours should share. Default: the labels.")
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            help="Column with groups of items that belong together, such as windows of one recording."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="HTML file to write.")] = None,
    cost: Annotated[
        bool, typer.Option("--cost/--no-cost", help="Measure speed and memory on this machine.")
    ] = True,
    force: Force = False,
) -> None:
    """Compare the models that made several files, and say which to choose for these items, and why."""
    from embedlab.comparison.compare import compare as compare_embeddings

    if html is not None:
        check_target(html, ".html", force)
    comparison = compare_embeddings(load_files(files), labels=labels, groups=groups, cost=cost)
    print_line(repr(comparison))
    if html is not None:
        _print_file(comparison.to_html(html))


@report_errors
def search(
    file: Annotated[
        Path, typer.Argument(help="File written by `embedlab embed` or Embeddings.save, as .parquet.")
    ],
    query: Annotated[str, typer.Argument(help="A text, or the path of an image, audio or video file.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Number of items to find.")] = 5,
    key_from: KeyFrom = None,
) -> None:
    """Find the items of a file that are nearest to a query, with the model that embedded them."""
    from rich.markup import escape

    from embedlab.explorer.search import check_same_model, find_nearest, list_image_rows
    from embedlab.io.text import clip

    (emb,) = load_files([file])
    model = reload_model(emb.model, key_from)
    check_same_model(model, emb)
    hits = find_nearest(emb, model.embed_query(query), k, list_image_rows(emb.items))
    table = make_table("cosine", "id", "label", "item", numbers=("cosine",), fold=("id", "item"))
    labels, titles = emb.items.labels or [None] * len(emb), emb.items.titles(120)
    for hit in hits:
        cells = (clip(emb.ids[hit.row], 60), clip(labels[hit.row] or "", 30), clip(titles[hit.row], 120))
        table.add_row(f"{hit.score:.2f}", *map(escape, cells))
    console.print(table)


def _parse_method(value: str) -> Method:
    from embedlab.analysis.projection import Method

    for known in get_args(Method):
        if value == known:
            return known  # type: ignore[no-any-return]
    raise EmbedlabError(f"--method {value} is not valid. Use umap, pca or tsne.")


def _embed(items: Items, model: str | Embedder, batch_size: int, on_error: OnErrorValue) -> Embeddings:
    from embedlab.embedders import load_model
    from embedlab.embedders.base import CachedEmbedder

    embedder = load_model(model) if isinstance(model, str) else model
    progress = None if sys.stderr.isatty() else False
    if isinstance(embedder, CachedEmbedder):
        return embedder.embed(items, batch_size=batch_size, progress=progress, on_error=on_error)
    return embedder.embed(items, batch_size=batch_size, progress=progress)


def _print_result(emb: Embeddings, out: Path, forecast: Forecast | None) -> None:
    from embedlab.io.formats import format_bytes, format_seconds

    report = emb.report
    # The sample that the forecast timed was computed by this run, although it now comes from the cache.
    timed = min(forecast.n_timed if forecast else 0, report.n_cached)
    parts = [f"{report.n_computed + timed:,} computed", f"{report.n_cached - timed:,} from the cache"]
    if report.skipped:
        names, more = list(report.skipped), " …" if len(report.skipped) > 5 else ""
        parts.append(f"{len(names):,} left out ({', '.join(names[:5])}{more})")
    if report.truncated:
        parts.append(f"{len(report.truncated):,} longer than the model reads")
    size = format_bytes(out.stat().st_size)
    print_line(
        f"{len(emb):,} x {emb.dim:,} in {out}, {size}, {format_seconds(report.seconds)}: {', '.join(parts)}"
    )
    print_line(f"To look at it: embedlab explore {quote(str(out))} --html map.html")


def _print_file(path: Path) -> None:
    from embedlab.io.formats import format_bytes

    print_line(f"{path}, {format_bytes(path.stat().st_size)}")
