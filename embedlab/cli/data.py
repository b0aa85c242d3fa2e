"""``embedlab summary``, ``embed``, ``explore``, ``compare``, ``search``: your data, without a notebook."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from embedlab.cli.console import KeyFrom, clear_errors, complain, console, quoted, say, spoken, table
from embedlab.cli.inputs import check_target, items_of, loaded, modality_of, model_again, model_of
from embedlab.errors import EmbedlabError

if TYPE_CHECKING:
    from embedlab.embedders import Embedder
    from embedlab.embeddings import Embeddings
    from embedlab.inspection.forecast import Forecast
    from embedlab.items import Items

Source = Annotated[Path, typer.Argument(help="A folder, or a .csv, .tsv, .jsonl or .parquet file.")]
Model = Annotated[str, typer.Option(help="For example text/minilm; `embedlab models` lists them.")]
Modality = Annotated[
    str | None, typer.Option(help="text, image, audio or video; by default what the model embeds.")
]
Content = Annotated[
    str | None, typer.Option(help="Column to embed; by default 'content', or 'path' for media.")
]
Label = Annotated[str | None, typer.Option(help="Column with labels; by default 'label' if there is one.")]
Id = Annotated[str | None, typer.Option(help="Column with ids; by default 'id' if there is one.")]
Encoding = Annotated[str | None, typer.Option(help="Of a CSV or of text files, for example cp1252.")]
OnError = Annotated[
    str, typer.Option(help="raise: stop at what cannot be read; skip: leave it out, by name.")
]
TokenLimit = Annotated[int | None, typer.Option(min=1, help="openai: the most tokens that one run may send.")]
Saved = Annotated[list[Path], typer.Argument(help="Files that `embedlab embed` or Embeddings.save wrote.")]
Html = Annotated[Path, typer.Option(help="The page to write.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")]


@clear_errors
def summary(
    source: Source,
    modality: Modality = None,
    model: Annotated[str | None, typer.Option(help="Say how long this model will take.")] = None,
    content: Content = None,
    label: Label = None,
    id: Id = None,
    encoding: Encoding = None,
    full: Annotated[bool, typer.Option("--full", help="Decode every file from beginning to end.")] = False,
    token_limit: TokenLimit = None,
    key_from: KeyFrom = None,
) -> None:
    """Look at your data before embedding: how many, how large, unreadable ones, copies, time.

    The exit status is 1 when something cannot be embedded.
    """
    items = items_of(
        source,
        modality or modality_of(model, may_fetch=False),
        content=content,
        label=label,
        id=id,
        encoding=encoding,
        on_error="skip",
    )
    planned = None if model is None else model_of(model, token_limit, key_from)
    found = items.summary(planned, full=full)
    say(spoken(repr(found)))
    raise typer.Exit(1 if found.problems or (items.origin and items.origin.left_out) else 0)


@clear_errors
def embed(
    source: Source,
    model: Model,
    out: Annotated[Path, typer.Option(help="The file to write, .parquet.")],
    modality: Modality = None,
    content: Content = None,
    label: Label = None,
    id: Id = None,
    encoding: Encoding = None,
    on_error: OnError = "raise",
    batch_size: Annotated[int, typer.Option(min=1, help="Items prepared and kept together.")] = 32,
    token_limit: TokenLimit = None,
    key_from: KeyFrom = None,
    force: Force = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before embedding.")] = False,
) -> None:
    """Embed a folder or a table, and save vectors, items and provenance in one parquet file.

    Vectors are kept as they are computed: a run that was stopped goes on where it was.
    """
    if on_error not in ("raise", "skip"):
        raise EmbedlabError(f"--on-error is raise or skip, not {on_error}.")
    check_target(out, ".parquet", force)
    try:
        items = items_of(
            source,
            modality or modality_of(model, may_fetch=True),
            content=content,
            label=label,
            id=id,
            encoding=encoding,
            on_error=on_error,
        )
        planned = model_of(model, token_limit, key_from)
        found = items.summary(planned)
        say(spoken(repr(found)))
        if found.problems and on_error == "raise":
            raise EmbedlabError(
                f"{len(found.problems):,} of {len(items):,} items cannot be embedded. Mend them, or leave "
                "them out with --on-error skip."
            )
        if not yes and sys.stdin.isatty():
            typer.confirm("Embed them?", default=True, abort=True)
        emb = _embedded(items, planned, batch_size, on_error)
    except KeyboardInterrupt:
        complain("Stopped. The vectors computed so far are kept: the same command goes on from there.")
        raise typer.Exit(130) from None
    emb.save(out)
    _told(emb, out, found.forecast)


@clear_errors
def explore(
    files: Saved,
    html: Html,
    color_by: Annotated[str | None, typer.Option(help="label, a column, distortion, none …")] = None,
    method: Annotated[str, typer.Option(help="umap, pca or tsne.")] = "umap",
    n_neighbors: Annotated[int, typer.Option(min=2, help="Of UMAP.")] = 15,
    n_samples: Annotated[int | None, typer.Option(min=2, help="Show a sample of so many.")] = None,
    random_state: Annotated[int, typer.Option(help="Seed of the map.")] = 0,
    force: Force = False,
) -> None:
    """Write the explorer of one or several embeddings as one HTML file, which needs no Python."""
    from embedlab.explorer import explore as explorer_of

    if method not in ("umap", "pca", "tsne"):
        raise EmbedlabError(f"--method is umap, pca or tsne, not {method}.")
    check_target(html, ".html", force)
    shown = explorer_of(
        loaded(files),
        method=method,  # type: ignore[arg-type]
        n_neighbors=n_neighbors,
        random_state=random_state,
        n_samples=n_samples,
        color_by=color_by,
    )
    say(repr(shown))
    _written(shown.to_html(html))


@clear_errors
def compare(
    files: Saved,
    labels: Annotated[str | None, typer.Option(help="The column that neighbours should share.")] = None,
    groups: Annotated[
        str | None, typer.Option(help="The column that says which items belong together.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="The page to write.")] = None,
    cost: Annotated[bool, typer.Option("--cost/--no-cost", help="Measure speed and memory here.")] = True,
    force: Force = False,
) -> None:
    """Say which of several models is right for these items, and on what that rests."""
    from embedlab.comparison.compare import compare as comparison_of

    if html is not None:
        check_target(html, ".html", force)
    comparison = comparison_of(loaded(files), labels=labels, groups=groups, cost=cost)
    say(repr(comparison))
    if html is not None:
        _written(comparison.to_html(html))


@clear_errors
def search(
    file: Annotated[Path, typer.Argument(help="A file that `embedlab embed` or Embeddings.save wrote.")],
    query: Annotated[str, typer.Argument(help="Words, or the path of a picture, sound or film.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many to find.")] = 5,
    key_from: KeyFrom = None,
) -> None:
    """Find the items of a file that are nearest to a query, by the model that embedded them."""
    from rich.markup import escape

    from embedlab.explorer.search import check_same_model, find_nearest, list_image_rows
    from embedlab.io.text import clip

    (emb,) = loaded([file])
    model = model_again(emb.model, key_from)
    check_same_model(model, emb)
    hits = find_nearest(emb, model.embed_query(query), k, list_image_rows(emb.items))
    listed = table("cosine", "id", "label", "item", numbers=("cosine",), fold=("id", "item"))
    labels, titles = emb.items.labels or [None] * len(emb), emb.items.titles(120)
    for hit in hits:
        words = (clip(emb.ids[hit.row], 60), clip(labels[hit.row] or "", 30), clip(titles[hit.row], 120))
        listed.add_row(f"{hit.score:.2f}", *map(escape, words))
    console.print(listed)


# -- what they share -----------------------------------------------------------------------------------------


def _embedded(items: Items, model: str | Embedder, batch_size: int, on_error: Any) -> Embeddings:
    from embedlab.embedders import load_model
    from embedlab.embedders.base import CachedEmbedder

    embedder = load_model(model) if isinstance(model, str) else model
    progress = None if sys.stderr.isatty() else False
    if isinstance(embedder, CachedEmbedder):
        return embedder.embed(items, batch_size=batch_size, progress=progress, on_error=on_error)
    return embedder.embed(items, batch_size=batch_size, progress=progress)


def _told(emb: Embeddings, out: Path, plan: Forecast | None) -> None:
    from embedlab.io.formats import format_bytes, format_seconds

    report = emb.report
    # The sample that was timed a moment ago belongs to this run, though the cache had it by then.
    timed = min(plan.n_timed if plan else 0, report.n_cached)
    parts = [f"{report.n_computed + timed:,} computed", f"{report.n_cached - timed:,} known already"]
    if report.skipped:
        names, more = list(report.skipped), " …" if len(report.skipped) > 5 else ""
        parts.append(f"{len(names):,} left out ({', '.join(names[:5])}{more})")
    if report.truncated:
        parts.append(f"{len(report.truncated):,} longer than the model reads")
    size = format_bytes(out.stat().st_size)
    say(f"{len(emb):,} x {emb.dim:,} in {out}, {size}, {format_seconds(report.seconds)}: {', '.join(parts)}")
    say(f"To look at it: embedlab explore {quoted(str(out))} --html map.html")


def _written(path: Path) -> None:
    from embedlab.io.formats import format_bytes

    say(f"{path}, {format_bytes(path.stat().st_size)}")
