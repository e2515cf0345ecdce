"""What the proxy says: quick models that never saw a row, asked about its label before a network trains on it.

A network that trains on wrong labels learns them, and a reference with wrong labels points where they do. Small models
read out of fold know less than the network will, but they have not seen the label that they are asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.acts import repairing
from steelyard.acts.estimating import SURE
from steelyard.acts.folding import spread
from steelyard.acts.passes import LEARN_FROM
from steelyard.features.table import Table
from steelyard.values.arrays import Floats, Ints
from steelyard.values.levels import Levels
from steelyard.values.signals import Signals

LEAST = 1e-3  # the proxy is never surer than this of a label: beyond it the margin would measure the model, not the row


@dataclass(frozen=True)
class Proxy:
    """What the quick models say of the rows ``learn`` (k,) of a table, and of rows that share no group with them.

    signals: of the rows to learn from, out of fold (``scoring.measure``). p_wrong: (k,) P(label wrong | text, label),
    NaN where none was given. models: the parts ``linear`` and ``boosted``.
    """

    table: Table
    learn: Ints
    signals: Signals
    p_wrong: Floats
    models: Any
    seed: int

    def margin(self) -> Floats:
        """Return (n,) log odds, nats, that the given label is right; NaN for rows that are not learned from."""
        wrong = self.p_wrong.clip(LEAST, 1 - LEAST)
        out = np.full(len(self.table), np.nan)
        out[self.learn] = np.log1p(-wrong) - np.log(wrong)
        return out

    def truth(self, rows: Ints) -> Floats:
        """Return (r, c) P(true label | text, given label) of rows (r,), rising, that no model here learned from.

        The model that repaired the rows to learn from is fitted once more, on all of them as they were repaired; the
        noise is that of the rows to learn from. Neither says anything that the labels of ``rows`` taught.
        """
        return repairing.posterior(self._read(rows), self.table.label[rows], self._noise())

    def _noise(self) -> Floats:
        """Return (c, c) how often a true label was given as another, of the rows to learn from."""
        given = np.where(self.signals["marked"] > 0, -1, self.table.label[self.learn])
        level = repairing.levelled(self.signals["probability"], given)
        return repairing.mixing(self.signals["latest"], given, repairing.kept(level, given))

    def reference(self, rows: Ints) -> tuple[Ints, Floats]:
        """Return the rows to align with, of ``rows`` (r,), and their labels as the proxy has them, (k, c).

        Rows of which it is SURE, with the label that it is sure of; the others are left out. Soft labels of all rows
        would be nearer to the given ones than the truth is, since the proxy errs towards them, and a label given too
        often would ask for more of itself. It is sure of few rows with a rare label, which would ask for less of it:
        rows of such a label come more than once, others not at all, until each label has the share that it has among
        all reference rows. Where it is sure of less than half of the rows, it knows too little to leave rows out: then
        all of them, with soft labels.
        """
        truth = self.truth(rows)
        sure = truth.max(1) >= SURE
        if 2 * sure.sum() < len(rows):
            return rows, truth
        label = truth[sure].argmax(1)
        chosen = _in_shares(label, truth.mean(0))
        return rows[sure][chosen], np.eye(truth.shape[1])[label[chosen]]

    def _read(self, rows: Ints) -> Floats:
        """Return (r, c) probabilities of the true label by the model that explains the labels best."""
        table = self.table
        chosen = spread(table.group[self.learn], LEARN_FROM, self.seed)
        chosen = chosen[table.label[self.learn][chosen] >= 0]
        seen, target = self.learn[chosen], self.signals["posterior"][chosen]
        if table.features.shape[1] and self.signals["blend"][0] >= 0.5:
            fitted = self.models["boosted"].fit(
                table.features[seen], table.label[seen], table.classes, target=target, seed=self.seed,
                positions=table.positions,
            )  # fmt: skip
            return np.asarray(fitted.predict(table.features[rows]), float)
        ones = np.ones((len(seen), 1), np.float32)
        *_, last = self.models["linear"].train(table.rows(seen), table.targets(target), ones, self.seed)
        said = np.asarray(last.predict(table.rows(rows))[:, 0], float)
        if not table.numbered:
            return said
        here = last.predict(table.rows(seen))[:, 0, 1]
        return np.asarray(Levels.of(here, target).outcome(said[:, 1]), float)


def _in_shares(label: Ints, share: Floats) -> Ints:
    """Return (k,) places in (k,) labels, rising, some more than once: each label's share (c,) is met, by even steps."""
    weight = share[label] / np.bincount(label, minlength=len(share))[label]
    reached = np.cumsum(weight) / weight.sum()
    return np.minimum(np.searchsorted(reached, (np.arange(len(label)) + 0.5) / len(label)), len(label) - 1)
