"""A comparison that is alive: the page, and a button below it that opens the linked maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from embedlab.comparison.page import page

if TYPE_CHECKING:
    from embedlab.comparison.result import Comparison


def view(comparison: Comparison) -> Any:
    """The page as a widget; the maps are made when they are asked for."""
    button = widgets.Button(
        description="Explore the maps, linked",
        tooltip="Project every model and show the maps side by side",
        layout=widgets.Layout(width="auto"),
    )
    place = widgets.VBox()

    def opened(_: Any) -> None:
        button.disabled, button.description = True, "Projecting …"
        try:
            place.children = (comparison.explore(),)
        finally:
            button.disabled, button.description = False, "Explore the maps, linked"
        button.layout.display = "none"

    button.on_click(opened)
    return widgets.VBox([widgets.HTML(page(comparison)), button, place])
