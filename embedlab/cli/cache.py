"""``embedlab cache``: show and clear what embedlab keeps."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from embedlab.cli.console import clear_errors, console, say, table
from embedlab.errors import EmbedlabError

app = typer.Typer(
    invoke_without_command=True, help="Show or clear what embedlab keeps.", rich_markup_mode=None
)


@app.callback()
@clear_errors
def show(context: typer.Context) -> None:
    """Show what embedlab keeps on this machine."""
    if context.invoked_subcommand:
        return
    from embedlab import settings
    from embedlab.embedders import vector_cache

    say(f"{settings.cache_root()}")
    kept = table("what", "model", "vectors", "MB", numbers=("vectors", "MB"), fold=("model",))
    for name, size in weights_kept().items():
        kept.add_row("weights", escape(name), "", f"{size / 1e6:.1f}")
    for row in vector_cache.summary().to_dict("records"):
        kept.add_row("vectors", escape(row["name"]), str(row["vectors"]), f"{row['bytes'] / 1e6:.1f}")
    console.print(kept if kept.row_count else "Nothing is kept yet.")


@app.command()
@clear_errors
def clear(
    name: Annotated[str | None, typer.Argument(help="One model only, for example text/minilm.")] = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="Vectors only.")] = False,
    weights: Annotated[bool, typer.Option("--weights", help="Weights only.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete kept vectors and weights; they are computed or downloaded again when needed."""
    from embedlab.embedders import vector_cache

    both = vectors == weights
    sizes = weights_kept() if weights or both else {}
    files = vector_cache.summary() if vectors or both else vector_cache.summary()[:0]
    if name is not None:
        sizes = {model: size for model, size in sizes.items() if model == name}
        files = files[files["name"] == name]
    total = sum(sizes.values()) + int(files["bytes"].sum())
    if not sizes and files.empty:
        if name is not None:
            raise EmbedlabError(f"Nothing of {name!r} is kept. `embedlab cache` shows what is.")
        say("Nothing is kept.")
        return
    what = " and ".join(word for word, some in (("vectors", len(files)), ("weights", len(sizes))) if some)
    if not yes:
        typer.confirm(f"Delete the {what} of {name or 'all models'}, {total / 1e6:.1f} MB?", abort=True)
    freed = vector_cache.clear(name) if vectors or both else 0
    for model, size in sizes.items():
        try:
            shutil.rmtree(_weights_folder() / model)
        except OSError as error:
            raise EmbedlabError(
                f"The weights of {model} cannot be deleted: {error}. Close what uses them."
            ) from error
        freed += size
    say(f"{freed / 1e6:.1f} MB freed.")


def _weights_folder() -> Path:
    from embedlab import settings

    return settings.cache_root() / "weights"


def weights_kept() -> dict[str, int]:
    """Models with files in embedlab's own cache, unfinished downloads included, and their bytes."""
    from embedlab.weights.subprocess_download import size_of

    root = _weights_folder()
    sizes = {
        folder.relative_to(root).as_posix(): size_of(folder)
        for folder in sorted(root.glob("*/*"))
        if folder.is_dir()
    }
    return {name: size for name, size in sizes.items() if size}
