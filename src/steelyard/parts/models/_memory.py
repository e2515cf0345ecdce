"""Memory that runs out: half of the rows pass at once from then on, and the result is the same."""

from __future__ import annotations

import ctypes
import sys
import traceback
from collections.abc import Callable
from typing import TypeVar

import torch

from steelyard.errors import EnvironmentProblem
from steelyard.values.arrays import Ints

#: What torch says when a processor's memory runs out (Linux; Windows; oneDNN), as a mere RuntimeError.
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "could not create a primitive")
Result = TypeVar("Result")


def give_back(device: torch.device) -> None:
    """Return freed memory to the device, or to the system: what an allocator keeps, others (oneDNN) may lack."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl does not
        if trim is not None:
            trim(0)


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
        traceback.clear_frames(error.__traceback__)  # they hold what the part had made
        give_back(self.device)

    def state(self) -> torch.Tensor:
        return torch.tensor([self.rows, self.halved])

    def resume(self, state: torch.Tensor) -> None:
        """Go on from ``state``."""
        self.rows, self.halved = (int(v) for v in state)
