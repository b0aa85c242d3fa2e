"""Pooling: from many token vectors to one, written to be read."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_pool(last_hidden_state: Tensor, attention_mask: Tensor) -> Tensor:
    """Average the real tokens; padding is left out.

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
    """Take the vector of the first token (``[CLS]`` in BERT's family), shape (n_texts, dim)."""
    return last_hidden_state[:, 0]


def last_pool(last_hidden_state: Tensor, attention_mask: Tensor) -> Tensor:
    """Take the vector of the last real token, shape (n_texts, dim).

    In a decoder, only the last token has read the whole text.
    """
    last = attention_mask.sum(dim=1).sub(1).clamp(min=0)
    return last_hidden_state[torch.arange(len(last)), last]


def spatial_mean(activations: Tensor) -> Tensor:
    """Average a layer's activations over all positions, to one vector per item.

    Parameters
    ----------
    activations : Tensor, shape (n, channels, height, width), (n, positions, channels) or (n, channels)
        From a convolution, from a transformer, or one vector per item already.

    Returns
    -------
    Tensor, shape (n, channels)
    """
    if activations.ndim == 4:
        return activations.mean(dim=(2, 3))
    return activations.mean(dim=1) if activations.ndim == 3 else activations.flatten(1).clone()


def l2_normalize(vectors: Tensor) -> Tensor:
    """Scale each row to length 1, so that a dot product of two rows is their cosine."""
    return torch.nn.functional.normalize(vectors, dim=-1)
