"""Explore a map of embeddings: look, click, search, select."""

from embedlab.explorer.build import explore
from embedlab.explorer.widget import Explorer

__all__ = ["Explorer", "explore"]
