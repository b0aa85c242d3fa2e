"""The catalogue: one row per model, with all that is known about it before a byte is downloaded.

Nothing here touches the network. The rows are in ``entries/``, a file per modality: a row's card says what
the model is, its weights which bytes it is made of, its loader which function makes an embedder of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from embedlab.catalog.cards import ModelCard as ModelCard
from embedlab.catalog.cards import Row as Row
from embedlab.catalog.entries import ROWS
from embedlab.errors import EmbedlabError

if TYPE_CHECKING:
    pass


class UnknownModel(EmbedlabError, LookupError):
    """No model of this name in the catalogue; the message gives the nearest names."""


_ROWS: dict[str, Row] = {}


def register(*rows: Row) -> None:
    """Add models to the catalogue for this process; a row of the same name is replaced."""
    _ROWS.update({r.card.name: r for r in rows})


register(*ROWS)


def rows() -> tuple[Row, ...]:
    """All rows of the catalogue, sorted by name."""
    return tuple(_ROWS[name] for name in sorted(_ROWS))


def cards() -> tuple[ModelCard, ...]:
    """The cards of all models, sorted by name."""
    return tuple(r.card for r in rows())


def row(name: str) -> Row:
    """The row of a model.

    Raises
    ------
    UnknownModel
        With the nearest names of the catalogue.
    """
    if name in _ROWS:
        return _ROWS[name]
    hint = " or ".join(repr(n) for n in _nearest(str(name), _ROWS))
    raise UnknownModel(
        f"No model {name!r} in the catalogue. "
        + (f"Did you mean {hint}? " if hint else "")
        + f"It has {len(_ROWS)}: {', '.join(sorted(_ROWS))}. "
        + "Others by prefix: st:org/name, hf:org/name, openai:model."
    )


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three likely names; people leave out the modality, so the part after the slash counts as well."""
    short = {n.split("/")[-1]: n for n in known}
    wanted = name.lower().strip()
    close = difflib.get_close_matches(wanted, [*known, *short], n=3, cutoff=0.6)
    close += [n for s, n in short.items() if s in wanted]
    return list(dict.fromkeys(short.get(c, c) for c in close))[:3]
