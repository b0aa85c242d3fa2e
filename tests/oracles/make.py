"""Values that other libraries compute, for ``reference.json``: second opinions on our own measures.

rsatoolbox and kiez want numpy below 2, so they cannot live beside embedlab. In an environment of their own:

    python3.11 -m venv oracles && oracles/bin/pip install rsatoolbox==0.3.2 kiez==0.5.0
    oracles/bin/python tests/oracles/make.py
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


def clouds() -> tuple[np.ndarray, np.ndarray]:
    """Two related clouds of 60 items, shapes (60, 12) and (60, 5): the same with every numpy."""
    rng = np.random.RandomState(0)
    one = rng.normal(size=(60, 12)) * np.linspace(0.3, 3, 12) + 0.5
    return one, one[:, :5] + 2 * rng.normal(size=(60, 5))


def nearest(vectors: np.ndarray, k: int) -> np.ndarray:
    """Row numbers of the k nearest others by Euclidean distance, shape (n, k)."""
    apart = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    return np.asarray(apart.argsort(axis=1)[:, :k])


def main() -> None:
    """Compute everything and write the file."""
    from kiez.analysis import hubness_score
    from rsatoolbox.rdm import compare
    from rsatoolbox.rdm.rdms import RDMs
    from scipy.spatial.distance import pdist

    x, y = clouds()
    found: dict[str, Any] = {name: version(name) for name in ("rsatoolbox", "kiez", "numpy")}
    cosine = [RDMs(pdist(vectors, "cosine")[None]) for vectors in (x, y)]
    found["rsa, cosine distances, Spearman"] = float(compare(*cosine, method="spearman")[0, 0])
    hubs = hubness_score(nearest(x, 10), len(x), k=10)
    found["k-occurrence skewness, k = 10"] = float(hubs["k_skewness"])
    found["share of anti-hubs, k = 10"] = float(hubs["antihub_occurrence"])
    (HERE / "reference.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
