"""Where items came from: how a file was read, and what of it was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from embedlab.errors import BadItem, OnError


@dataclass(frozen=True)
class ReadReport:
    """How items were read.

    Attributes
    ----------
    description : str
        The file and how it was understood, for example ``"notes.csv: utf-8, separator ';', 602 rows"``.
    left_out : dict of str to str
        What could not be read, by line or by file, each with the reason (``on_error="skip"``).
    """

    description: str
    left_out: Mapping[str, str] = field(default_factory=dict)


def refuse(bad: Mapping[str, str], what: str, on_error: OnError, cure: str = "") -> None:
    """Raise an error that names what cannot be read, unless it is to be left out.

    Raises
    ------
    BadItem
        With the first five, their number, and the cure.
    """
    if on_error not in ("raise", "skip"):
        raise BadItem(f"on_error must be 'raise' or 'skip', not {on_error!r}.")
    if bad and on_error == "raise":
        some = "; ".join(f"{where}: {why.rstrip('.')}" for where, why in list(bad.items())[:5])
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        raise BadItem(
            f"{len(bad)} {what} cannot be read ({some}{more}). {cure}Mend them, or pass on_error='skip' to "
            "leave them out."
        )


def nothing_left(bad: Mapping[str, str], what: str, cure: str = "") -> BadItem:
    """The error where all that there was had to be left out, with the first reason and the cure."""
    where, why = next(iter(bad.items()))
    return BadItem(f"{what} can be read; {where}, for one: {why.rstrip('.')}. {cure}".rstrip())
