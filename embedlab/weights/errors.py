"""What can go wrong with weights, each with its cure in the message."""

from __future__ import annotations

from embedlab.errors import EmbedlabError


class WeightsError(EmbedlabError):
    """Base of all errors about weights."""


class WeightsUnavailable(WeightsError):
    """No source could serve the weights; the message has a line for each source that was tried."""


class WeightsMismatch(WeightsError):
    """A file is missing or is not the pinned one; the message gives both sha256."""


class UnsafeArchive(WeightsError):
    """An archive has an entry that would land outside of the target folder; the message names it."""


class SourceFailed(WeightsError):
    """One source could not serve the weights; the search goes on with the next."""
