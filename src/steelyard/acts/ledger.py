"""The ledger of a training: what every row showed at each visit; a few numbers a row, free with training's own pass."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from steelyard.values.arrays import AnyArray, Floats, Ints, Strings
from steelyard.values.signals import Signals

#: Signals of the ledger, with shape and meaning (n rows, e epochs).
KNOWN = {
    "visits": "(n,) times the row was seen",
    "aum": "(n,) mean over visits of the margin z_y - max z_other (Pleiss et al. 2020, eq. 1)",
    "confidence": "(n,) mean probability of the given label over visits (Swayamdipta et al. 2020, §2)",
    "variability": "(n,) its standard deviation over visits",
    "forgetting": "(n,) times the row was right at one visit and wrong at the next (Toneva et al. 2019, def. 1)",
    "never_learned": "(n,) 1 where the row was right at no visit",
    "loss_ema": "(n,) moving average of the loss, share EMA of the past, corrected for its start",
    "el2n": "(n,) mean of |p - e_y| over visits (Paul et al. 2021, eq. 2)",
    "norm": "(n,) mean gradient length over the visits at which it was asked",
    "benefit": "(n,) sum over visits of rate <g_i, P m>: first-order in-run credit on the reference loss",
    "alpha": "(n,) weight at the last visit",
}
EMA = 0.9
_SUMS = ("visits", "margin", "confidence", "confidence2", "forgetting", "right", "loss", "decay", "el2n", "norm",
         "norms", "benefit")  # fmt: skip


class Ledger:
    """Numbers of n rows over ``epochs`` passes; ``add`` after every step, ``signals`` at any time."""

    def __init__(self, n: int, epochs: int) -> None:
        self.sums = {name: np.zeros(n) for name in _SUMS}
        self.last = {"right": np.zeros(n, bool), "alpha": np.ones(n)}
        self.learned = np.zeros((n, epochs), np.int8)
        self.trajectory = np.zeros((n, epochs), np.float32)

    def add(self, rows: Ints, epoch: int, seen: Mapping[str, AnyArray], alpha: Floats | None, rate: float) -> None:
        """Note one step. rows: (k,) distinct; seen: name -> (k,) with loss, margin, confidence, right, el2n, and norm,
        dot_adam where they were asked. NaN (a row that was not looked at) notes nothing. rate: learning rate."""
        here = np.isfinite(seen["loss"])
        rows, seen = rows[here], {k: np.asarray(v)[here] for k, v in seen.items() if np.ndim(v) == 1}
        right = seen["right"] > 0.5
        sums = self.sums
        sums["forgetting"][rows] += self.last["right"][rows] & ~right
        sums["visits"][rows] += 1
        sums["loss"][rows] = EMA * sums["loss"][rows] + (1 - EMA) * seen["loss"]
        sums["decay"][rows] = EMA * sums["decay"][rows] + (1 - EMA)
        for name in ("margin", "confidence", "el2n"):
            sums[name][rows] += seen[name]
        sums["confidence2"][rows] += np.square(seen["confidence"])
        sums["right"][rows] += right
        if "norm" in seen:
            sums["norm"][rows] += seen["norm"]
            sums["norms"][rows] += 1
        if "dot_adam" in seen:
            sums["benefit"][rows] += rate * seen["dot_adam"]
        self.last["right"][rows] = right
        self.last["alpha"][rows] = 1.0 if alpha is None else np.asarray(alpha)[here]
        self.learned[rows, epoch] = right
        self.trajectory[rows, epoch] = seen["confidence"]

    def columns(self) -> dict[str, AnyArray]:
        """Return every signal of KNOWN, NaN for rows never seen, with ``learned`` and ``trajectory`` (n, e)."""
        s = self.sums
        visits = np.where(s["visits"] > 0, s["visits"], np.nan)
        confidence = s["confidence"] / visits
        norms = np.where(s["norms"] > 0, s["norms"], np.nan)
        return {
            "visits": s["visits"].copy(),
            "aum": s["margin"] / visits,
            "confidence": confidence,
            "variability": np.sqrt(np.maximum(s["confidence2"] / visits - confidence**2, 0.0)),
            "forgetting": np.where(np.isnan(visits), np.nan, s["forgetting"]),
            "never_learned": np.where(np.isnan(visits), np.nan, s["right"] == 0),
            "loss_ema": s["loss"] / np.where(s["decay"] > 0, s["decay"], np.nan),
            "el2n": s["el2n"] / visits,
            "norm": s["norm"] / norms,
            "benefit": s["benefit"].copy(),
            "alpha": self.last["alpha"].copy(),
            "learned": self.learned.copy(),
            "trajectory": self.trajectory.copy(),
        }

    def signals(self, row_key: Strings) -> Signals:
        """Return the ledger keyed by row."""
        return Signals(row_key, self.columns())

    def state(self) -> dict[str, AnyArray]:
        """Return what a resumed training needs."""
        last = {f"last_{k}": v for k, v in self.last.items()}
        return {**self.sums, **last, "learned": self.learned, "trajectory": self.trajectory}

    def resume(self, state: Mapping[str, AnyArray]) -> None:
        """Go on from ``state``."""
        self.sums = {name: state[name].copy() for name in _SUMS}
        self.last = {name: state[f"last_{name}"].copy() for name in self.last}
        self.learned, self.trajectory = state["learned"].copy(), state["trajectory"].copy()
