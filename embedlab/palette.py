"""Colours that colour-blind readers can tell apart, for light and dark backgrounds.

The first ten are Paul Tol's "muted" scheme (https://personal.sron.nl/~pault/, "Colour Schemes", 2021) in an
order that keeps neighbours in a legend apart; two neutral ones bring them to twelve. People cannot tell many
more colours apart, so from the thirteenth class on the marker shape changes too.
"""

from __future__ import annotations

CATEGORIES = (
    "#332288",  # indigo
    "#DDCC77",  # sand
    "#44AA99",  # teal
    "#CC6677",  # rose
    "#88CCEE",  # cyan
    "#882255",  # wine
    "#117733",  # green
    "#EE8866",  # orange (Tol "light")
    "#AA4499",  # purple
    "#999933",  # olive
    "#77AADD",  # light blue (Tol "light")
    "#8B5E3C",  # brown
)
SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up", "star", "x", "triangle-down")
GREY = "#BBBBBB"
INK = "#2B2B33"
ACCENT = "#EE3377"  # Tol "vibrant" magenta: query hits and the chosen point, nothing else
SEQUENTIAL = "Viridis"


def style(position: int) -> tuple[str, str]:
    """Return the colour and the marker symbol of the class at ``position`` in the legend (from 0)."""
    n_rounds, index = divmod(position, len(CATEGORIES))
    return CATEGORIES[index], SYMBOLS[n_rounds % len(SYMBOLS)]
