"""Look at a map of embeddings, click, search, select: ``explore(embeddings)``."""

from embedlab.explorer.widget import Explorer, explore

__all__ = ["Explorer", "explore"]
