"""Weighing inside the step: raw weights made safe. Part of every method, as much as its formula.

warm-up uniform -> moving average a row -> scale -> raw -> clip to LOW..HIGH -> mean 1 -> effective sample size >=
LEAST n; frozen for the last steps. Ratios act; a scale common to all rows would only change the step size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.values.arrays import AnyArray, Floats, Ints
from steelyard.values.weights import effective_sample_size

LOW, HIGH, LEAST = 0.05, 3.0, 0.6
STEP = ("loss", "margin", "confidence", "right", "el2n", "norm", "dot", "dot_adam")
EMA = 0.9


@dataclass(frozen=True)
class Stages:
    """Shares of a training: uniform until ``warm``, weights of a row frozen from ``frozen`` on."""

    warm: float = 0.1
    frozen: float = 0.85


@dataclass(frozen=True)
class Prior:
    """What was known of n rows before training; the ledger's ``aum`` begins with it.

    margin: (n,) above 0 where the label is taken to be right, in any unit; NaN where nothing was known. visits: how
    many visits of the network's own it counts for.
    """

    margin: Floats
    visits: float

    def joined(self, aum: Floats, visits: Floats) -> Floats:
        """Return (n,) the mean of the network's margins over its (n,) visits and of the prior, on the network's scale.

        Two models' margins have two units: the prior is stretched until the median size of both is the same over the
        rows that both know. Rows that one of them does not know have the other's.
        """
        both = np.isfinite(aum) & np.isfinite(self.margin)
        ours, theirs = (float(np.median(np.abs(m[both]))) if both.any() else 0.0 for m in (aum, self.margin))
        prior = self.margin * (ours / theirs if ours > 0 and theirs > 0 else 1.0)
        mean = (self.visits * prior + visits * aum) / (self.visits + visits)
        return np.where(both, mean, np.where(np.isfinite(aum), aum, prior))


class Weighing:
    """Gives alpha at each step. alpha: an Alpha part. shuffled: the same weights on the wrong rows of each batch.

    fixed: (n,) weights decided before training, mean 1; they replace the alpha. prior: what an alpha that reads the
    ledger's ``aum`` knows of the rows before their first visit. stages: warm-up and freezing; with a prior there is
    nothing to wait for, so that no warm-up is the default.
    """

    def __init__(
        self, n: int, alpha: Any, *, fixed: Floats | None = None, shuffled: bool = False, seed: int = 0,
        stages: Stages | None = None, prior: Prior | None = None,
    ) -> None:  # fmt: skip
        self.alpha, self.fixed, self.shuffled, self.seed = alpha, fixed, shuffled, seed
        self.prior = prior if fixed is None and "aum" in alpha.needs else None
        self.stages = stages or (Stages() if self.prior is None else Stages(warm=0.0))
        own = [] if fixed is not None else [name for name in alpha.needs if name in STEP]
        self.mean = {name: np.zeros(n) for name in own}
        self.decay = np.zeros(n)
        self.last = np.ones(n)
        self.ledger: dict[str, AnyArray] = {} if self.prior is None else {"aum": self.prior.margin}

    def needs(self, progress: float) -> tuple[str, ...]:
        """Return the signals of the step that are looked at; none while the weights are fixed or frozen."""
        return tuple(self.mean) if progress < self.stages.frozen or self.alpha.unbiased else ()

    @property
    def untouched(self) -> bool:
        return self.fixed is None and not self.alpha.needs

    def weigh(self, rows: Ints, seen: Mapping[str, AnyArray], progress: float) -> Floats | None:
        """Return (k,) weights of rows, or None: the step stays untouched.

        seen: the signals of ``needs``, (k,) each. progress: 0..1 of the training's steps.
        """
        if self.untouched:
            return None
        if self.fixed is not None:
            weight = self.fixed[rows]
        elif self.alpha.unbiased:
            weight = np.asarray(self.alpha.raw(seen, progress), np.float64)
        else:
            smooth = self._smoothed(rows, seen) if seen else {}
            if progress < self.stages.warm:
                return None
            if progress >= self.stages.frozen:
                weight = tame(self.last[rows])
            else:
                weight = tame(np.asarray(self.alpha.raw(self._scaled(rows, smooth), progress), np.float64))
                self.last[rows] = weight
        if self.shuffled:
            weight = np.random.default_rng([self.seed, round(progress * 1e9)]).permutation(weight)
        return weight

    def epoch(self, ledger: Mapping[str, AnyArray]) -> None:
        """Take the ledger's columns at the end of an epoch: what alphas that look back read until the next end."""
        self.ledger = {name: np.asarray(ledger[name], float) for name in self.alpha.needs if name not in STEP}
        if self.prior is not None:
            self.ledger["aum"] = self.prior.joined(self.ledger["aum"], np.asarray(ledger["visits"], float))

    def state(self) -> dict[str, AnyArray]:
        """Return what a resumed training needs."""
        own = {f"mean_{k}": v for k, v in self.mean.items()} | {f"ledger_{k}": v for k, v in self.ledger.items()}
        return {**own, "decay": self.decay, "last": self.last}

    def resume(self, state: Mapping[str, AnyArray]) -> None:
        """Go on from ``state``."""
        self.mean = {name: state[f"mean_{name}"].copy() for name in self.mean}
        self.ledger = {k[7:]: v.copy() for k, v in state.items() if k.startswith("ledger_")}
        self.decay, self.last = state["decay"].copy(), state["last"].copy()

    def _smoothed(self, rows: Ints, seen: Mapping[str, AnyArray]) -> dict[str, Floats]:
        """Return the rows' moving averages with the new value in them, corrected for their start as Adam's are."""
        self.decay[rows] = EMA * self.decay[rows] + (1 - EMA)
        for name, values in seen.items():
            self.mean[name][rows] = EMA * self.mean[name][rows] + (1 - EMA) * values
        return {name: self.mean[name][rows] / self.decay[rows] for name in seen}

    def _scaled(self, rows: Ints, smooth: Mapping[str, Floats]) -> dict[str, Floats]:
        scale = {"rank": ranks, "spread": over_spread}.get(self.alpha.scale, np.asarray)
        out = {name: scale(values) for name, values in smooth.items()}
        for name, values in self.ledger.items():
            out |= {name: values[rows], f"{name}_all": values}
        for name in self.alpha.needs:
            if name not in out:  # no epoch has ended yet
                out |= {name: np.full(len(rows), np.nan), f"{name}_all": np.zeros(0)}
        return out


