"""Signals: raw numbers per sample from passes of a model; what estimators read."""

from dataclasses import dataclass

from steelyard.values.columns import Columns

#: Every signal that the quick tier records, with shape and meaning. Estimators name what they need from here.
KNOWN = {
    "given": "(n,) int32 code of the label in the table, -1 where there is none",
    "group": "(n,) int64 code of the query (or of the text with its duplicates)",
    "positions": "(n, c) place of every grade on a line 0..1 (the same in every row); classes: one-hot distance",
    "probability": "(n, c) out-of-fold probability of each label, of the blend of the models",
    "loss": "(n,) out-of-fold negative log probability of the given label, nats",
    "gradient_norm": "(n,) length of the closed-form gradient of the linear model, out of fold",
    "alignment": "(n,) cosine of the gradient with the mean gradient of held-out reference rows",
    "learned": "(n, e) 1 where the linear model, out of fold, was right after epoch e",
    "neighbour": "(n, c) share of the nearest rows of other groups that carry each label",
    "contradicting": "(n,) same or near-identical pairs that carry another label",
    "agreeing": "(n,) same or near-identical pairs that carry the same label",
}


@dataclass(frozen=True, eq=False)
class Signals(Columns):
    """Raw per-sample numbers; names, shapes and units are those of ``KNOWN``."""
