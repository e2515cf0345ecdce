"""A small shop with known answers: people of a few tastes, and clicks by mistake on what is in the window."""

import numpy as np

from steelyard.values.interactions import Interactions
from steelyard.values.samples import Origin

USERS, ITEMS, TASTES = 120, 60, 4


def shop(noise: float = 0.2, each: int = 14, seed: int = 0) -> Interactions:
    """Return interactions in the order of time; gold is 0 where somebody took what is not of their taste.

    Mistakes fall on the items in the window, a tenth of all, which belong to no taste.
    """
    rng = np.random.default_rng(seed)
    window = np.arange(ITEMS) < ITEMS // 10
    of = rng.integers(0, TASTES, ITEMS)
    user, item, gold = [], [], []
    for u in range(USERS):
        own = np.flatnonzero((of == u % TASTES) & ~window)
        taken = rng.choice(own, min(each, len(own)), replace=False)
        wrong = rng.random(len(taken)) < noise
        shown = rng.choice(np.flatnonzero(window), len(taken))
        taken = np.where(wrong, shown, taken)
        _, first = np.unique(taken, return_index=True)
        for k in np.sort(first):
            user.append(u), item.append(taken[k]), gold.append(int(not wrong[k]))
    n = len(user)
    return Interactions(
        row_key=np.array([f"r{k}" for k in range(n)], object),
        user=np.array(user),
        item=np.array(item),
        value=np.where(gold, 5.0, 2.0),
        user_ids=np.array([f"u{k:03d}" for k in range(USERS)], object),
        item_ids=np.array([f"i{k:02d}" for k in range(ITEMS)], object),
        split=np.full(n, "train", object),
        ts=np.arange(n, dtype=float) + 1.4e9,
        gold=np.array(gold, np.int8),
        origin=Origin((), f"shop-{noise}-{each}-{seed}", "frame"),
    )
