"""Direction: what per-sample gradients are compared with, dense, of low rank, or as a sketch.

An inner product with a dense direction costs one more product of the size of the weight gradient (1.32 of a step); with
a direction of rank 16, or through sketches, one or two per cent. Optimiser-aware means P_t V: the preconditioner is put
on the direction, <g_i, P_t V>, never on the samples' gradients, so that it costs nothing per sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from steelyard.errors import UsageError
from steelyard.gradients.sketching import Sketching

if TYPE_CHECKING:
    from steelyard.gradients.projected import Projected

#: Numbers, at most, of the matrices of one shape that are factorised together.
TOGETHER = 2**23
#: A parameter's direction: the tensor itself, or its factors (U, R) with V = U R^T.
Part: TypeAlias = "Tensor | tuple[Tensor, Tensor]"


@dataclass(frozen=True)
class Direction:
    """One vector over all parameters, by qualified name; what it lacks counts as zero.

    parts: (*shape) tensors or factors. length: |V| of the dense direction it was made from.
    """

    parts: Mapping[str, Part]
    length: float = field(default=float("nan"))
    _factors: dict[Any, tuple[Tensor, Tensor, Tensor | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, parts: Mapping[str, Tensor]) -> Direction:
        """Return the dense direction with these tensors."""
        squares = [p.double().square().sum() for p in parts.values()]
        return cls(dict(parts), float(sum(squares[1:], squares[0])) ** 0.5 if squares else 0.0)

    @classmethod
    def of_grads(cls, model: nn.Module) -> Direction:
        """Return the direction of the gradients that ``model`` holds now, such as those of a reference batch."""
        named = model.named_parameters()
        return cls.of({name: p.grad.detach().clone() for name, p in named if p.grad is not None})

    def preconditioned(self, model: nn.Module, optimizer: Optimizer) -> Direction:
        """Return P_t V for Adam or AdamW: every coordinate over sqrt(v) + eps, times the group's share of the rate.

        Raises UsageError U173 when the optimiser holds no second moment for a parameter of the direction.
        """
        scales = _preconditioner(model, optimizer, self.parts)
        return Direction.of({name: self.dense(name) * scales[name] for name in self.parts})

    def low_rank(self, rank: int = 16, seed: int = 0) -> Direction:
        """Return the direction with every matrix larger than its factors replaced by its best ``rank`` factors."""
        parts: dict[str, Part] = {}
        alike: dict[tuple[Any, ...], list[str]] = {}
        for name in self.parts:
            value = self.dense(name)
            if value.dim() == 2 and rank * sum(value.shape) < value.numel():
                alike.setdefault((value.shape, value.dtype, value.device), []).append(name)
            parts[name] = value
        for (shape, *_), names in alike.items():
            few = max(1, TOGETHER // shape.numel())
            for start in range(0, len(names), few):
                some = names[start : start + few]
                left, right = _factors(torch.stack([parts[name] for name in some]), rank, seed)
                parts |= {name: (left[i], right[i]) for i, name in enumerate(some)}
        return replace(self, parts=parts)

    def sketched(self, watched: Any, k: int | Sketching = 16) -> Projected:
        """Return the direction as a k x k sketch of each layer of ``watched`` (``watch``): products are then unbiased.

        ``step.dot`` takes it in the place of a Direction.
        """
        from steelyard.gradients.gradient import sketched
        from steelyard.gradients.projected import Projected

        def part(name: str) -> Tensor:
            return self.dense(name) if name in self.parts else torch.zeros_like(watched.parameters[name])

        sketching = k if isinstance(k, Sketching) else Sketching(k)
        own = {layer.name: {name: part(name).detach()[None] for name in layer.parameters} for layer in watched.layers}
        return Projected(sketching, {la.name: sketched(la, own[la.name], sketching)[0] for la in watched.layers})

    def dense(self, name: str) -> Tensor:
        part = self.parts[name]
        return part if isinstance(part, Tensor) else part[0] @ part[1].T

    def factors(
        self, weight: str, bias: str | None, transposed: bool, like: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return (o, r), (r, i) and None: factors of a weight of low rank; with a bias one more of r, and (r,).

        sum (G left) * (A right^T + one) is then the product with weight and bias at once, from one reading of G.
        """
        key = (weight, bias, like.dtype)
        if key not in self._factors:
            u, r = self.parts[weight]
            left, into = (r, u) if transposed else (u, r)
            right, one = into.T, None
            if bias is not None:
                left = torch.cat([left, self.dense(bias).to(left.dtype)[:, None]], 1)
                right = torch.cat([right, right.new_zeros(1, len(into))])
                one = torch.zeros(len(right), dtype=like.dtype, device=like.device)
                one[-1] = 1
            self._factors[key] = (left.to(like.dtype), right.to(like.dtype), one)
        return self._factors[key]

    def tensors(self) -> dict[str, Tensor]:
        """Return what ``of_tensors`` makes the same direction of, bit for bit: no factor is drawn anew."""
        out = {"length": torch.tensor(self.length, dtype=torch.float64)}
        for name, part in self.parts.items():
            if isinstance(part, Tensor):
                out[f"whole.{name}"] = part
            else:
                out[f"left.{name}"], out[f"right.{name}"] = part
        return out

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor]) -> Direction:
        """Return the direction that ``tensors`` told of."""
        parts: dict[str, Part] = {}
        for key, value in tensors.items():
            side, _, name = key.partition(".")
            if side == "whole":
                parts[name] = value
            elif side == "left":
                parts[name] = (value, tensors[f"right.{name}"])
        return cls(parts, float(tensors["length"]))


