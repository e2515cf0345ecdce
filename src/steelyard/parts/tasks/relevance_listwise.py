"""Order products of a query as a list: ListNet's softmax, or LambdaLoss with NDCG's gains and discounts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from steelyard.errors import UsageError
from steelyard.parts.tasks._lists import halves, pairs, spread
from steelyard.parts.tasks._ranking import RankingTask

WAYS = ("listnet", "lambda")


@dataclass(frozen=True)
class RelevanceListwise(RankingTask):
    """way ``listnet``: cross entropy between softmax(grades / temperature) and softmax(scores), times m.

    way ``lambda``: RankNet's pairs weighted by the NDCG that a swap would move (LambdaRank's bound in LambdaLoss).
    g_i = lambda_i grad s_i (see ``_lists``). temperature: of the grades' places 0..1.
    Sources: Cao et al. 2007, ListNet, eq. 4 (top one); Wang et al. 2018, The LambdaLoss Framework, eq. 9.
    """

    way: str = "listnet"
    temperature: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.way not in WAYS:
            raise UsageError("U150", option="way", value=self.way, known=", ".join(WAYS))

    def losses(self, output: Any, batch: dict[str, Any]) -> Any:
        return spread(output[:, 0], batch, self.listnet if self.way == "listnet" else lambda_loss)

    def listnet(self, s: Any, grades: Any) -> Any:
        """Return (m,) shares -m t_i ln softmax(s)_i of one query."""
        return -len(s) * (grades / self.temperature).softmax(0) * s.log_softmax(0)


def lambda_loss(s: Any, grades: Any) -> Any:
    """Return (m,) shares of sum over pairs |delta NDCG| log2(1 + exp(s_j - s_i)), times m; gains 2^(4 place) - 1."""
    from torch.nn.functional import softplus

    gain = (4 * grades).exp2() - 1
    rank = s.detach().argsort(descending=True, stable=True).argsort() + 1
    discount = 1 / (1 + rank).log2()
    ideal = (gain.sort(descending=True).values * discount.sort(descending=True).values).sum().clamp(min=1e-6)
    moved = ((gain[:, None] - gain[None, :]) * (discount[:, None] - discount[None, :])).abs() / ideal
    return len(s) * halves(pairs(grades) * moved * softplus(s[None, :] - s[:, None]) / math.log(2))
