"""Readings: what estimators say about each sample: suspicion, difficulty, benefit."""

from dataclasses import dataclass

from steelyard.values.columns import Columns


@dataclass(frozen=True, eq=False)
class Readings(Columns):
    """One column an estimator, plus the three headline columns.

    suspicion: (n,) 0..1, higher = the label is more likely wrong. difficulty: (n,) 0..1, higher = harder, not
    worse. benefit: (n,) signed, higher = training on the row lowers the loss on the reference rows.
    """
