"""Build networks with Torch Hub, which runs the ``hubconf.py`` of a repository.

Unlike everything else in the catalogue this runs code from a repository, so the repository and its version
are fixed here, and only models that say so use it. The weights do not come this way: they are checked by
their sha256 before they are read.
"""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import torch
from torch import nn

from embedlab import settings
from embedlab.errors import EmbedlabError, require

REPOSITORY = "pytorch/vision:v0.20.1"
SOURCE = "github"
RESNET50_FILE = "resnet50-0676ba61.pth"


def load_network(name: str) -> nn.Module:
    """Build an untrained network of ``pytorch/vision``.

    Parameters
    ----------
    name : str
        An entry point of its ``hubconf.py``, such as ``"resnet50"``.

    Raises
    ------
    MissingExtra
        If torchvision is not installed.
    EmbedlabError
        If the repository can neither be reached nor is in the cache of Torch Hub.
    """
    if SOURCE == "github":
        require("torchvision", "torchhub")
        _refuse_when_offline()
    try:
        built: nn.Module = torch.hub.load(  # type: ignore[no-untyped-call]
            REPOSITORY,
            name,
            source=SOURCE,
            trust_repo=True,
            skip_validation=True,
            verbose=False,
            weights=None,
        )
    except (URLError, OSError) as error:
        raise EmbedlabError(
            f"Torch Hub could not download {REPOSITORY} ({error}). Connect once, after which it is cached on "
            "this machine, or use the same network from another source: image/resnet50."
        ) from error
    return built


def _refuse_when_offline() -> None:
    owner, _, version = REPOSITORY.partition(":")
    cached = Path(torch.hub.get_dir()) / f"{owner.replace('/', '_')}_{version}"
    if settings.offline() and not cached.is_dir():
        raise EmbedlabError(
            f"Torch Hub has no copy of {REPOSITORY} on this machine, and EMBEDLAB_OFFLINE is set. Unset it "
            "once, or use the same network from another source: image/resnet50."
        )
