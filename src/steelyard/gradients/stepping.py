"""Secant: how much one step of the optimiser would lower each sample's loss, by taking the step and looking.

    s_i = l_i(theta) - l_i(theta + delta),   delta = the optimiser's own step on a reference batch

For a short step it is the Adam-aware alignment <g_i, -delta>; for a long one it is the reducible loss of RHO-LOSS
(Mindermann et al. 2022, arXiv 2206.07137). It needs no rule and no hook and fits any model: one more forward pass.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def secant(
    model: nn.Module,
    losses: Callable[[], Tensor],
    delta: Mapping[str, Tensor],
    before: Tensor | None = None,
) -> Tensor:
    """Return (n,), the loss now minus the loss after the step: higher = the step helps the sample.

    losses: runs the model and gives (n,) losses; it is run without dropout, since other masks would drown the
    difference. delta: the step by parameter name, see ``step_of``. before: (n,) losses at theta, when known already.
    """
    was_training = {m: m.training for m in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            base = losses().double() if before is None else before.double()
            with moved(model, delta):
                return base - losses().double()
    finally:
        for module, training in was_training.items():
            module.training = training


def step_of(model: nn.Module, optimizer: Optimizer, reference_loss: Callable[[], Tensor]) -> dict[str, Tensor]:
    """Return the step that ``optimizer`` would take on a reference loss (a scalar), by parameter name.

    Weights, gradients and the optimiser's state are afterwards what they were before.
    """
    named = dict(model.named_parameters())
    weights = {name: p.detach().clone() for name, p in named.items()}
    grads = {name: p.grad for name, p in named.items()}
    state = copy.deepcopy(optimizer.state_dict())
    for p in named.values():
        p.grad = None
    try:
        reference_loss().backward()
        optimizer.step()
        return {name: p.detach() - weights[name] for name, p in named.items() if p.grad is not None}
    finally:
        optimizer.load_state_dict(state)
        with torch.no_grad():
            for name, p in named.items():
                p.copy_(weights[name])
                p.grad = grads[name]


@contextmanager
def moved(model: nn.Module, delta: Mapping[str, Tensor]) -> Iterator[None]:
    """Put the weights at theta + delta inside the block, and back bit for bit after it."""
    named = dict(model.named_parameters())
    kept = {name: named[name].detach().clone() for name in delta}
    try:
        with torch.no_grad():
            for name, step in delta.items():
                named[name].add_(step)
        yield
    finally:
        with torch.no_grad():
            for name, value in kept.items():
                named[name].copy_(value)
