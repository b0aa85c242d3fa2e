"""The explorer: a live widget in a notebook, with its pictures and its export."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import Any

import numpy as np

from embedlab.analysis.projection import METHOD_NAMES
from embedlab.errors import Argument, PageTooLarge
from embedlab.explorer.live import LiveState
from embedlab.explorer.page import render_page
from embedlab.explorer.static import PictureFormat, draw_picture, draw_preview
from embedlab.io.atomic import atomic_write

PNG, WIDGET, PLAIN = "image/png", "application/vnd.jupyter.widget-view+json", "text/plain"


class Explorer(LiveState):
    """Maps of embeddings with a detail panel, a search box and a colour menu.

    All that mouse and keyboard can do is also a method: :meth:`click`, :meth:`select`, :meth:`search`,
    :meth:`color`, :meth:`tag`, :meth:`undo` and :meth:`clear`.

    Parameters
    ----------
    projections : Projection or sequence of Projection
    color_by, model, height
        See :func:`explore`.

    Attributes
    ----------
    clicked_id : str or None
        The item in the detail panel.
    selected_ids : tuple of str
        The items inside the lasso or box, in the items' order; :attr:`selection` has them as items.
    query : str
        The last query.
    hits : tuple of (str, float)
        Its results: id and cosine, the best first.
    color_by : str
        What the colours stand for.
    k_neighbors : int
        How many neighbours the detail panel lists and the map rings.
    projections : list of Projection
        One per map, aligned with the first; ``projection`` is the first.
    """

    # -- export -------------------------------------------------------------------------------------------

    def to_html(self, path: str | Path, *, plays: bool = True, most_mb: float = 50) -> Path:
        """Write the explorer as one file that needs neither Python nor a network.

        It contains the linked maps, colours, filters, lists, thumbnails, and sounds and videos to play. Its
        search finds words, because there is no model to search by meaning.

        Parameters
        ----------
        path : path
        plays : bool
            Whether to include sounds and videos.
        most_mb : float
            A larger file is not written, in MB.

        Returns
        -------
        Path

        Raises
        ------
        PageTooLarge
            If the file would exceed ``most_mb``.
        """
        text = render_page(
            self.projections,
            self.color_by,
            self.k_neighbors,
            self.height,
            plays=plays,
            passing=self._build_passing_columns(),
        )
        size = len(text.encode()) / 1e6
        target = Path(path)
        if size > most_mb:
            without_media = (", leave sounds and videos out with ", Argument("plays", False)) if plays else ()
            raise PageTooLarge(
                f"The page of {len(self._items)} items would have {size:.0f} MB, more than the limit of "
                f"{most_mb:g} MB. Explore fewer items",
                *without_media,
                ", or raise the limit with ",
                Argument("most_mb", math.ceil(size)),
                ".",
                size_mb=size,
                limit_mb=most_mb,
            )
        with atomic_write(target) as part:
            part.write_text(text, encoding="utf-8")
        return target

    def to_png(self, path: str | Path) -> Path:
        """Write the maps as a picture, 1,800 pixels wide, in the present colours."""
        return self._write_picture(Path(path), "png")

    def to_svg(self, path: str | Path) -> Path:
        """Write the maps as a vector graphic, in the present colours."""
        return self._write_picture(Path(path), "svg")

    def _write_picture(self, target: Path, form: PictureFormat) -> Path:
        target.write_bytes(draw_picture(self.projections, self._color_maps(), form))
        return target

    # -- in a notebook ------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        embeddings, quality = self.projection.embeddings, self.projection.quality
        known = np.isfinite(quality.trustworthiness)
        trust = f"trustworthiness {quality.trustworthiness:.2f}" if known else quality.words
        return (
            f"Explorer: {len(self._items)} items of {self._items.name!r}, {embeddings.model.name}, "
            f"{METHOD_NAMES[self.projection.method]}, {trust}"
        )

    def _repr_mimebundle_(self, **_options: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the live widget and a picture for places without Python (stored notebooks, GitHub)."""
        png = draw_preview(self.projections, self._color_maps())
        view = {"version_major": 2, "version_minor": 0, "model_id": self._model_id}
        # On Colab, anywidget enables widgets and tells the page where to find what draws them.
        _, metadata = super()._repr_mimebundle_() or ({}, {})
        return {PLAIN: repr(self), WIDGET: view, PNG: base64.b64encode(png).decode("ascii")}, metadata
