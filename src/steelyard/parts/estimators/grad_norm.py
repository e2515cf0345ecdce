"""Length of the row's gradient: large can mean informative or mislabelled; never a weight by itself."""

from dataclasses import dataclass

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class GradNorm(Estimator):
    """|g_i| of the softmax model, held out. Source: GraNd, Paul et al. 2021 (arXiv 2107.07075), definition 2.1."""

    reading = "difficulty"
    needs = ("gradient_norm",)

    def estimate(self, signals: Signals) -> Floats:
        return signals["gradient_norm"].astype(float)
