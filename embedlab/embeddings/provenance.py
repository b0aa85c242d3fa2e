"""The provenance of embeddings, as it is written into the schema of a parquet file."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedlab.catalog.cards import ModelCard
from embedlab.embeddings.report import EmbedReport
from embedlab.errors import BadItem, Problem, ProblemCode

FORMAT = "embedlab.embeddings/1"
SAVE_AGAIN = "Save the embeddings again, or embed the items again"
_UPDATE = "A newer embedlab wrote it: update this one (pip install -U embedlab), or embed the items again"
_KEYS = ("model", "items", "report", "layer", "pooling", "normalized")


@dataclass(frozen=True)
class Provenance:
    """Everything about embeddings besides the vectors and the table of items.

    Attributes
    ----------
    model : ModelCard
    report : EmbedReport
    modality, name : str
        Of the items.
    layer, pooling : str
    normalized : bool
    """

    model: ModelCard
    report: EmbedReport
    modality: str
    name: str
    layer: str
    pooling: str
    normalized: bool

    def to_json(self) -> bytes:
        """Encode it for the schema's metadata, in the form that :data:`FORMAT` names."""
        reasons = {item: problem.reason for item, problem in self.report.skipped.items()}
        fields = {
            "format": FORMAT,
            "model": dataclasses.asdict(self.model),
            "report": dataclasses.asdict(self.report) | {"skipped": reasons},
            "items": {"modality": self.modality, "name": self.name},
            "layer": self.layer,
            "pooling": self.pooling,
            "normalized": self.normalized,
        }
        return json.dumps(fields).encode()


def read_provenance(path: Path, encoded: bytes | None) -> Provenance:
    """Decode the provenance of a file.

    Parameters
    ----------
    path : Path
        The file, for messages.
    encoded : bytes or None
        The value of ``embedlab`` in the schema's metadata.

    Raises
    ------
    BadItem
        With ``path``: when there is no provenance, or it is damaged or was written by a newer version.
    """
    fields = _read_fields(path, encoded)
    model, report, items = (_read_object(path, fields, name) for name in ("model", "report", "items"))
    _refuse_unknown(path, model, ModelCard)
    _refuse_unknown(path, report, EmbedReport)
    if set(items) != {"modality", "name"}:
        raise BadItem(
            f"{path} is damaged: 'items' in its provenance needs 'modality' and 'name'. {SAVE_AGAIN}.",
            path=path,
        )
    try:
        truncated = tuple(report.pop("truncated", ()))
        skipped = {
            item: Problem(ProblemCode.UNREADABLE, reason)
            for item, reason in dict(report.pop("skipped", {})).items()
        }
        return Provenance(
            ModelCard(**model),
            EmbedReport(**report, truncated=truncated, skipped=skipped),
            **items,
            layer=fields["layer"],
            pooling=fields["pooling"],
            normalized=fields["normalized"],
        )
    except (TypeError, ValueError) as error:
        raise BadItem(
            f"{path} is damaged: its provenance is incomplete ({error}). {SAVE_AGAIN}.", path=path
        ) from error


def _read_fields(path: Path, encoded: bytes | None) -> dict[str, Any]:
    try:
        fields = json.loads(encoded or b"{}")
    except ValueError as error:
        raise BadItem(
            f"{path} is damaged: its provenance is not valid JSON ({error}). {SAVE_AGAIN}.", path=path
        ) from error
    written = str(fields.get("format", "")) if isinstance(fields, dict) else ""
    family, _, version = written.partition("/")
    ours, _, our_version = FORMAT.partition("/")
    if family == ours and version != our_version:
        raise BadItem(
            f"{path} has the format {written!r}, but this version reads {FORMAT!r}. {_UPDATE}.", path=path
        )
    if written != FORMAT:
        raise BadItem(
            f"{path} was not written by Embeddings.save: it has no {FORMAT!r} provenance. "
            "`embedlab embed` makes such files, also from the items in a table.",
            path=path,
        )
    absent = [name for name in _KEYS if name not in fields]
    if absent:
        raise BadItem(
            f"{path} is damaged: its provenance lacks {', '.join(absent)}. {SAVE_AGAIN}.", path=path
        )
    return dict(fields)


def _read_object(path: Path, fields: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(fields[name], dict):
        raise BadItem(
            f"{path} is damaged: {name!r} in its provenance is not a JSON object. {SAVE_AGAIN}.", path=path
        )
    return dict(fields[name])


def _refuse_unknown(path: Path, fields: dict[str, Any], known: type[ModelCard | EmbedReport]) -> None:
    unknown = sorted(set(fields) - {field.name for field in dataclasses.fields(known)})
    if unknown:
        raise BadItem(
            f"{path} has fields that this version does not know ({', '.join(unknown[:3])}). {_UPDATE}.",
            path=path,
        )
