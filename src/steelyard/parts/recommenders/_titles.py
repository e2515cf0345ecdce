"""The texts of items, and their vectors by a frozen encoder."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

import numpy as np

from steelyard import parts
from steelyard.errors import DataError, EnvironmentProblem
from steelyard.values.arrays import Floats
from steelyard.values.interactions import Interactions


def titles(interactions: Interactions, part: str) -> tuple[str, ...]:
    """Return (m,) texts of the items, '' where none is known.

    Raises DataError D282 when no item has a text, EnvironmentProblem E242 without torch.
    """
    if find_spec("torch") is None:
        raise EnvironmentProblem("E242", part=part)
    found = () if interactions.titles is None else tuple(str(t or "").strip() for t in interactions.titles)
    if not any(found):
        raise DataError("D282", part=part, items=interactions.n_items)
    return found


@lru_cache(maxsize=2)
def vectors(texts: tuple[str, ...], pretrained: str, max_length: int, precision: str) -> Floats:
    """Return (m, d) float32 unit vectors of texts, 0 for an empty one; folds and arms of one table share them."""
    there = [place for place, text in enumerate(texts) if text]
    encoder = parts.make("models", "transformer", pretrained=pretrained).encoder(max_length, precision)
    read, _ = encoder.embed([texts[place] for place in there])
    out = np.zeros((len(texts), read.shape[1]), np.float32)
    out[there] = read
    return out
