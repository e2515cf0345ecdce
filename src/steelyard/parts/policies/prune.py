"""Leave flagged rows out of training."""

from dataclasses import dataclass

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class Prune(Policy):
    """Weight 0 for flagged rows, 1 for the rest. Source: Northcutt et al. 2021, prune by confident joint."""

    needs = ("flagged",)

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        return 1.0 - readings["flagged"].astype(float)
