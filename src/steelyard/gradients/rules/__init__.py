"""Rule: how one kind of layer hands over its per-sample gradients; one file is one rule.

A rule replaces a module's forward while a step is open. It computes the same numbers through an autograd Function that
returns the gradient of the input, records the factors of the weight gradient, and forms no weight gradient. Full
backward hooks are not used: they wrap every input and output, and cost time.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from torch import Tensor, nn

from steelyard.errors import UsageError
from steelyard.gradients.gradient import Gradient, Layer
from steelyard.gradients.packing import Packing, lean


class Seat:
    """What a rule knows while it runs: its module's parameters, the open step, and where gradients are put."""

    def __init__(self, watch: Watch, name: str) -> None:
        self._watch, self.name = watch, name

    @property
    def n(self) -> int:
        return self._watch.step_now.n

    @property
    def rows(self) -> int:
        """Rows of the batch that belong to one sample."""
        return self._watch.step_now.rows

    @property
    def anchor(self) -> Tensor:
        """Return a tensor that requires a gradient, so that a frozen layer's Function is part of the graph."""
        return self._watch.anchor

    def name_of(self, parameter: Any) -> str:
        """Return a parameter's qualified name, or '' when its gradient is not read."""
        return self._watch.names.get(parameter, "")

    def layer_of(self, parameter: str) -> Layer:
        return self._watch.layer_of[parameter]

    def take(self, gradient: Gradient) -> None:
        self._watch.step_now.take(gradient)

    def shared(self, x: Tensor) -> bool:
        """Say whether all samples share x: a leading axis of 1, or one row seen many times.

        A head that has joined the rows of a sample has one row a sample. Raises UsageError U172 when the leading axis
        is neither 1, nor the samples, nor their rows.
        """
        if self._one_for_all(x):
            return True
        if len(x) not in (self.n, self.n * self.rows):
            raise UsageError("U172", layer=self.name, found=tuple(x.shape), n=self.n, rows=self.rows)
        return len(x) > 1 and x.stride(0) == 0

    def packing(self, x: Tensor) -> Packing | None:
        """Return which rows of x (n * rows, t, d) a scoring pass must compute; None: all."""
        return self._watch.step_now.packing_of(x)

    def packed(self, packing: Packing | None, x: Tensor, g: Tensor) -> tuple[Packing | None, Tensor, Tensor]:
        """Return (packing, x, g) of the rows that have a gradient, where that makes a scoring pass cheaper.

        x: packed already when there is a packing; g never is.
        """
        if packing:
            g = packing.pack(g)
        if self._watch.step_now.forms or len(x) < len(g):
            return packing, x, g
        return lean(packing, x, g, self.n)

    def by_sample(self, x: Tensor) -> Tensor:
        """Return (n, t, d) from (n * rows, ..., d); (1, t, d) from what all samples share."""
        if self._one_for_all(x):
            return x.reshape(1, -1, x.shape[-1]).repeat(1, self.rows, 1)
        return x.reshape(self.n, -1, x.shape[-1])

    def _one_for_all(self, x: Tensor) -> bool:
        """Say whether the leading axis of 1 is shared: by samples, or by the rows of a single one (positions)."""
        return len(x) == 1 < self.n * self.rows and (self.n > 1 or x.dim() > 2)


class Watch(Protocol):
    """What a seat needs of the watched model."""

    @property
    def step_now(self) -> Any: ...

    anchor: Tensor
    names: dict[nn.Parameter, str]
    layer_of: dict[str, Layer]


class Rule:
    """Contract of a rule."""

    #: The kind that ``watch(..., layers=...)`` chooses by.
    kind = "other"
    #: The rule reads a module that has layers inside: these get no rule of their own.
    whole = False
    #: The rule is needed even where the module has no trainable parameter of its own.
    hollow = False

    def covers(self, module: nn.Module) -> bool:
        """Say whether the rule is right for this very module."""
        raise NotImplementedError

    def parameters(self, module: nn.Module) -> list[nn.Parameter]:
        """Return the parameters that the rule reads."""
        return list(module.parameters(recurse=False))

    def layers(self, name: str, module: nn.Module, names: Mapping[Any, str]) -> list[Layer]:
        """Return the layers; ``names`` holds the qualified names of the parameters that are read, and no others."""
        own = tuple(names[p] for p in module.parameters(recurse=False) if p in names)
        return [Layer(name, own)]

    def forward(self, module: Any, seat: Seat, *args: Any, **kwargs: Any) -> Any:
        """Do what the module's forward does, and record."""
        raise NotImplementedError

    def replaced(self, module: Any) -> Sequence[tuple[nn.Module, str, Callable[..., Any]]]:
        """Return what runs differently while a step is open: (module, attribute, (seat, *args) -> result)."""
        return ((module, "forward", lambda seat, *args, **kwargs: self.forward(module, seat, *args, **kwargs)),)


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return one object of every rule in this folder; a file there is all that a new rule needs."""
    found: list[Rule] = []
    for entry in sorted(files(__name__).iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".py") and not entry.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{entry.name[:-3]}")
            classes = (c for c in vars(module).values() if isinstance(c, type) and c.__module__ == module.__name__)
            found += [c() for c in classes if issubclass(c, Rule)]
    return tuple(found)
