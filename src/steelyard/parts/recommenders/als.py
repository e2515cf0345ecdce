"""Matrix factorisation of confidences by alternating least squares; needs the package implicit."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from steelyard.errors import EnvironmentProblem
from steelyard.parts.recommenders import Recommender, counted
from steelyard.parts.recommenders._confident import Confident
from steelyard.values.arrays import Floats
from steelyard.values.interactions import Interactions


@dataclass(frozen=True)
class Als(Recommender):
    """Minimises sum c_ui (p_ui - x_u'y_i)^2 + reg (|x_u|^2 + |y_i|^2); p is 1 where user and item met, else 0.

    The confidence c_ui is 1 + alpha times the summed weights of the pair, so a small weight makes an interaction as
    little sure as one that never was, but only a weight of 0 removes it. Source: Hu, Koren and Volinsky 2008, eq. 3.
    embedding_size: d. rounds: each solves all users, then all items. threads: 0 for all cores; the result is the same.
    Raises EnvironmentProblem E241 when implicit is not installed.
    """

    embedding_size: int = 64
    reg: float = 0.01
    alpha: float = 10.0
    rounds: int = 15
    threads: int = 0

    def learn(self, interactions: Interactions, weight: Floats, seed: int) -> Confident:
        if find_spec("implicit") is None:
            raise EnvironmentProblem("E241", part="als")
        from implicit.cpu.als import AlternatingLeastSquares

        confidence = csr_matrix(interactions.matrix(weight))
        confidence.data = 1 + self.alpha * confidence.data
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=self.embedding_size,
                regularization=self.reg,
                iterations=self.rounds,
                num_threads=self.threads,
                random_state=seed,
            )
            model.fit(confidence.astype(np.float32), show_progress=False)
        known, popularity = counted(interactions, weight)
        bias = np.zeros_like(popularity)
        return Confident(known, popularity, model.user_factors, model.item_factors, bias, confidence, self.reg)
