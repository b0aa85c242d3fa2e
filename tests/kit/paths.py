"""Where the project and its tests are on this machine."""

from __future__ import annotations

from pathlib import Path

KIT = Path(__file__).parent
TESTS = KIT.parent
ROOT = TESTS.parent
SHARED = ROOT.parent / "shared"
