"""A cell of interactions: ratings of 3 and less, hidden among all interactions as if they were wanted."""

from __future__ import annotations

from typing import Any

import numpy as np

from steelyard.acts.taking import detection

HEADLINE, BASE = "standing", "in_sample_loss"


def detect(name: str, model: str, seed: int) -> dict[str, Any]:
    """Return auc and ap of every reading of a table of `recommend_noise.py`, by one recommender."""
    from recommend_noise import detect as readings
    from recommend_noise import read

    wrong = read(name, 3.5).gold == 0
    found = {n: detection(wrong, score) for n, score in readings(name, model, seed).items()}
    scores = {n: {k: float(v) for k, v in f.items() if k in ("auc", "ap")} for n, f in found.items()}
    return {"rows": len(wrong), "wrong": float(np.mean(wrong)), "scores": scores}
