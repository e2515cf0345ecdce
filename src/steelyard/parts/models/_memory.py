"""Memory that runs out: half of the rows pass at once from then on, and the result is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from steelyard.errors import EnvironmentProblem
from steelyard.values.arrays import Ints

#: What torch says when a processor's memory runs out (Linux; Windows; oneDNN), as a mere RuntimeError.
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "could not create a primitive")
Result = TypeVar("Result")


class Room:
    """How many rows pass through a network at once. halved: times that memory ran out."""

    def __init__(self, rows: int, device: torch.device) -> None:
        self.rows, self.device, self.halved = rows, device, 0

    def each(self, rows: Ints, work: Callable[[Ints], None]) -> None:
        """Call ``work`` with parts of rows (k,), in order; a part for which memory ran out is done again in halves."""
        start = 0
        while start < len(rows):
            part = rows[start : start + self.rows]
            try:
                work(part)
            except (RuntimeError, MemoryError) as e:
                self.halve(e, len(part))
            else:
                start += len(part)

    def again(self, n: int, work: Callable[[], Result]) -> Result:
        """Return ``work()``, which passes n rows in parts; when memory ran out it begins anew, in smaller parts."""
        while True:
            try:
                return work()
            except (RuntimeError, MemoryError) as e:
                self.halve(e, n)

    def halve(self, error: BaseException, n: int) -> None:
        """Let half as many rows pass at once, where n were tried.

        Raises ``error`` itself when it tells of something else, EnvironmentProblem E224 when one row is too many.
        """
        words = str(error).lower()
        short = isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(w in words for w in OUT_OF_MEMORY)
        if not short:
            raise error
        if self.rows == 1 or n == 1:
            raise EnvironmentProblem("E224") from error
        self.rows = max(1, min(self.rows, n) // 2)
        self.halved += 1
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def state(self) -> torch.Tensor:
        return torch.tensor([self.rows, self.halved])

    def resume(self, state: torch.Tensor) -> None:
        """Go on from ``state``."""
        self.rows, self.halved = (int(v) for v in state)
