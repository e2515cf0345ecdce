"""Watch a model: every trainable layer gets its rule, or the model is refused with a list of what to do.

While a step is open, a layer's forward runs through its rule; outside a step, and after ``close``, it is the model's
own. Nothing is copied and no weight changes.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from steelyard.errors import UsageError
from steelyard.gradients.blocks import last_blocks
from steelyard.gradients.coverage import Uncovered, refuse
from steelyard.gradients.direction import Direction
from steelyard.gradients.gradient import Layer
from steelyard.gradients.projected import Projected
from steelyard.gradients.rules import Rule, Seat, all_rules
from steelyard.gradients.sketching import Sketching
from steelyard.gradients.steps import Step

__all__ = ["Uncovered", "Watched", "watch"]


def watch(
    model: nn.Module,
    *,
    scoring: bool = False,
    blocks: int | None = None,
    layers: str = "all",
    rules: Sequence[Rule] = (),
) -> Watched:
    """Watch every parameter of ``model`` that requires a gradient.

    scoring: only read; ``form`` is not available, and A and G are dropped as soon as what was asked is computed.
    blocks: only the last so many transformer blocks and the head; below them the backward pass stops, and nothing is
    read or trained. layers: ``all``, or one kind of rule such as ``linear``.
    rules: rules of your own, asked before the built-in ones.
    Raises Uncovered, which lists every parameter that no rule covers and what to do about it; the first backward pass
    raises it of a parameter that is used outside its layer.
    """
    chosen = last_blocks(model, blocks) if blocks is not None else None
    known = (*rules, *all_rules())
    kinds = sorted({rule.kind for rule in known})
    if layers not in ("all", *kinds):
        raise UsageError("U170", layers=layers, known=", ".join(["all", *kinds]))
    seats: dict[str, tuple[nn.Module, Rule]] = {}
    inside: set[str] = set()
    for name, module in model.named_modules():
        if (chosen is not None and name not in chosen) or any(name.startswith(f"{taken}.") for taken in inside):
            continue
        rule = next((r for r in known if r.covers(module)), None)
        if rule is None or layers not in ("all", rule.kind):
            continue
        if rule.whole:
            inside.add(name)
        if rule.hollow or any(p.requires_grad for p in rule.parameters(module)):
            seats[name] = (module, rule)
    if layers == "all":
        refuse(model, {p for module, rule in seats.values() for p in rule.parameters(module)}, chosen)
    return Watched(model, seats, scoring, narrowed=chosen is not None or layers != "all")


class Watched:
    """A model under watch; a context manager, or call ``close``.

    layers: what is read, in the order of the model. names: qualified name of every parameter that is read.
    """

    def __init__(
        self,
        model: nn.Module,
        seats: dict[str, tuple[nn.Module, Rule]],
        scoring: bool,
        narrowed: bool,
    ) -> None:
        self.model, self.scoring = model, scoring
        self.step_open: Step | None = None
        own = {p for module, rule in seats.values() for p in rule.parameters(module) if p.requires_grad}
        qualified = {p: name for name, p in model.named_parameters()}
        self.names = {p: qualified[p] for p in own}
        self.parameters = {name: p for p, name in self.names.items()}
        self._frozen = [p for p in model.parameters() if p.requires_grad and p not in own] if narrowed else []
        device = next(iter(self.parameters.values())).device if self.parameters else None
        self.anchor = torch.zeros((), requires_grad=True, device=device)
        self.layers, self.layer_of = _layers(seats, self.names)
        self._undo: list[Callable[[], None]] = []
        self._leaks: list[str] = []
        for name, (module, rule) in seats.items():
            self._seat(name, module, rule)
        for p, name in self.names.items():
            self._undo.append(p.register_post_accumulate_grad_hook(self._leak(name)).remove)

    @property
    def step_now(self) -> Step:
        assert self.step_open is not None
        return self.step_open

    @contextmanager
    def step(
        self,
        n: int,
        *,
        rows: int = 1,
        sketch: int | Sketching | None = None,
        norm: bool = False,
        dot: Direction | Projected | None = None,
        mask: torch.Tensor | None = None,
    ) -> Iterator[Step]:
        """Open a step of n samples: one forward and one backward pass of this model belong inside.

        rows: rows of the batch that make one sample, one after the other (2 for a pair of documents).
        sketch, norm, dot: what will be asked, to be computed during the backward pass.
        mask: (n * rows, t) attention mask, 0 where a token is padding that reaches no loss; linear layers of a scoring
        pass leave it out (a GPU waits once, to count them). A step that trains computes it, to be untouched training
        bit for bit.
        Raises UsageError U187 when the mask is not one row a row of the batch.
        """
        if mask is not None and (mask.dim() != 2 or len(mask) != n * rows):
            raise UsageError("U187", found=tuple(mask.shape), n=n, rows=rows)
        sketching = Sketching(sketch) if isinstance(sketch, int) else sketch
        forms = not self.scoring
        step = Step(self.layers, self.parameters, n, rows, forms, sketching, norm, dot, mask, self._leaks)
        for p in self._frozen:
            p.requires_grad_(False)
        self.step_open = step
        self._leaks.clear()
        try:
            yield step
        finally:
            self.step_open = None
            for p in self._frozen:
                p.requires_grad_(True)

    def close(self) -> None:
        """Give the model back exactly as it was."""
        while self._undo:
            self._undo.pop()()

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _seat(self, name: str, module: nn.Module, rule: Rule) -> None:
        layers = [self.layer_of[self.names[p]] for p in rule.parameters(module) if p in self.names]
        layers = list({layer.name: layer for layer in layers}.values())
        seat = Seat(self, name)
        for owner, attribute, replacement in rule.replaced(module):
            self._swap(owner, attribute, replacement, seat, layers)

    def _swap(
        self, owner: Any, attribute: str, replacement: Callable[..., Any], seat: Seat, layers: list[Layer]
    ) -> None:
        own = vars(owner).get(attribute)
        original = getattr(owner, attribute)

        def forward(module: Any, *args: Any, **kwargs: Any) -> Any:
            step = self.step_open
            if step is None or not torch.is_grad_enabled():
                return original(*args, **kwargs)
            step.called(layers)
            return replacement(seat, *args, **kwargs)

        object.__setattr__(owner, attribute, types.MethodType(forward, owner))

        def undo() -> None:
            if own is None:
                object.__delattr__(owner, attribute)
            else:
                object.__setattr__(owner, attribute, own)

        self._undo.append(undo)

    def _leak(self, name: str) -> Callable[[torch.Tensor], None]:
        def found(parameter: torch.Tensor) -> None:
            if self.step_open is not None:
                self._leaks.append(name)
                parameter.grad = None

        return found


def _layers(
    seats: dict[str, tuple[nn.Module, Rule]], names: dict[nn.Parameter, str]
) -> tuple[list[Layer], dict[str, Layer]]:
    """Return the layers and the layer of every parameter; layers that share a weight become one."""
    found: dict[str, Layer] = {}
    holder: dict[str, str] = {}
    for name, (module, rule) in seats.items():
        for layer in rule.layers(name, module, names):
            first = found[holder[layer.weight]] if layer.weight in holder else None
            bias = layer.bias if layer.bias not in holder else None
            if first is None:
                fresh = [p for p in layer.parameters if p not in holder]
                if not fresh:
                    continue
                merged = dataclasses.replace(layer, parameters=tuple(fresh), bias=bias)
            elif bias and first.bias is None:
                merged = dataclasses.replace(first, parameters=(*first.parameters, bias), bias=bias)
            elif bias:
                merged = Layer(bias, (bias,))
            else:
                continue
            found[merged.name] = merged
            holder |= dict.fromkeys(merged.parameters, merged.name)
    return list(found.values()), {p: found[name] for p, name in holder.items()}
