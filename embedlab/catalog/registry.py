"""The catalogue: one row per model, with what is known about it before anything is downloaded.

Nothing here uses the network. The rows are in ``entries/``, one file per modality. A row has the card of the
model, its pinned weights, and the function that makes an embedder of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from embedlab.catalog.cards import ModelCard as ModelCard
from embedlab.catalog.cards import Row as Row
from embedlab.catalog.entries import ROWS
from embedlab.errors import EmbedlabError, Part


class UnknownModel(EmbedlabError, LookupError):
    """No model of this name is in the catalogue.

    Attributes
    ----------
    nearest : tuple of str
        Up to three names of the catalogue that are close to it.
    """

    def __init__(self, *parts: Part, model: str, nearest: tuple[str, ...] = ()) -> None:
        super().__init__(*parts, model=model)
        self.nearest = nearest


_ROWS: dict[str, Row] = {}


def register(*rows: Row) -> None:
    """Add models to the catalogue of this process; a row of the same name is replaced."""
    _ROWS.update({r.card.name: r for r in rows})


register(*ROWS)


def rows() -> tuple[Row, ...]:
    """Return all rows of the catalogue, sorted by name."""
    return tuple(_ROWS[name] for name in sorted(_ROWS))


def cards() -> tuple[ModelCard, ...]:
    """Return the cards of all models, sorted by name."""
    return tuple(r.card for r in rows())


def row(name: str) -> Row:
    """Return the row of a model.

    Raises
    ------
    UnknownModel
        With the nearest names of the catalogue.
    """
    if name in _ROWS:
        return _ROWS[name]
    nearest = _nearest(str(name), _ROWS)
    hint = " or ".join(map(repr, nearest))
    raise UnknownModel(
        f"No model {name!r} in the catalogue. "
        + (f"Did you mean {hint}? " if hint else "")
        + f"It has {len(_ROWS)}: {', '.join(sorted(_ROWS))}. "
        + "Others by prefix: st:org/name, hf:org/name, openai:model.",
        model=str(name),
        nearest=tuple(nearest),
    )


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three likely names; people leave out the modality, so the part after it counts too."""
    short = {n.split("/")[-1]: n for n in known}
    wanted = name.lower().strip()
    close = difflib.get_close_matches(wanted, [*known, *short], n=3, cutoff=0.6)
    close += [n for s, n in short.items() if s in wanted]
    return list(dict.fromkeys(short.get(c, c) for c in close))[:3]
