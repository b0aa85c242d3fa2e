"""From many token vectors to one: the pooling recipes, written to be read."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_pool(last_hidden_state: Tensor, attention_mask: Tensor) -> Tensor:
    """Mean over the real tokens; padding is left out.

    Parameters
    ----------
    last_hidden_state : Tensor, shape (n_texts, n_tokens, dim)
    attention_mask : Tensor, shape (n_texts, n_tokens)
        1 for a real token, 0 for padding.

    Returns
    -------
    Tensor, shape (n_texts, dim)

    Notes
    -----
    The recipe of Sentence-BERT (Reimers & Gurevych 2019).
    """
    mask = attention_mask.unsqueeze(-1).to(last_hidden_state.dtype)
    return (last_hidden_state * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)


def cls_pool(last_hidden_state: Tensor, attention_mask: Tensor) -> Tensor:
    """The vector of the first token (``[CLS]`` in BERT's family), shape (n_texts, dim)."""
    return last_hidden_state[:, 0]


def last_pool(last_hidden_state: Tensor, attention_mask: Tensor) -> Tensor:
    """The vector of the last real token, shape (n_texts, dim): in a decoder, only it has read all."""
    last = attention_mask.sum(dim=1).sub(1).clamp(min=0)
    return last_hidden_state[torch.arange(len(last)), last]


def spatial_mean(activations: Tensor) -> Tensor:
    """One vector per item from a layer's activations, whatever their shape: the mean over all places.

    Parameters
    ----------
    activations : Tensor, shape (n, channels, height, width), (n, places, channels) or (n, channels)
        Of a convolution, of a transformer, or a vector already.

    Returns
    -------
    Tensor, shape (n, channels)
    """
    if activations.ndim == 4:
        return activations.mean(dim=(2, 3))
    return activations.mean(dim=1) if activations.ndim == 3 else activations.flatten(1).clone()


def l2_normalize(vectors: Tensor) -> Tensor:
    """Each row at length 1, shape unchanged: a dot product of two rows is then their cosine."""
    return torch.nn.functional.normalize(vectors, dim=-1)
