"""What was watched of a training: the ledger, the numbers of every epoch, and the readings they give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steelyard.acts.ledger import Ledger
from steelyard.run import write_atomically
from steelyard.values.arrays import AnyArray, Ints, Strings
from steelyard.values.readings import Readings
from steelyard.values.signals import Signals

#: Columns of the readings that are the ledger's own; their meaning stands in ``acts.ledger.KNOWN``.
DYNAMICS = ("aum", "confidence", "variability", "forgetting", "never_learned")
EPOCHS = {"loss": "loss_by_epoch", "margin": "margin_by_epoch"}


class Watched:
    """Numbers of n rows over ``epochs`` epochs; NaN for a row that an epoch did not visit."""

    def __init__(self, n: int, epochs: int) -> None:
        self.ledger = Ledger(n, epochs)
        self.epochs = {name: np.full((n, epochs), np.nan, np.float32) for name in EPOCHS}

    def add(self, rows: Ints, epoch: int, seen: Mapping[str, AnyArray]) -> None:
        """Note one forward pass. rows: (k,), one may come twice; seen: name -> (k,), NaN notes nothing."""
        while len(rows):
            first = np.unique(rows, return_index=True)[1]
            now = {name: values[first] for name, values in seen.items()}
            self.ledger.add(rows[first], epoch, now, None, 0.0)
            here = np.isfinite(now["loss"])
            for name, values in self.epochs.items():
                values[rows[first][here], epoch] = now[name][here]
            rest = np.setdiff1d(np.arange(len(rows)), first)
            rows, seen = rows[rest], {name: values[rest] for name, values in seen.items()}

    def signals(self, row_key: Strings) -> Signals:
        """Return the ledger keyed by row, with (n, e) loss and margin of every epoch.

        ``learned`` and ``trajectory`` are right or wrong and p(given) of every epoch.
        """
        return self.ledger.signals(row_key).with_columns(**{EPOCHS[n]: v.copy() for n, v in self.epochs.items()})

    def readings(self, row_key: Strings) -> Readings:
        """Return what the training's dynamics say of every row; NaN for rows never seen.

        suspicion: 1 - mean p(given) over the visits, 0..1 (Swayamdipta et al. 2020, §5: the low-confidence rows are the
        mislabelled ones); read on rows trained on, so a network that has memorised them suspects nothing. difficulty:
        mean EL2N over sqrt(2), 0..1.
        """
        c = self.ledger.columns()
        own = {name: c[name] for name in DYNAMICS}
        return Readings(
            row_key, {**own, "loss": c["loss_ema"], "suspicion": 1 - c["confidence"], "difficulty": c["el2n"] / 2**0.5}
        )

    def write(self, folder: Path, row_key: Strings) -> None:
        """Write ``ledger.parquet`` and ``readings.parquet``."""
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "ledger.parquet", self.signals(row_key).write)
        write_atomically(folder / "readings.parquet", self.readings(row_key).write)

    def save(self, path: Path) -> None:
        """Write what a resumed training needs, as npz."""
        state: dict[str, Any] = {f"epochs_{name}": values for name, values in self.epochs.items()}
        with path.open("wb") as out:
            np.savez(out, **state, **dict[str, Any](self.ledger.state()))

    def load(self, path: Path) -> None:
        """Go on from a file of ``save``; more epochs than were planned then are kept free for what comes."""
        with np.load(path, allow_pickle=False) as kept:
            state = {name: kept[name] for name in kept.files}
        epochs = self.ledger.learned.shape[1]
        for name in ("learned", "trajectory"):
            state[name] = _widened(state[name], epochs, 0)
        self.ledger.resume(state)
        self.epochs = {name: _widened(state[f"epochs_{name}"], epochs, np.nan) for name in EPOCHS}


def _widened(values: AnyArray, epochs: int, fill: float) -> AnyArray:
    missing = max(0, epochs - values.shape[1])
    return np.pad(values, ((0, 0), (0, missing)), constant_values=fill)
