"""What is remembered of a repository: which commit a name led to, and the sha256 of each file at a commit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from embedlab.catalog.refs import is_commit
from embedlab.io import disk
from embedlab.weights import errors
from embedlab.weights.untrusted import read_json


class Ledger:
    """``notes.json`` in a repository's folder; it outlives the files, so that other bytes are noticed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def commit_of(self, asked: str | None) -> str | None:
        """The commit that a branch, a tag or nothing at all led to."""
        commit = self._read().get("refs", {}).get(asked or "")
        return commit if is_commit(commit) else None

    def remember(self, asked: str | None, commit: str) -> None:
        """Note where a name led to."""
        notes = self._read()
        notes.setdefault("refs", {})[asked or ""] = commit
        self._write(notes)

    def sha256_at(self, commit: str) -> dict[str, str]:
        """Path → sha256 of the files that came at a commit."""
        return dict(self._read().get("files", {}).get(commit, {}))

    def compare(self, commit: str, sha256: dict[str, str]) -> None:
        """Note the sha256 of files at a commit.

        Raises
        ------
        WeightsMismatch
            For a file that is noted with another one.
        """
        notes = self._read()
        known: dict[str, str] = notes.setdefault("files", {}).setdefault(commit, {})
        for path, now in sha256.items():
            if known.setdefault(path, now) != now:
                raise errors.WeightsMismatch(
                    f"{path} at commit {commit[:8]} has sha256 {now}, but {known[path]} was recorded when it "
                    "first arrived"
                )
        self._write(notes)

    def _read(self) -> dict[str, Any]:
        return read_json(self._root / "notes.json")

    def _write(self, notes: dict[str, Any]) -> None:
        if notes == self._read():
            return
        with disk.cache_errors(self._root, 0):
            self._root.mkdir(parents=True, exist_ok=True)
            fresh = self._root / f"notes.json.{os.getpid()}"
            fresh.write_text(json.dumps(notes, indent=1), encoding="utf-8")
            fresh.replace(self._root / "notes.json")
