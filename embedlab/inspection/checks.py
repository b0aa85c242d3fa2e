"""Check before embedding whether each item can be read, how large it is, and whether it occurs twice."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from embedlab.errors import Problem, ProblemCode
from embedlab.inspection.media_checks import measure
from embedlab.io.progress import progress_bar
from embedlab.io.text import LONE_SURROGATE
from embedlab.items import Items
from embedlab.items.columns import is_missing
from embedlab.items.content_hash import content_hashes
from embedlab.items.fragments import parse_fragment
from embedlab.media.errors import UnreadableMedia, os_problem
from embedlab.media.prefetch import prefetch


class Note(StrEnum):
    """What is odd about a text that can be embedded."""

    NUL = "NUL characters"
    REPLACEMENT = "� characters"


@dataclass(frozen=True)
class Check:
    """What the check of one item found.

    Attributes
    ----------
    problem : Problem or None
        Why it cannot be embedded.
    size : float
        Characters of a text, pixels on the shorter side of a picture, seconds of a sound or video; NaN if it
        is not known.
    n_bytes : int
    near_key : str
        Equal for items that are nearly the same; empty if nothing is known.
    note : Note or None
    """

    problem: Problem | None = None
    size: float = float("nan")
    n_bytes: int = 0
    near_key: str = ""
    note: Note | None = None


def check_items(items: Items, *, full: bool) -> list[Check]:
    """Check each item, in row order.

    Parameters
    ----------
    items : Items
    full : bool
        Decode media files from beginning to end; otherwise they are only opened.
    """
    pairs = list(zip(items.kinds, items.contents, strict=True))
    if items.modality == "text":
        return [_check_text(content) for _, content in pairs]
    checks = []
    with progress_bar("checking files", len(pairs), unit="file") as bar:
        for result in prefetch(partial(_check, full=full), pairs):
            if isinstance(result, Exception):
                raise result
            checks.append(result)
            bar.update()
    return checks


def group_by_key(ids: Sequence[str], keys: Iterable[Hashable]) -> tuple[tuple[str, ...], ...]:
    """Group ids that share a key, in row order; groups have at least two, and an empty key is ignored."""
    found: dict[Hashable, list[str]] = {}
    for id, key in zip(ids, keys, strict=True):
        if key:
            found.setdefault(key, []).append(id)
    return tuple(tuple(group) for group in found.values() if len(group) > 1)


def hash_possible_copies(items: Items, checks: Sequence[Check]) -> list[bytes | None]:
    """Return the content hash of each readable item that has as many bytes as another, otherwise None.

    Files with a size of their own have no copy and are not read.
    """
    kinds, contents = items.kinds, items.contents
    sizes = [(kind, check.n_bytes) for kind, check in zip(kinds, checks, strict=True)]
    readable = [row for row, check in enumerate(checks) if check.problem is None]
    counts = Counter(sizes[row] for row in readable)
    rows = [row for row in readable if counts[sizes[row]] > 1]
    hashes: list[bytes | None] = [None] * len(items)
    for row, content_hash in zip(
        rows, content_hashes([kinds[r] for r in rows], [contents[r] for r in rows]), strict=True
    ):
        hashes[row] = content_hash
    return hashes


def _check(pair: tuple[str, object], full: bool) -> Check:
    kind, content = pair
    if kind == "text":
        return _check_text(content)
    if is_missing(content) or not str(content):
        return Check(Problem(ProblemCode.MISSING, "no file is named"))
    path = Path(parse_fragment(str(content))[0])
    try:
        n_bytes = path.stat().st_size
        size, near_key = measure(kind, str(content), full)
    except UnreadableMedia as error:
        return Check(error.problem)
    except OSError as error:
        problem = os_problem(error, path)
        if problem.code is ProblemCode.MISSING and "://" in str(content):
            problem = Problem(
                ProblemCode.NOT_A_FILE, "there is no such file; an address must be downloaded first"
            )
        return Check(problem)
    return Check(None, size, n_bytes, near_key)


def _check_text(content: object) -> Check:
    if is_missing(content):
        return Check(Problem(ProblemCode.MISSING, "no text"))
    if not isinstance(content, str):
        return Check(Problem(ProblemCode.WRONG_KIND, f"not a text but {type(content).__name__}"))
    n_bytes = len(content.encode("utf-8", "surrogatepass"))
    if not content.strip():
        return Check(Problem(ProblemCode.EMPTY, "empty text"), len(content), n_bytes)
    if LONE_SURROGATE.search(content):
        problem = Problem(ProblemCode.ENCODING, "the text contains a lone surrogate")
        return Check(problem, len(content), n_bytes)
    note = Note.NUL if "\0" in content else Note.REPLACEMENT if "\ufffd" in content else None
    return Check(None, len(content), n_bytes, _letters_hash(content), note)


def _letters_hash(text: str) -> str:
    """Hash the letters and digits of a text, without case; empty if it has none."""
    letters = "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
    return hashlib.blake2b(letters.encode(), digest_size=16).hexdigest() if letters else ""
