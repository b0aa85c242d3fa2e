"""Describe a map in words: what was drawn, how far to trust it, and what one can do."""

from __future__ import annotations

from embedlab.analysis.projection import METHOD_NAMES, Projection
from embedlab.analysis.quality import Quality
from embedlab.explorer.item_image import IMAGE_TEXT_LEGEND
from embedlab.io.text import clean


def describe_limits(projection: Projection) -> str:
    """Say in one sentence what must not be read out of a map."""
    if projection.method == "pca":
        dim = projection.embeddings.dim
        count = "Three" if projection.coords.shape[1] == 3 else "Two"
        return (
            f"{count} directions out of {dim}: points that overlap here may lie far apart in the full space."
        )
    name = METHOD_NAMES[projection.method]
    return (
        f"{name} keeps neighbours together; distances between far clusters mean little, and the axes have "
        "no unit."
    )


def describe_quality(quality: Quality) -> str:
    """Say how far to trust a map, with its two scores."""
    if quality.grade == "unknown":
        return quality.words
    scores = f"trustworthiness {quality.trustworthiness:.2f}, continuity {quality.continuity:.2f}"
    return f"{scores}: {quality.words}"


def describe_projection(projection: Projection) -> str:
    """Say what was drawn, and with which parameters."""
    emb = projection.embeddings
    parts = [IMAGE_TEXT_LEGEND] if emb.items.modality == "image+text" else []
    parts += [
        METHOD_NAMES[projection.method],
        f"{len(projection)} items",
        f"{emb.model.name} ({emb.dim} dimensions)",
    ]
    parts += [
        f"{name}={value}" if name != "metric" else str(value) for name, value in projection.params.items()
    ]
    note = f". {projection.note}" if projection.note else ""
    return clean(" · ".join(parts) + note)


def list_help(modality: str, can_search: bool, *, several: bool, deep: bool) -> list[str]:
    """List what one can do, for the panel before anything was chosen.

    Parameters
    ----------
    modality : str
    can_search : bool
        Whether the search box works.
    several : bool
        Whether there is more than one map.
    deep : bool
        Whether the maps have three dimensions.
    """
    verb = {"text": "read", "audio": "hear"}.get(modality, "see")
    lines = [f"Click a point to {verb} the item and its true neighbours."]
    if deep:
        lines.append("Drag to turn the space, or press Shift and an arrow key; the lasso is above.")
    if several:
        lines.append("Whatever you do in one map happens in all of them.")
    if can_search:
        lines.append("Type a question above and press Enter: the nearest items light up.")
    return [*lines, "Draw around points to select them.", "Click a legend entry to hide or show its points."]
