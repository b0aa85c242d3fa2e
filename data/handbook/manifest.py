"""Write ``manifest.json`` anew, or with ``--check`` say whether it still fits the files."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FILES = ("articles.jsonl", "questions.jsonl")


def describe(path: Path) -> dict[str, Any]:
    """The sha256 of a file's bytes and its number of rows."""
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "rows": len(content.splitlines())}


def manifest() -> dict[str, Any]:
    """What ``manifest.json`` should hold for the files as they are now."""
    return {
        "name": "handbook",
        "version": "1.0.0",
        "licence": "CC0-1.0",
        "description": "12 articles on observing the sky with a small telescope, 42 questions with the "
        "article and the words that answer them, and 10 questions that none of the articles answers.",
        "files": {name: describe(HERE / name) for name in FILES},
    }


def main() -> int:
    """Write the manifest, or compare it; the exit status is 1 where it does not fit."""
    target = HERE / "manifest.json"
    text = json.dumps(manifest(), indent=2) + "\n"
    if "--check" in sys.argv[1:]:
        fits = target.is_file() and target.read_text("utf-8") == text
        print("manifest.json fits" if fits else "manifest.json is out of step: run manifest.py")
        return 0 if fits else 1
    target.write_text(text, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
