"""Looking inside a network while it runs: forward hooks, and the vector that flows into the last layer.

An embedding is what a network computes just before its last layer. :func:`penultimate` finds that layer and
reads what goes in; :class:`capture` reads what comes out of any layer, by its name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from embedlab.errors import EmbedlabError


class NoSuchLayer(EmbedlabError, LookupError):
    """The network has no layer of this name, no layer that predicts, or the layer did not run."""


class capture(Mapping[str, Tensor]):
    """Read what comes out of some layers while a network runs.

    >>> with capture(network, ["layer1", "avgpool"]) as seen:
    ...     network(pixels)
    >>> seen["avgpool"].shape

    Parameters
    ----------
    module : torch.nn.Module
    names : str or iterable of str
        As in ``module.named_modules()``.
    reduce : callable, optional
        What to keep of each output, Tensor → Tensor; by default a copy of all of it. A copy, since the next
        layer may work in place (``ReLU(inplace=True)``) and change what was read.

    Attributes
    ----------
    Behaves as a mapping from name to tensor, also after the ``with`` block. A layer that runs several times
    in one pass is there with its last output. Where a layer returns several things, the first tensor counts.

    Raises
    ------
    NoSuchLayer
        For an unknown name (with the nearest), and on reading a layer that has not run.
    """

    def __init__(
        self, module: nn.Module, names: str | Iterable[str], reduce: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        self.names = (names,) if isinstance(names, str) else tuple(names)
        self._layers = {name: _layer(module, name) for name in self.names}
        self._reduce = reduce or torch.clone
        self._seen: dict[str, Tensor] = {}
        self._hooks: list[Any] = []

    def __enter__(self) -> capture:
        for name, layer in self._layers.items():
            self._hooks.append(layer.register_forward_hook(self._keeper(name)))
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def _keeper(self, name: str) -> Callable[..., None]:
        def keep(layer: nn.Module, inputs: object, output: object) -> None:
            self._seen[name] = self._reduce(first_tensor(output, name))

        return keep

    def __getitem__(self, name: str) -> Tensor:
        if name in self._seen:
            return self._seen[name]
        if name in self._layers:
            raise NoSuchLayer(f"Layer {name!r} has not run: call the network inside the with block.")
        raise NoSuchLayer(f"Layer {name!r} was not asked for; these were: {', '.join(self.names)}.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)


class Penultimate:
    """A classifier without its last layer: call it like the classifier, get what flows into that layer.

    Attributes
    ----------
    module : torch.nn.Module
        The classifier, whole and unchanged.
    name : str
        Of its last layer.
    dim : int
        Width of what flows into it.
    scores : Tensor or None
        What the classifier predicted in the last call, (n, classes).

    Notes
    -----
    The last layer is the last ``nn.Linear`` that runs and whose output has the shape of the prediction.
    Only a run can tell which one that is: a class need not name its parts in the order in which they work.
    So the name is a guess (the last Linear in ``named_modules()``) until the first call has confirmed it.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._linears = {name: m for name, m in module.named_modules() if isinstance(m, nn.Linear)}
        if not self._linears:
            raise NoSuchLayer(
                f"{type(module).__name__} has no nn.Linear that could make a prediction. Name the layer to "
                "read: capture(module, name)."
            )
        self.name = list(self._linears)[-1]
        self.scores: Tensor | None = None
        self._sure = False

    @property
    def dim(self) -> int:
        """Width of what flows into the last layer."""
        return self._linears[self.name].in_features

    def __call__(self, *inputs: Any, **named: Any) -> Tensor:
        """What flows into the last layer, (n, dim); the arguments are those of the classifier.

        Raises
        ------
        NoSuchLayer
            When no ``nn.Linear`` makes the prediction.
        """
        watched = [self.name] if self._sure else list(self._linears)
        ran: dict[str, tuple[Tensor, torch.Size]] = {}

        def watch(name: str) -> Callable[..., None]:
            def keep(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
                ran.pop(name, None)  # so that the order is that of the last runs
                ran[name] = (arguments[0], output.shape)

            return keep

        hooks = [self._linears[name].register_forward_hook(watch(name)) for name in watched]
        try:
            self.scores = _prediction(self.module(*inputs, **named), self.module)
        finally:
            for hook in hooks:
                hook.remove()
        if not self._sure:
            self._confirm(ran)
        return ran[self.name][0]

    def _confirm(self, ran: dict[str, tuple[Tensor, torch.Size]]) -> None:
        assert self.scores is not None
        fitting = [name for name, (_, shape) in ran.items() if shape == self.scores.shape]
        if self.scores.ndim != 2 or not fitting:
            raise NoSuchLayer(
                f"No nn.Linear of {type(self.module).__name__} makes its output, of shape "
                f"{tuple(self.scores.shape)}: it does not end in a classifier. Name the layer to read "
                "instead, in capture(module, name)."
            )
        self.name, self._sure = fitting[-1], True

    def __repr__(self) -> str:
        return f"penultimate({type(self.module).__name__}): {self.dim} numbers, flowing into {self.name!r}"


def penultimate(module: nn.Module) -> Penultimate:
    """A classifier without its last layer, as a function.

    >>> embed = penultimate(resnet)
    >>> embed(pixels).shape          # the classifier itself is untouched
    torch.Size([8, 2048])

    Parameters
    ----------
    module : torch.nn.Module
        A classifier: what it returns (or the ``logits`` in it) is made by its last ``nn.Linear``. It runs in
        the mode it is in: call ``module.eval()`` before, and ``torch.inference_mode()`` around.

    Returns
    -------
    Penultimate

    Raises
    ------
    NoSuchLayer
        When the module has no ``nn.Linear``; at the first call, when none of them makes the prediction.
    """
    return Penultimate(module)


def read_layers(
    module: nn.Module, batches: Iterable[Tensor], names: Sequence[str], reduce: Callable[[Tensor], Tensor]
) -> dict[str, Tensor]:
    """What comes out of some layers over several batches: name → (n, …), each part through ``reduce``."""
    parts: dict[str, list[Tensor]] = {name: [] for name in names}
    with capture(module, names, reduce) as seen:
        for batch in batches:
            module(batch)
            for name in names:
                parts[name].append(seen[name])
    return {name: torch.cat(found) for name, found in parts.items()}


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every part is back in the mode it was in."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for part in training:
            part.training = True


def first_tensor(output: object, name: str = "output") -> Tensor:
    """The tensor in what a layer returned: itself, or the first in a tuple, list or dict."""
    if isinstance(output, Tensor):
        return output
    parts = output.values() if isinstance(output, Mapping) else output
    if isinstance(parts, Iterable):
        for part in parts:
            if isinstance(part, Tensor):
                return part
    raise NoSuchLayer(f"{name!r} gives a {type(output).__name__}, which holds no tensor.")


def _prediction(output: Any, module: nn.Module) -> Tensor:
    """The scores in what a classifier returned; those of Hugging Face come as ``logits``."""
    logits = getattr(output, "logits", None)
    if isinstance(logits, Tensor):
        return logits
    if hasattr(output, "last_hidden_state"):
        raise NoSuchLayer(
            f"{type(module).__name__} returns hidden states and no prediction: the embedding is in its "
            "output. Take its classifier (…ForImageClassification), or name a layer: capture(module, name)."
        )
    return first_tensor(output, type(module).__name__)


def _layer(module: nn.Module, name: str) -> nn.Module:
    layers: dict[str, nn.Module] = dict(module.named_modules())
    if name in layers:
        return layers[name]
    near = difflib.get_close_matches(name, layers, n=3, cutoff=0.4) or list(layers)[-3:]
    raise NoSuchLayer(f"{type(module).__name__} has no layer {name!r}. Near: {', '.join(map(repr, near))}.")
