"""How little an item fits its user, by its text and by what other users took, each against clicks by chance."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class TwoViews(Estimator):
    """(1 - place by text) (1 - place by others): high where neither the text nor anybody else leads to the item.

    A place that is not known counts one half. Measured on clicks planted by chance this finds more than either view;
    on low ratings it does not, for who dislikes a film chose it all the same (benchmarks/recommend_views.py): it reads
    accidents, not disappointment.
    """

    interactions = True
    reading = "suspicion"
    needs = ("given", "text_place", "others_place")

    def estimate(self, signals: Signals) -> Floats:
        text, others = (np.nan_to_num(signals[c], nan=0.5) for c in ("text_place", "others_place"))
        return np.where(signals["given"] >= 0, (1 - text) * (1 - others), np.nan)
