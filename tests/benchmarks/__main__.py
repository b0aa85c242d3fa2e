"""Run every benchmark: ``python -m tests.benchmarks`` from the root of the checkout (or name some of them).

Each prints ratios of things measured side by side in this one run, with n and the machine. Nothing here
decides a test: times are for people to read.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
from pathlib import Path

import torch

ALL = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def machine() -> str:
    """The machine in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ALL, []], help="which ones (default: all)")
    chosen = parser.parse_args().names or ALL
    print(f"machine: {machine()}\n")
    for name in chosen:
        importlib.import_module(f"tests.benchmarks.bench_{name}").main()
        print()


if __name__ == "__main__":
    main()