def _factors(values: Tensor, rank: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return (b, o, rank) and (b, i, rank), whose products are the best of that rank, nearly, of values (b, o, i).

    Randomised range finder with two power iterations (Halko et al. 2011, algorithm 4.4), with its own seed. Matrices of
    one shape go together, and become orthonormal by their Gram matrices: on QR a GPU works long, one matrix at a time.
    """
    start = torch.randn(values.shape[2], rank + 4, generator=torch.Generator().manual_seed(seed))
    whole = values.float()
    basis = _orthonormal(whole @ start.to(values.device))
    for _ in range(2):
        basis = _orthonormal(whole @ _orthonormal(whole.mT @ basis))
    seen = whole.mT @ basis
    wide = seen.double()
    best = torch.linalg.eigh(wide.mT @ wide).eigenvectors[:, :, -rank:].float()
    return (basis @ best).to(values.dtype), (seen @ best).to(values.dtype)


def _orthonormal(columns: Tensor) -> Tensor:
    """Return a basis of what the columns (b, d, r) span, (b, d, r); zeros where they span less."""
    wide = columns.double()
    size, vectors = torch.linalg.eigh(wide.mT @ wide)
    inside = size > 1e-12 * size[:, -1:]
    scale = torch.where(inside, size, 1.0).rsqrt() * inside
    return (wide @ (vectors * scale.unsqueeze(1))).to(columns.dtype)


def _preconditioner(model: nn.Module, optimizer: Optimizer, wanted: Mapping[str, Part]) -> dict[str, Tensor]:
    named = {p: name for name, p in model.named_parameters()}
    top = max(float(group["lr"]) for group in optimizer.param_groups) or 1.0
    found = {}
    for group in optimizer.param_groups:
        for p in group["params"]:
            state = optimizer.state.get(p, {})
            if named.get(p) not in wanted or "exp_avg_sq" not in state:
                continue
            second = state["max_exp_avg_sq"] if group.get("amsgrad") else state["exp_avg_sq"]
            correction = 1 - group["betas"][1] ** torch.as_tensor(state["step"]).double()  # fused Adam counts on a GPU
            share = float(group["lr"]) / top
            found[named[p]] = share / ((second / correction).sqrt() + group["eps"])
    missing = [name for name in wanted if name not in found]
    if missing:
        raise UsageError("U173", optimizer=type(optimizer).__name__, count=len(missing), first=missing[0])
    return found
