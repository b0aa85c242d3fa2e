"""Look inside a network while it runs: the output of any layer, and the input of the last one.

An embedding is what a network computes just before its last layer. :func:`penultimate` finds that layer and
reads its input; :class:`capture` reads the output of any layer, by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from embedlab.errors import EmbedlabError


class NoSuchLayer(EmbedlabError, LookupError):
    """The network has no layer of this name, no layer that predicts, or the layer did not run."""


def no_such_layer(model: str, layer: str, layers: Iterable[str]) -> NoSuchLayer:
    """Make the error for a layer that a model does not have, with the layers that it has."""
    return NoSuchLayer(f"{model} has no layer {layer!r}. Choose from: {', '.join(layers)}.", model=model)


class capture(Mapping[str, Tensor]):
    """Read the output of layers while a network runs.

    >>> with capture(network, ["layer1", "avgpool"]) as seen:
    ...     network(pixels)
    >>> seen["avgpool"].shape

    Parameters
    ----------
    module : torch.nn.Module
    names : str or iterable of str
        As in ``module.named_modules()``.
    reduce : callable, optional
        Applied to each output, Tensor → Tensor; by default a copy of all of it, because the next layer may
        work in place (``ReLU(inplace=True)``) and change it.

    Notes
    -----
    A mapping from name to tensor, also after the ``with`` block. If a layer runs several times in one pass,
    its last output is kept; if a layer returns several things, the first tensor.

    Raises
    ------
    NoSuchLayer
        For an unknown name (with the nearest ones), and on reading a layer that has not run.
    """

    def __init__(
        self, module: nn.Module, names: str | Iterable[str], reduce: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        self.names = (names,) if isinstance(names, str) else tuple(names)
        self._layers = {name: _layer(module, name) for name in self.names}
        self._reduce = reduce or torch.clone
        self._outputs: dict[str, Tensor] = {}
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> capture:
        for name, layer in self._layers.items():
            self._hooks.append(layer.register_forward_hook(self._recorder(name)))
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def _recorder(self, name: str) -> Callable[..., None]:
        def record(layer: nn.Module, inputs: object, output: object) -> None:
            self._outputs[name] = self._reduce(first_tensor(output, name))

        return record

    def __getitem__(self, name: str) -> Tensor:
        if name in self._outputs:
            return self._outputs[name]
        if name in self._layers:
            raise NoSuchLayer(f"Layer {name!r} has not run: call the network inside the with block.")
        raise NoSuchLayer(f"Layer {name!r} was not captured; these were: {', '.join(self.names)}.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)


class Penultimate:
    """A classifier without its last layer: called like the classifier, it returns that layer's input.

    Attributes
    ----------
    module : torch.nn.Module
        The classifier, unchanged.
    name : str
        Name of its last layer.
    dim : int
        Width of that layer's input.
    scores : Tensor or None
        What the classifier predicted in the last call, shape (n, n_classes).

    Notes
    -----
    The last layer is the last ``nn.Linear`` to run whose output has the shape of the prediction. Only a run
    shows which one that is, because a class may name its parts in any order. Until the first call, the name
    is a guess: the last Linear in ``named_modules()``.
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
        self._confirmed = False

    @property
    def dim(self) -> int:
        """Width of the last layer's input."""
        return self._linears[self.name].in_features

    def __call__(self, *inputs: Any, **named: Any) -> Tensor:
        """Run the classifier on its own arguments; return the last layer's input, shape (n, dim).

        Raises
        ------
        NoSuchLayer
            When no ``nn.Linear`` makes the prediction.
        """
        watched = [self.name] if self._confirmed else list(self._linears)
        ran: dict[str, tuple[Tensor, torch.Size]] = {}

        def watch(name: str) -> Callable[..., None]:
            def record(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
                ran.pop(name, None)  # the order is that of each layer's last run
                ran[name] = (arguments[0], output.shape)

            return record

        hooks = [self._linears[name].register_forward_hook(watch(name)) for name in watched]
        try:
            self.scores = _prediction(self.module(*inputs, **named), self.module)
        finally:
            for hook in hooks:
                hook.remove()
        if not self._confirmed:
            self._confirm(ran)
        return ran[self.name][0]

    def _confirm(self, ran: dict[str, tuple[Tensor, torch.Size]]) -> None:
        assert self.scores is not None
        candidates = [name for name, (_, shape) in ran.items() if shape == self.scores.shape]
        if self.scores.ndim != 2 or not candidates:
            raise NoSuchLayer(
                f"No nn.Linear of {type(self.module).__name__} makes its output, of shape "
                f"{tuple(self.scores.shape)}: it does not end in a classifier. Name the layer to read "
                "instead: capture(module, name)."
            )
        self.name, self._confirmed = candidates[-1], True

    def __repr__(self) -> str:
        return f"penultimate({type(self.module).__name__}): {self.dim} numbers, flowing into {self.name!r}"


def penultimate(module: nn.Module) -> Penultimate:
    """Remove the last layer of a classifier: the result is a function that returns that layer's input.

    >>> embed = penultimate(resnet)
    >>> embed(pixels).shape          # the classifier itself is untouched
    torch.Size([8, 2048])

    Parameters
    ----------
    module : torch.nn.Module
        A classifier: its last ``nn.Linear`` makes what it returns (or the ``logits`` in that). It runs in the
        mode it is in: call ``module.eval()`` first, and wrap calls in ``torch.inference_mode()``.

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
    """Collect the output of layers over several batches.

    Returns
    -------
    dict of str to Tensor
        Layer → shape (n, …), each batch's output after ``reduce``.
    """
    parts: dict[str, list[Tensor]] = {name: [] for name in names}
    with capture(module, names, reduce) as outputs:
        for batch in batches:
            module(batch)
            for name in names:
                parts[name].append(outputs[name])
    return {name: torch.cat(part) for name, part in parts.items()}


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Run a module in evaluation mode without gradients; afterwards restore the mode of every part."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for part in training:
            part.training = True


def first_tensor(output: object, name: str = "output") -> Tensor:
    """Return the tensor in a layer's output: the output itself, or the first in a tuple, list or dict."""
    if isinstance(output, Tensor):
        return output
    parts = output.values() if isinstance(output, Mapping) else output
    if isinstance(parts, Iterable):
        for part in parts:
            if isinstance(part, Tensor):
                return part
    raise NoSuchLayer(
        f"Layer {name!r} returns a {type(output).__name__} without a tensor. Name another layer."
    )


def _prediction(output: Any, module: nn.Module) -> Tensor:
    """Return the scores in a classifier's output; in transformers they are ``logits``."""
    logits = getattr(output, "logits", None)
    if isinstance(logits, Tensor):
        return logits
    if hasattr(output, "last_hidden_state"):
        raise NoSuchLayer(
            f"{type(module).__name__} returns hidden states and no prediction: the embedding is in its "
            "output. Use its classifier (…ForImageClassification), or name a layer: capture(module, name)."
        )
    return first_tensor(output, type(module).__name__)


def _layer(module: nn.Module, name: str) -> nn.Module:
    layers: dict[str, nn.Module] = dict(module.named_modules())
    if name in layers:
        return layers[name]
    near = difflib.get_close_matches(name, layers, n=3, cutoff=0.4) or list(layers)[-3:]
    raise NoSuchLayer(
        f"{type(module).__name__} has no layer {name!r}. The nearest names are {', '.join(map(repr, near))}."
    )
