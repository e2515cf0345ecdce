"""What every model keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from steelyard.testing.holding import hold, same

ROWS, WIDTH, CLASSES = 600, 12, 3


def check_model(model: Any, *, sparse: bool = False) -> None:
    """Hold a Model to its contract: probabilities, the same twice, weights of 1 and 0, soft targets, learning.

    sparse: the model reads sparse rows of length 1 (hashed text) and not dense features.
    """
    x, label = _rows()
    encoded = sp.csr_matrix(x) if sparse else x

    def predicted(**options: Any) -> np.ndarray:
        fitted = model.fit(encoded, label, CLASSES, seed=3, **options)
        p = np.asarray(fitted.predict(encoded), np.float64)
        hold(p.size == ROWS * CLASSES, model, f"must predict (n, classes), not {p.shape}")
        return p.reshape(ROWS, CLASSES)

    plain = predicted()
    hold(np.isfinite(plain).all() and plain.min() >= 0, model, "must predict finite probabilities >= 0")
    hold(np.allclose(plain.sum(1), 1, atol=1e-5), model, "must predict probabilities that sum to 1")
    hold(same(plain, predicted()), model, "must predict the same after the same fit with the same seed")
    ones = predicted(sample_weight=np.ones(ROWS))
    hold(same(plain, ones), model, "must not change with weights of 1")
    hold((plain.argmax(1) == label).mean() > 0.8, model, "must learn what is plain to see")
    lost = predicted(sample_weight=(label != 0).astype(float))
    hold(lost[label == 0, 0].mean() < 0.2, model, "must learn nothing from rows of weight 0")
    swapped = predicted(target=np.eye(CLASSES)[(label + 1) % CLASSES])
    hold((swapped.argmax(1) == (label + 1) % CLASSES).mean() > 0.8, model, "must learn the target where one is given")


def _rows() -> tuple[np.ndarray, np.ndarray]:
    """Return rows of length 1 (n, d) whose label their first columns tell."""
    rng = np.random.default_rng(0)
    label = np.arange(ROWS) % CLASSES
    x = 0.2 * rng.random((ROWS, WIDTH)).astype(np.float32)
    x[np.arange(ROWS), label] += 1.0
    return x / np.linalg.norm(x, axis=1, keepdims=True).astype(np.float32), label
