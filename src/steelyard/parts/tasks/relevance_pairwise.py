"""Order products of a query: RankNet, the better of each pair should score higher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from steelyard.parts.tasks._lists import halves, pairs, spread
from steelyard.parts.tasks._ranking import RankingTask


@dataclass(frozen=True)
class RelevancePairwise(RankingTask):
    """L_q = m mean over pairs (i better than j) of ln(1 + exp(s_j - s_i)); a row's share is half of its pairs.

    g_i = lambda_i grad s_i (see ``_lists``). A query of m rows counts as m rows, however many pairs it has; rows of a
    query without two grades have loss 0. Source: Burges et al. 2005, Learning to Rank using Gradient Descent, eq. 3.
    """

    def losses(self, output: Any, batch: dict[str, Any]) -> Any:
        return spread(output[:, 0], batch, ranknet)


def ranknet(s: Any, grades: Any) -> Any:
    """Return (m,) shares of RankNet's loss of one query with scores s (m,)."""
    from torch.nn.functional import softplus

    better = pairs(grades)
    cost = better * softplus(s[None, :] - s[:, None])
    return halves(cost) * (len(s) / better.sum().clamp(min=1))
