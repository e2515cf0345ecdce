"""A cell of interactions: ratings of 3 and less, hidden among all interactions as if they were wanted."""

from __future__ import annotations

from typing import Any

import numpy as np

from steelyard.acts.taking import detection

HEADLINE, BASE = "standing", "in_sample_loss"


def detect(name: str, model: str, seed: int) -> dict[str, Any]:
    """Return auc and ap of every reading of a table of `recommend_noise.py`, by one recommender; lead: of
    the headline, in AUC over the in-sample loss, with its interval over users."""
    from recommend_noise import detect as readings
    from recommend_noise import interval, read

    of = read(name, 3.5)
    assert of.gold is not None
    wrong, said = of.gold == 0, readings(of, model, seed)
    found = {n: detection(wrong, score) for n, score in said.items()}
    scores = {n: {k: float(v) for k, v in f.items() if k in ("auc", "ap")} for n, f in found.items()}
    lead = scores[HEADLINE]["auc"] - scores[BASE]["auc"]
    low, high = interval(of, said[HEADLINE], said[BASE])
    more = {"scores": scores, "lead": [lead, float(low), float(high)]}
    return {"rows": len(wrong), "wrong": float(np.mean(wrong)), **more}
