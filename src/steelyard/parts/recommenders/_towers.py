"""Two linear towers over frozen vectors of texts: a history and an item meet by their cosine."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from steelyard.values.arrays import Floats, Ints

_TINY = 1e-6


class Pair:
    """U of a history and V of an item, both (d, k), and the history of those who have none, (d,).

    texts: (m, d) float32 vectors of the items. decay: weight of an item over that of the one taken after it.
    """

    def __init__(self, texts: Floats, size: int, decay: float, temperature: float) -> None:
        _, directions = np.linalg.eigh(texts.T.astype(np.float64) @ texts)
        main = torch.from_numpy(directions[:, ::-1][:, :size].astype(np.float32).copy())
        self.texts, self.decay, self.temperature = torch.from_numpy(texts), decay, temperature
        self.user, self.item = main.clone().requires_grad_(), main.clone().requires_grad_()
        self.nothing = self.texts.mean(0).requires_grad_()
        self.optimizer = torch.optim.Adam([self.user, self.item, self.nothing])
        self._losses = torch.zeros(0)

    def look(self, history: Ints, items: Ints) -> Floats:
        """Return (b,) losses of the first of ``items`` (b, 1 + c) after ``history`` (b, t), nats."""
        distinct, place = np.unique(items, return_inverse=True)
        vectors = self._items(torch.from_numpy(distinct))[torch.from_numpy(place.reshape(items.shape))]
        near = torch.einsum("bk,bck->bc", self._users(history), vectors)
        self._losses = -(near / self.temperature).log_softmax(1)[:, 0]
        return self._losses.detach().numpy()

    def move(self, alpha: Floats, rate: float) -> None:
        """Take the step of the rows looked at: theta <- theta - rate * mean(alpha_i g_i), by Adam."""
        self.optimizer.zero_grad()
        (self._losses * torch.from_numpy(alpha)).mean().backward()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()

    @torch.inference_mode()
    def relevance(self, history: Ints) -> Floats:
        """Return (b, m) cosine over temperature of every item after ``history`` (b, t)."""
        near = self._users(history) @ self._items(torch.arange(len(self.texts))).T
        return (near / self.temperature).numpy()

    def _users(self, history: Ints) -> Tensor:
        weight = self.decay ** np.arange(history.shape[1] - 1, -1, -1, dtype=np.float32) * (history >= 0)
        read = self.texts[torch.from_numpy(np.maximum(history, 0))]
        mean = normalize(torch.einsum("bt,btd->bd", torch.from_numpy(weight.astype(np.float32)), read), eps=_TINY)
        empty = torch.from_numpy((history < 0).all(1))
        return normalize(torch.where(empty[:, None], self.nothing, mean) @ self.user, eps=_TINY)

    def _items(self, items: Tensor) -> Tensor:
        return normalize(self.texts[items] @ self.item, eps=_TINY)
