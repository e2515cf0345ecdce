"""Alpha: decides alpha_i of theta <- theta - rate * mean(alpha_i g_i), from what this very step shows; NumPy only.

A policy weighs a finished table of readings before training; an alpha is asked at every step, for the batch at hand.
Smoothing, scaling, clipping, mean 1, warm-up and the effective sample size are the same for all and stand in
``acts.weighing``; an alpha says only how a signal becomes a raw weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from steelyard.errors import UsageError
from steelyard.values.arrays import Floats


@dataclass(frozen=True)
class Alpha:
    """Contract of an alpha.

    needs: signals of the step: loss, margin, confidence, right, el2n (forward pass); norm, dot, dot_adam (gradients);
        and of the ledger, as it stood when the epoch began: aum, forgetting, variability, loss_ema ...
    scale: how a signal is made comparable: ``rank`` (-1..1 within the batch), ``spread`` (over its median absolute
        value; the sign stays) or ``none``.
    reference: True when dot or dot_adam need rows to align with, which training must not see: an ``Aligning``.
    drawn: True when items that a recommender draws against a row are weighed by their own losses too.
    unbiased: True when the weights are an exact correction that no clip may touch.

    Two fields have a meaning of their own where quick models that never saw the rows have spoken first, in a
    comparison (``acts.proxying``): ``prior``, of alphas that read ``aum``, and ``trusted``, of those with a reference.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    scale: ClassVar[Literal["rank", "spread", "none"]] = "none"
    reference: ClassVar[bool] = False
    drawn: ClassVar[bool] = False
    unbiased: ClassVar[bool] = False

    def raw(self, seen: Mapping[str, Floats], progress: float) -> Floats:
        """Return (n,) raw weights >= 0 of a batch; seen: scaled signals, (n,) each; progress: 0..1 of the training."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Aligning(Alpha):
    """Contract of an alpha that aligns with reference rows.

    look: reference rows that are looked at, every so many steps; each look counts for three tenths of their mean
    gradient, older ones for the rest. trusted: where a proxy that never saw the reference rows has spoken, only rows
    are aligned with whose label it is sure of, and that label is theirs (we add it); False: all of them, as labelled.
    Raises UsageError U150 when look or every is below 1.
    """

    reference: ClassVar[bool] = True

    trusted: bool = True
    look: int = 32
    every: int = 16

    def __post_init__(self) -> None:
        for option in ("look", "every"):
            if getattr(self, option) < 1:
                raise UsageError("U150", option=option, value=str(getattr(self, option)), known="1, 2, 3 ...")
