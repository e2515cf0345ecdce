"""The labels of a table: their names, their order if they have one, and what each is worth to a measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.values.arrays import Floats


@dataclass(frozen=True)
class Scale:
    """Label names by code; for grades the code rises with relevance.

    names: the labels as the user writes them; code ``i`` is ``names[i]``.
    ordered: True for grades (worst first), False for classes.
    gains: (c,) worth of each grade to a ranking measure; by default its code. Classes have no gains.
    """

    names: tuple[str, ...]
    ordered: bool
    gains: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.ordered and not self.gains:
            object.__setattr__(self, "gains", tuple(float(i) for i in range(len(self.names))))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def positions(self) -> Floats:
        """(c,) place of each grade on a line from 0 (worst) to 1 (best), from numeric names where possible."""
        try:
            values = np.array([float(name) for name in self.names])
        except ValueError:
            values = np.arange(len(self.names), dtype=float)
        span = values.max() - values.min() if len(values) else 0.0
        return (values - values.min()) / span if span > 0 else np.zeros(len(self.names))

    def as_dict(self) -> dict[str, Any]:
        return {"names": list(self.names), "ordered": self.ordered, "gains": list(self.gains)}

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Scale:
        return cls(tuple(d["names"]), bool(d["ordered"]), tuple(d["gains"]))
