"""What the explorer says in words: what was drawn, how far to trust it, and what one can do."""

from __future__ import annotations

from embedlab.analysis.projection import METHOD_NAMES, Projection
from embedlab.analysis.quality import Quality
from embedlab.explorer.pictures import MIXED_WORDS
from embedlab.io.text import clean


def honest_words(projection: Projection) -> str:
    """What must not be read out of this map, in one sentence."""
    if projection.method == "pca":
        dim = projection.embeddings.dim
        count = "Three" if projection.coords.shape[1] == 3 else "Two"
        return (
            f"{count} directions out of {dim}: points that overlap here may lie far apart in the full space."
        )
    name = METHOD_NAMES[projection.method]
    warning = "distances between far clusters mean little, and the axes have no unit."
    return f"{name} keeps neighbours together; {warning}"


def verdict(quality: Quality) -> str:
    """How far to trust the map, with its two scores."""
    if quality.grade == "unknown":
        return quality.words
    scores = f"trustworthiness {quality.trustworthiness:.2f}, continuity {quality.continuity:.2f}"
    return f"{scores}: {quality.words}"


def caption(projection: Projection) -> str:
    """What was drawn, and with which parameters."""
    emb = projection.embeddings
    said = [MIXED_WORDS] if emb.items.modality == "image+text" else []
    said += [
        METHOD_NAMES[projection.method],
        f"{len(projection)} items",
        f"{emb.model.name} ({emb.dim} dimensions)",
    ]
    said += [
        f"{name}={value}" if name != "metric" else str(value) for name, value in projection.params.items()
    ]
    return clean(" · ".join(said) + (f". {projection.note}" if projection.note else ""))


def help_lines(modality: str, can_search: bool, *, several: bool, deep: bool) -> list[str]:
    """What the panel says before anything was chosen."""
    verb = {"text": "read", "audio": "hear"}.get(modality, "see")
    lines = [f"Click a point to {verb} the item and its true neighbours."]
    if deep:
        lines.append("Drag to turn the space, or press Shift and an arrow key; the lasso is above.")
    if several:
        lines.append("Whatever you do in one map happens in all of them.")
    if can_search:
        lines.append("Type a question above and press Enter: the nearest items light up.")
    lines += ["Draw around points to select them.", "Click a legend entry to hide or show its points."]
    return lines
