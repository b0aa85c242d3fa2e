"""Items: the table of things to embed, and the readers that make it from files."""

from __future__ import annotations

from embedlab.items.columns import Modality
from embedlab.items.items import Items
from embedlab.items.read_report import ReadReport

__all__ = ["Items", "Modality", "ReadReport"]
