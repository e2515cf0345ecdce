"""What every policy keeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from steelyard.testing import tables
from steelyard.testing.holding import hold, same


def check_policy(policy: Any) -> None:
    """Hold a Policy to its contract: weights >= 0, finite, mean 1, the same twice; targets that are distributions.

    A policy that is no control gives rows the same weight in any order and never raises planted errors over the rest.
    """
    readings = tables.readings()
    missing = sorted(set(policy.needs) - set(readings))
    hold(not missing, policy, f"needs readings that nobody gives: {missing}")
    weights = policy.weigh(readings)
    weight = weights.weight
    hold(weight.shape == (tables.ROWS,), policy, f"must return (n,) weights, not {weight.shape}")
    hold(np.isfinite(weight).all() and weight.min() >= 0, policy, "must give finite weights >= 0")
    hold(abs(weight.mean() - 1) < 1e-9, policy, "must give weights of mean 1")
    hold(same(weight, policy.weigh(readings).weight), policy, "must give the same weights twice")
    if weights.target is not None:
        known = readings["given"] >= 0
        hold(same(weights.target[known].sum(1), np.ones(known.sum())), policy, "must give targets that sum to 1")
        hold(weights.target.min() >= 0, policy, "must give targets >= 0")
    if policy.control:
        return
    order = np.random.default_rng(0).permutation(tables.ROWS)
    hold(same(weight[order], policy.weigh(readings.take(order)).weight), policy, "must not depend on the order of rows")
    wrong = np.arange(tables.ROWS) < tables.WRONG
    hold(weight[wrong].mean() <= weight[~wrong].mean() + 1e-9, policy, "must not favour wrong labels")
