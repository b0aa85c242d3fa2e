"""The live page, and its button."""

from __future__ import annotations

import sys
import types

import pytest

from embedlab.comparison.result import Comparison


def test_on_colab_the_maps_to_come_are_let_in(compared: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    """Colab cannot run here; this stands in for the one function of it that is called."""
    from embedlab.comparison.widget import comparison_widget

    called: list[str] = []
    colab = types.ModuleType("google.colab.output")
    colab.enable_custom_widget_manager = lambda: called.append("let in")  # type: ignore[attr-defined]
    comparison_widget(compared)
    assert called == []
    monkeypatch.setitem(sys.modules, "google.colab.output", colab)
    comparison_widget(compared)
    assert called == ["let in"]


def test_the_button_opens_the_linked_maps(compared: Comparison) -> None:
    from embedlab.comparison.widget import comparison_widget

    live = comparison_widget(compared)
    _, button, place = live.children
    button.click()
    assert [type(child).__name__ for child in place.children] == ["Explorer"]
    assert len(place.children[0].projections) == 2
