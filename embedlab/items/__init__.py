"""Items: the table of things to embed, and the readers that make it from files."""

from __future__ import annotations

from embedlab.items.items import Items, Modality

__all__ = ["Items", "Modality"]
