"""Losses over the rows of a query, handed to the rows: the sample is still the row, and g_i = lambda_i grad s_i.

A list loss L_q(s_1 .. s_n) has no loss of a row, but it has a gradient of a row: what reaches theta through the score
of row i is lambda_i grad_theta s_i with lambda_i = dL_q / ds_i, and these sum to grad L_q exactly. So ``spread``
returns, for each row, its share of L_q as value and lambda_i grad s_i as gradient. Weighting a row then weights what
its score does, lambda_i depends on its own query only, and gradients by row stay possible for any list loss.
Source of the view: Burges 2010, From RankNet to LambdaRank to LambdaMART, §4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: scores (m,), grades (m,) of one query -> (m,) shares of the list's loss, differentiable in the scores.
Shares = Callable[[Any, Any], Any]


def spread(scores: Any, batch: dict[str, Any], shares: Shares) -> Any:
    """Return (n,) losses: value of each row's share, gradient lambda_i in its own score only.

    batch: ``list`` (n,) code of the query list and ``place`` (n,) grades 0..1. The list must be whole in the batch.
    """
    import torch

    with torch.enable_grad():
        leaf = scores.detach().requires_grad_()
        value = torch.zeros_like(leaf)
        for code in batch["list"].unique():
            rows = (batch["list"] == code).nonzero()[:, 0]
            value = value.index_put((rows,), shares(leaf[rows], batch["place"][rows].to(leaf.dtype)))
        slope = torch.zeros_like(leaf)
        if value.requires_grad:
            (slope,) = torch.autograd.grad(value.sum(), leaf)
    return value.detach() + slope * (scores - scores.detach())


def pairs(grades: Any) -> Any:
    """Return (m, m) 1 where row i has the better grade of the pair (i, j)."""
    return (grades[:, None] > grades[None, :]).to(grades.dtype)


def halves(cost: Any) -> Any:
    """Return (m,) shares of pair costs (m, m): each of the two rows takes half."""
    return 0.5 * (cost.sum(1) + cost.sum(0))
