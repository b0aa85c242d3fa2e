"""A comparison that is alive: the page, and a button below it that opens the linked maps."""

from __future__ import annotations

import sys
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
    if colab := sys.modules.get("google.colab.output"):
        # The maps come later, inside a widget of Colab's own kind: by then it must let other kinds in.
        colab.enable_custom_widget_manager()
    return widgets.VBox([widgets.HTML(page(comparison)), button, place])
