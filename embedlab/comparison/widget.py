"""A comparison as a widget: the page, and a button below it that opens the linked maps."""

from __future__ import annotations

import sys

import ipywidgets as widgets

from embedlab.comparison.data import ComparisonData
from embedlab.comparison.maps import explore_maps
from embedlab.comparison.page import render_page

_LABEL = "Explore the maps, linked"


def comparison_widget(data: ComparisonData) -> widgets.VBox:
    """Return the page as a widget; the maps are computed when the button is clicked."""
    button = widgets.Button(
        description=_LABEL,
        tooltip="Project every model and show the maps side by side",
        layout=widgets.Layout(width="auto"),
    )
    maps = widgets.VBox()

    def open_maps(_: widgets.Button) -> None:
        button.disabled, button.description = True, "Projecting …"
        try:
            maps.children = (explore_maps(data),)
        finally:
            button.disabled, button.description = False, _LABEL
        button.layout.display = "none"

    button.on_click(open_maps)
    if colab := sys.modules.get("google.colab.output"):
        # Colab shows widgets of other makers, such as the maps, only after this call.
        colab.enable_custom_widget_manager()
    return widgets.VBox([widgets.HTML(render_page(data)), button, maps])