def ranks(values: Floats) -> Floats:
    """Return (n,) places -1..1 within the batch; equal values share their mean place."""
    n = len(values)
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count + 1) / 2
    return 2 * middle[place] / max(n - 1, 1) - 1 if n > 1 else np.zeros(n)


def over_spread(values: Floats) -> Floats:
    """Return (n,) values over their median absolute size, which one wild value does not move; signs stay."""
    spread = float(np.median(np.abs(values)))
    if spread <= 0:
        spread = float(np.mean(np.abs(values)))
    return values / spread if spread > 0 else np.zeros(len(values))


def tame(raw: Floats) -> Floats:
    """Return (n,) weights of mean 1 within LOW..HIGH (before the last division) and an effective size of LEAST n.

    raw: (n,) >= 0; values that are no number count as 1. All 0: all 1.
    """
    raw = np.where(np.isfinite(raw), np.maximum(raw, 0.0), 1.0)
    if not len(raw) or raw.mean() <= 0:
        return np.ones(len(raw))
    weight = np.clip(raw / raw.mean(), LOW, HIGH)
    weight = weight / weight.mean()
    size = effective_sample_size(weight) / len(weight)
    if size < LEAST:  # the variance of 1 + t (w - 1) is t^2 var w, and the size is 1 / (1 + variance)
        weight = 1 + np.sqrt((1 / LEAST - 1) / (1 / size - 1)) * (weight - 1)
    return weight
