"""The record of a repository: which commit a name led to, and the sha256 of each file at a commit."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embedlab.catalog.refs import is_commit
from embedlab.io import disk
from embedlab.weights.errors import WeightsMismatch
from embedlab.weights.untrusted import read_json


class Ledger:
    """``ledger.json`` in the folder of a repository; it outlives the files, so that other bytes are noticed.

    Parameters
    ----------
    folder : Path
        The folder of the repository in embedlab's cache.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "ledger.json"

    def commit_of(self, revision: str | None) -> str | None:
        """Return the commit that a branch, a tag or the bare name led to, or None if it is not recorded."""
        commit = self._read().get("refs", {}).get(revision or "")
        return commit if is_commit(commit) else None

    def record_commit(self, revision: str | None, commit: str) -> None:
        """Record which commit a branch, a tag or the bare name led to."""
        content = self._read()
        content.setdefault("refs", {})[revision or ""] = commit
        self._write(content)

    def sha256_at(self, commit: str) -> dict[str, str]:
        """Return path and sha256 of the files that were recorded at a commit."""
        return dict(self._read().get("files", {}).get(commit, {}))

    def record_files(self, commit: str, sha256: Mapping[str, str]) -> None:
        """Record the sha256 of files at a commit, unless they contradict what was recorded before.

        Raises
        ------
        WeightsMismatch
            For a file that was recorded with another sha256.
        """
        content = self._read()
        recorded: dict[str, str] = content.setdefault("files", {}).setdefault(commit, {})
        for path, actual in sha256.items():
            expected = recorded.setdefault(path, actual)
            if expected != actual:
                raise WeightsMismatch(
                    f"{path} at commit {commit[:8]} has sha256 {actual}, but {expected} was recorded when it "
                    "first arrived",
                    file=path,
                    expected=expected,
                    actual=actual,
                )
        self._write(content)

    def _read(self) -> dict[str, Any]:
        return read_json(self._file)

    def _write(self, content: dict[str, Any]) -> None:
        if content == self._read():
            return
        with disk.cache_errors(self._folder, 0):
            self._folder.mkdir(parents=True, exist_ok=True)
            # One name per process: two may record at the same time, and the last one wins.
            partial = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            partial.write_text(json.dumps(content, indent=1), encoding="utf-8")
            partial.replace(self._file)
