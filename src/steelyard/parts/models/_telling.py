"""Telling: what steps showed lies on the device until it is asked for, then all of it comes over to NumPy at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from steelyard.values.arrays import AnyArray, Ints

Seen = dict[str, AnyArray]


class NotFinite(Exception):
    """A loss is no number; ``rows`` are the positions concerned, ``step`` which step of the learner it was.

    That step was not taken; of a GPU, which tells late, it was, and more after it: none of them may be kept.
    """

    def __init__(self, rows: Ints, step: int) -> None:
        self.rows, self.step = rows, step
        super().__init__(f"{len(rows)} losses are not finite")


@dataclass
class _Waiting:
    seen: Seen
    step: int
    of: int
    values: dict[str, torch.Tensor]
    rows: Ints
    places: Ints


class Telling:
    """Keeps numbers of steps, in the order in which they came, until ``tell``."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._waiting: list[_Waiting] = []

    def wait(
        self, seen: Seen, step: int, of: int, values: dict[str, torch.Tensor], rows: Ints, places: Ints | None = None
    ) -> None:
        """Keep values, (k,) each or single numbers, of rows (k,) for ``seen`` of a step of ``of`` rows.

        places: (k,) where they stand among these, all in order by default.
        """
        self._waiting.append(_Waiting(seen, step, of, values, rows, np.arange(of) if places is None else places))

    def also(self, values: Mapping[str, torch.Tensor]) -> None:
        """Keep more values of the rows that came last."""
        self._waiting[-1].values.update(values)

    def steps(self, before: int) -> int:
        """Return of how many steps before one something waits."""
        return len({w.step for w in self._waiting if w.step < before})

    def forget(self, step: int = 0) -> None:
        """Let go what waits of a step and of those after it."""
        self._waiting = [w for w in self._waiting if w.step < step]

    def tell(self) -> None:
        """Bring all that waits over, in one transfer. Raises NotFinite of the earliest step that has such a loss.

        What came before it is told then, what came after it is not.
        """
        waiting, self._waiting = self._waiting, []
        found = [v.detach().to(self.device, torch.float64).reshape(-1) for w in waiting for v in w.values.values()]
        if not found:
            return
        numbers = iter(np.split(torch.cat(found).cpu().numpy(), np.cumsum([len(v) for v in found])[:-1]))
        for w in waiting:
            for name, values in w.values.items():
                if values.ndim:
                    w.seen.setdefault(name, np.full(w.of, np.nan))[w.places] = next(numbers)
                else:
                    w.seen[name] = next(numbers)[0]
            bad = ~np.isfinite(w.seen["loss"][w.places]) if "loss" in w.values else np.zeros(0, bool)
            if bad.any():
                raise NotFinite(w.rows[bad], w.step)
