"""The detail panel: one item, its true neighbours, the hits of a query. Everything is escaped here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from embedlab.explorer.coloring import MISSING, Coloring
from embedlab.explorer.films import film_html
from embedlab.explorer.pictures import MIXED_WORDS, are_seen, grid_html, kind_of, picture_html, strip_html
from embedlab.explorer.sounds import sound_html
from embedlab.explorer.text import clip, escape
from embedlab.items import Items, content_column
from embedlab.projection import NAMES, Projection

MOST_CHARS = 4_000  # of a text in the panel
MOST_FIELDS = 12
SNIPPET = 110
_DOT = {
    "neighbours are well kept": "good",
    "read neighbours with care": "fair",
    "do not trust distances here": "poor",
}


@dataclass(frozen=True)
class Near:
    """One line of a list: an item and how near it is."""

    row: int
    score: float


def item_html(projection: Projection, coloring: Coloring, row: int, neighbors: Sequence[Near]) -> str:
    """An item with its label, metadata and nearest neighbours in the full space."""
    items, quality = projection.embeddings.items, projection.quality
    lost = ""
    if quality.k and len(quality.distortion):
        share = float(quality.distortion[row])
        lost = (
            f'<p class="embedlab-note">On the map, {round(share * quality.k)} of its {quality.k} true '
            f"neighbours are no longer beside it.</p>"
        )
    measure = "cosine" if projection.neighbors.metric == "cosine" else "Euclidean distance"
    heading = f"Nearest in all {projection.embeddings.dim} dimensions <small>{measure}</small>"
    return (
        f'<section class="embedlab-item" data-item="{escape(items.ids[row])}">'
        f"{_head(items, coloring, row)}{_content(items, row)}{_fields(items, row)}</section>"
        f"<section><h4>{heading}</h4>{list_html(items, coloring, neighbors)}{lost}</section>"
    )


def hits_html(items: Items, coloring: Coloring, query: str, hits: Sequence[Near]) -> str:
    """The answers to a query, best first."""
    pictures = " pictures" if items.modality == "image+text" else ""
    return (
        f'<section class="embedlab-hits"><h4>{len(hits)} nearest{pictures} to '
        f'<q dir="auto">{escape(clip(query, 80))}</q> <small>cosine</small></h4>'
        f"{list_html(items, coloring, hits)}"
        '<p class="embedlab-note">★ on the map: the middle of its five nearest, about where the question '
        "lies.</p>"
        "</section>"
    )


def list_html(items: Items, coloring: Coloring, near: Iterable[Near]) -> str:
    """Items as a list of buttons that carry the id as JSON, so that any id survives its way through HTML."""
    if are_seen(items):
        strip = strip_html(items, coloring, [(place.row, f"{place.score:.2f}") for place in near])
        return strip or '<p class="embedlab-note">There is no other item.</p>'
    labels, ids = items.labels, items.ids
    lines = []
    for place in near:
        color, _ = coloring.style_of(place.row)
        label = labels[place.row] if labels else None
        tag = f'<span class="embedlab-tag"><bdi>{escape(clip(label, 30))}</bdi></span>' if label else ""
        title = escape(items.title(ids[place.row], SNIPPET)) or "(empty text)"
        lines.append(
            f'<li><button type="button" data-id="{escape(json.dumps(ids[place.row]))}">'
            f'<span class="embedlab-score">{place.score:.2f}</span>'
            f'<span class="embedlab-swatch" style="background:{color}"></span>'
            f'<span class="embedlab-title">{tag}<bdi>{title}</bdi></span></button></li>'
        )
    return f"<ol>{''.join(lines)}</ol>" if lines else '<p class="embedlab-note">There is no other item.</p>'


def selection_html(all_items: Items, coloring: Coloring, rows: Sequence[int]) -> str:
    """How many items are selected, the commonest labels among them, and how to get at them in Python."""
    items = all_items.take(np.asarray(rows))
    n = len(items)
    counts = pd.Series([MISSING if x is None else x for x in items.labels or []], dtype=object).value_counts()
    some = ", ".join(f"{escape(clip(name, 30))} {count}" for name, count in counts.head(4).items())
    more = f" and {len(counts) - 4} more labels" if len(counts) > 4 else ""
    which = f"<br><bdi>{some}{more}</bdi>" if some else ""
    grid = grid_html(all_items, coloring, rows) if are_seen(items) else ""
    return (
        f'<section class="embedlab-selection"><b>{n} item{"" if n == 1 else "s"} selected</b>{which}'
        f"<br><small>In Python: <code>explorer.selection</code></small>{grid}</section>"
    )


def error_html(error: Exception) -> str:
    """An error as text a reader can act on."""
    kind = type(error).__name__
    message = escape(str(error)[:MOST_CHARS]) or "(no message)"
    return f'<section class="embedlab-error" role="alert"><b>{escape(kind)}</b><br>{message}</section>'


def message_html(text: str) -> str:
    """A plain sentence."""
    return f'<section class="embedlab-note" role="status">{escape(text)}</section>'


def help_html(can_search: bool, has_legend: bool, modality: str = "text") -> str:
    """What the panel says before anything was chosen."""
    verb = {"text": "read", "audio": "hear"}.get(modality, "see")
    lines = [f"<b>Click</b> a point to {verb} the item and its true neighbours."]
    if can_search:
        lines.append("<b>Type</b> a question above and press Enter: the nearest items light up.")
    lines.append("<b>Draw</b> around points to select them.")
    if has_legend:
        lines.append("<b>Click a legend entry</b> to hide or show its points.")
    shown = "".join(f"<li>{line}</li>" for line in lines)
    return f'<section class="embedlab-help"><ul>{shown}</ul></section>'


def badge_html(projection: Projection, honest: str) -> str:
    """The line under the map: what was drawn, how far to trust it, and what not to read out of it."""
    emb, quality = projection.embeddings, projection.quality
    grade = _DOT.get(quality.words, "unknown")
    mixed = emb.items.modality == "image+text"
    shown = [MIXED_WORDS] if mixed else []
    shown += [
        NAMES[projection.method],
        f"{len(projection)} items",
        f"{emb.model.name} ({emb.dim} dimensions)",
    ]
    metric, size = projection.params.get("metric"), projection.params.get("n_neighbors")
    shown += [f"{metric}, n_neighbors={size}" if size else f"{metric}"] if metric else []
    verdict = quality.words
    if grade != "unknown":
        scores = f"trustworthiness {quality.trustworthiness:.2f}, continuity {quality.continuity:.2f}"
        verdict = f"{scores}: {quality.words}"
    note = f" {escape(projection.note)}" if projection.note else ""
    return (
        f'<div class="embedlab-badge"><div><span class="embedlab-dot embedlab-{grade}"></span>'
        f"<b>{escape(verdict)}</b></div><div>{escape(' · '.join(shown))}</div>"
        f"<div>{escape(honest)}{note}</div></div>"
    )


def _head(items: Items, coloring: Coloring, row: int) -> str:
    color, _ = coloring.style_of(row)
    label = items.labels[row] if items.labels else None
    name = f"<bdi>{escape(clip(label, 60))}</bdi>" if label else (MISSING if items.labels else "")
    swatch = f'<span class="embedlab-swatch" style="background:{color}"></span>'
    return f"<header>{swatch}<b>{name}</b><code>{escape(clip(items.ids[row], 60))}</code></header>"


def _content(items: Items, row: int) -> str:
    """The item itself: its words, its picture, or something to play."""
    kind = kind_of(items, row)
    content = items.frame[content_column(kind)].iloc[row]
    if kind == "image":
        return picture_html(items, row)
    if kind == "audio":
        return sound_html(items, row)
    if kind == "video":
        return film_html(items, row)
    text = str(content)
    shown = escape(text[:MOST_CHARS]) or '<span class="embedlab-note">(empty text)</span>'
    rest = len(text) - MOST_CHARS
    more = f'<p class="embedlab-note">… and {rest:,} more characters</p>' if rest > 0 else ""
    return f'<p class="embedlab-text" dir="auto">{shown}</p>{more}'


def _fields(items: Items, row: int) -> str:
    metadata = items.metadata
    lines = []
    for column in list(metadata.columns)[:MOST_FIELDS]:
        value = metadata[column].iloc[row]
        if pd.api.types.is_scalar(value) and pd.isna(value):
            continue
        name, shown = escape(clip(column, 40)), escape(clip(value, 200))
        lines.append(f"<tr><th>{name}</th><td><bdi>{shown}</bdi></td></tr>")
    return f"<table>{''.join(lines)}</table>" if lines else ""
