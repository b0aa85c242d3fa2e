"""``embedlab cache``: show and clear the cache of weights and vectors."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from embedlab.cli.console import console, make_table, print_line
from embedlab.cli.messages import report_errors
from embedlab.errors import EmbedlabError

app = typer.Typer(
    invoke_without_command=True,
    help="Show or clear the cache of weights and vectors.",
    rich_markup_mode=None,
)


@app.callback()
@report_errors
def show(context: typer.Context) -> None:
    """Show the weights and vectors that are cached on this machine."""
    if context.invoked_subcommand:
        return
    from embedlab import settings
    from embedlab.embedders import vector_cache

    print_line(f"{settings.cache_root()}")
    table = make_table("what", "model", "vectors", "MB", numbers=("vectors", "MB"), fold=("model",))
    for name, size in cached_weights().items():
        table.add_row("weights", escape(name), "", f"{size / 1e6:.1f}")
    for row in vector_cache.summary().to_dict("records"):
        table.add_row("vectors", escape(row["name"]), str(row["vectors"]), f"{row['bytes'] / 1e6:.1f}")
    console.print(table if table.row_count else "The cache is empty.")


@app.command()
@report_errors
def clear(
    name: Annotated[
        str | None, typer.Argument(help="Model to clear, for example text/minilm. Default: all models.")
    ] = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="Delete vectors only.")] = False,
    weights: Annotated[bool, typer.Option("--weights", help="Delete weights only.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
) -> None:
    """Delete cached vectors and weights. They are computed or downloaded again when needed."""
    from embedlab.embedders import vector_cache

    both = vectors == weights
    sizes = cached_weights() if weights or both else {}
    files = vector_cache.summary() if vectors or both else vector_cache.summary()[:0]
    if name is not None:
        sizes = {model: size for model, size in sizes.items() if model == name}
        files = files[files["name"] == name]
    total = sum(sizes.values()) + int(files["bytes"].sum())
    if not sizes and files.empty:
        if name is not None:
            raise EmbedlabError(f"Nothing of {name!r} is cached. `embedlab cache` lists what is.", model=name)
        print_line("The cache is empty.")
        return
    what = " and ".join(word for word, n in (("vectors", len(files)), ("weights", len(sizes))) if n)
    if not yes:
        typer.confirm(f"Delete the {what} of {name or 'all models'}, {total / 1e6:.1f} MB?", abort=True)
    freed = vector_cache.clear(name) if vectors or both else 0
    for model, size in sizes.items():
        folder = _weights_folder() / model
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise EmbedlabError(
                f"The weights of {model} cannot be deleted: {error}. Close the program that uses them.",
                path=folder,
                model=model,
            ) from error
        freed += size
    print_line(f"{freed / 1e6:.1f} MB freed.")


def _weights_folder() -> Path:
    from embedlab import settings

    return settings.cache_root() / "weights"


def cached_weights() -> dict[str, int]:
    """Return the models with files in embedlab's cache, partial downloads included, and their bytes."""
    from embedlab.weights.subprocess_download import size_of

    root = _weights_folder()
    sizes = {
        folder.relative_to(root).as_posix(): size_of(folder)
        for folder in sorted(root.glob("*/*"))
        if folder.is_dir()
    }
    return {name: size for name, size in sizes.items() if size}
