"""Fixtures: spoken digits beside the project, and clips of the sample data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import embedlab as el


@pytest.fixture
def digits(shared: Path) -> el.Items:
    """300 spoken digits; the label is the digit, and the speaker a column."""
    items = el.Items.from_folder(shared / "audio" / "fsdd_300", modality="audio")
    parts = [Path(id).stem.split("_") for id in items.ids]
    frame = items.frame.assign(label=[p[0] for p in parts], speaker=[p[1] for p in parts])
    return el.Items(frame, "audio", "digits")


@pytest.fixture
def clips() -> el.Items:
    return el.load_dataset("voices").take(np.arange(0, 240, 29))
