"""Networks as Torch Hub builds them: ``torch.hub.load`` runs the ``hubconf.py`` of a repository.

Unlike everything else in the catalogue this runs code from a repository, so the repository and its version
are fixed here, and it is only ever called for the models that say so. The weights do not come this way: they
are checked by their sha256 before they are read.
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


def network(name: str) -> nn.Module:
    """An untrained network of ``pytorch/vision``.

    Parameters
    ----------
    name : str
        An entry point of its ``hubconf.py``, such as ``"resnet50"``.

    Raises
    ------
    MissingExtra
        When torchvision is not installed.
    EmbedlabError
        When the repository can neither be reached nor is in Torch Hub's own cache.
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
            f"Torch Hub could not bring {REPOSITORY} ({error}). Connect once, so that it is kept on this "
            "machine, or take the other road to the same network: image/resnet50."
        ) from error
    return built


def _refuse_when_offline() -> None:
    owner, _, version = REPOSITORY.partition(":")
    kept = Path(torch.hub.get_dir()) / f"{owner.replace('/', '_')}_{version}"
    if settings.offline() and not kept.is_dir():
        raise EmbedlabError(
            f"EMBEDLAB_OFFLINE is set, and Torch Hub does not have {REPOSITORY} on this machine yet. "
            "Unset it once."
        )
