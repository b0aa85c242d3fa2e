"""``import embedlab`` in a fresh process, beside a Python that imports nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

TURNS = 15


def _seconds(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def main() -> None:
    empty, ours = [], []
    for _ in range(TURNS):
        empty.append(_seconds("pass"))
        ours.append(_seconds("import embedlab"))
    print(f"import embedlab, {TURNS} turns, median")
    print(f"  python -c pass                {statistics.median(empty):8.3f} s")
    print(f"  python -c 'import embedlab'   {statistics.median(ours):8.3f} s")
    print(
        f"  the import itself       {statistics.median(ours) - statistics.median(empty):8.3f} s  (aim: 0.15)"
    )


if __name__ == "__main__":
    main()
