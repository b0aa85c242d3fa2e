"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[Path, typer.Argument(help="A folder, or a .csv, .tsv, .jsonl or .parquet file.")]
Files = Annotated[
    list[Path], typer.Argument(help="Files written by `embedlab embed` or Embeddings.save, as .parquet.")
]
Model = Annotated[str, typer.Option(help="For example text/minilm. `embedlab models` lists all models.")]
Modality = Annotated[
    str | None, typer.Option(help="text, image, audio or video. Default: the modality of the model.")
]
Content = Annotated[
    str | None, typer.Option(help="Column to embed. Default: content for texts, path for media files.")
]
Label = Annotated[str | None, typer.Option(help="Column with the labels. Default: label, if it exists.")]
Id = Annotated[str | None, typer.Option(help="Column with the ids. Default: id, if it exists.")]
Encoding = Annotated[
    str | None, typer.Option(help="Encoding of a CSV or of text files, such as cp1252. Default: utf-8.")
]
OnError = Annotated[
    str,
    typer.Option(help="raise: stop at items that cannot be read. skip: leave them out and name them."),
]
TokenLimit = Annotated[
    int | None, typer.Option(min=1, help="For openai: models: most tokens that one run may send.")
]
KeyFrom = Annotated[
    str | None,
    typer.Option(help="For openai: models: name of the environment variable that holds the API key."),
]
Html = Annotated[Path, typer.Option(help="HTML file to write.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]
Lessons = Annotated[str, typer.Option(help="Lessons to include, such as 00-03,07, or all.")]
