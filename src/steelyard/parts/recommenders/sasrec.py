"""The next item from the items before it, by self-attention; needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np

from steelyard.errors import EnvironmentProblem
from steelyard.parts.recommenders import Epoch, Fitted, Importance, Recommender, alphas, counted
from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.interactions import Interactions


@dataclass(frozen=True)
class Sequences(Fitted):
    """network: of ``_attention``. history: of every user."""

    network: Any
    history: Windows

    def relevance(self, users: Ints) -> Floats:
        import torch

        self.network.eval()
        out = np.empty((len(users), self.network.items), np.float32)
        with torch.inference_mode():
            vectors = self.network.item[:-1].T
            for start in range(0, len(users), 256):
                items, length = self.history.latest(users[start : start + 256])
                states = self.network(torch.from_numpy(items))
                last = states[torch.arange(len(length)), torch.from_numpy(length - 1)]
                out[start : start + 256] = (last @ vectors).numpy()
        return out


@dataclass(frozen=True)
class SasRec(Recommender):
    """Minimises mean alpha_t [ -log softmax over all items of the t-th item, given those before it ] by Adam.

    Rows of a user are taken in the order of time (of the file where it is unknown), in windows of ``max_length`` from
    the end, so every row is learned once an epoch; a window does not see the one before it. Published with one drawn
    item in place of all items (Kang and McAuley 2018); over all items it is stronger (Klenitskiy and Vasilev 2023).
    embedding_size: width. batch_size: windows a step. dropout: share of entries dropped while training.
    Raises EnvironmentProblem E242 when torch is not installed.
    """

    stepwise: ClassVar[bool] = True
    embedding_size: int = 64
    blocks: int = 2
    heads: int = 2
    max_length: int = 50
    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    dropout: float = 0.2

    def train(self, interactions: Interactions, importance: Importance | None = None, seed: int = 0) -> Iterator[Epoch]:
        if find_spec("torch") is None:
            raise EnvironmentProblem("E242", part="sasrec")
        import torch

        from steelyard.parts.recommenders._attention import Attention

        rng, n = np.random.default_rng(seed), len(interactions)
        windows = Windows(interactions, self.max_length)
        network = Attention(
            interactions.n_items, self.embedding_size, self.max_length, self.blocks, self.heads, self.dropout, seed
        )
        optimizer = torch.optim.Adam(network.parameters(), lr=self.learning_rate, betas=(0.9, 0.98))
        fitted = Sequences(*counted(interactions, np.ones(n)), network, windows)
        steps = -(-len(windows) // self.batch_size)
        losses = np.empty(n, np.float32)
        for epoch in range(self.epochs):
            order = rng.permutation(len(windows))
            network.train()
            for step in range(steps):
                items, rows, inside = windows.shown(order[step * self.batch_size : (step + 1) * self.batch_size])
                states = network(torch.from_numpy(items))[torch.from_numpy(inside)]
                wanted = torch.from_numpy(interactions.item[rows])
                loss = torch.nn.functional.cross_entropy(states @ network.item[:-1].T, wanted, reduction="none")
                losses[rows] = loss.detach().numpy()
                alpha = alphas(importance, rows, (epoch * steps + step) / (steps * self.epochs), losses[rows])
                optimizer.zero_grad()
                (loss * torch.from_numpy(alpha)).mean().backward()
                optimizer.step()
            yield Epoch(epoch + 1, losses, fitted)


class Windows:
    """The rows of every user by time, cut into windows of at most ``length``, the last of a user full."""

    def __init__(self, interactions: Interactions, length: int) -> None:
        self.rows, self.length, self.before = interactions.chronological, length, interactions.n_items
        self.item = interactions.item[self.rows]
        count = np.bincount(interactions.user, minlength=interactions.n_users)
        self.end = np.cumsum(count)
        self.begin = self.end - count
        pieces = -(-count // length)
        user = np.repeat(np.arange(len(count)), pieces)
        back = np.arange(len(user)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        self.stop = self.end[user] - back * length
        self.start = np.maximum(self.begin[user], self.stop - length)

    def __len__(self) -> int:
        return len(self.start)

    def shown(self, windows: Ints) -> tuple[Ints, Ints, Mask]:
        """Return what the network sees before each row (b, t), the rows (r,) in that order, and where they are (b, t).

        Windows begin at the left, behind the code that stands before a first item; what follows their end is not seen
        by them, since nothing looks ahead.
        """
        start, count = self.start[windows], (self.stop - self.start)[windows]
        at = np.arange(count.max())
        inside = at < count[:, None]
        place = np.minimum(start[:, None] + at, len(self.item) - 1)
        seen = self.item[np.maximum(place - 1, 0)]
        seen[:, 0] = self.before
        return seen, self.rows[place[inside]], inside

    def latest(self, users: Ints) -> tuple[Ints, Ints]:
        """Return what the network sees before the next item of known users (b, t), and how much of it each has (b,)."""
        start = np.maximum(self.begin[users], self.end[users] - self.length + 1)
        count = self.end[users] - start + 1
        place = np.minimum(start[:, None] + np.arange(count.max()), len(self.item)) - 1
        seen = self.item[np.maximum(place, 0)]
        seen[:, 0] = self.before
        return seen, count
