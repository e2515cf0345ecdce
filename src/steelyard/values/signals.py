"""Signals: raw numbers per sample from passes of a model; what estimators read."""

from dataclasses import dataclass

from steelyard.values.columns import Columns

#: Labels nearer than this share of the scale are no error of each other: with 13 grades, 2.33 and 2.5 mean the same.
SAME = 0.2

#: Every signal that the quick tier records, with shape and meaning. Estimators name what they need from here.
KNOWN = {
    "given": "(n,) int32 code of the label in the table, -1 where there is none",
    "group": "(n,) int64 code of the query (or of the text with its duplicates)",
    "fold": "(n,) int64 fold in which the row was held out",
    "distance": "(n, c) distance of every label from the given one: 0/1 for classes, 0..1 for grades",
    "probability": "(n, c) out-of-fold probability of each label, of the blend of the models",
    "repaired": "(n, c) the same after refitting on repaired labels, all rounds pooled",
    "latest": "(n, c) of the last round of repair: what the posterior is made of",
    "wrong_se": "(n,) standard error of P(label wrong | text, given label) over the rounds of repair",
    "posterior": "(n, c) P(true label | text, given label) under the estimated noise",
    "confidently_wrong": "(n,) True where confident learning counts the row as mislabelled",
    "loss": "(n,) out-of-fold negative log probability of the given label, nats",
    "gradient_norm": "(n,) length of the closed-form gradient of the linear model, out of fold",
    "alignment": "(n,) cosine of the gradient with the mean gradient of other held-out rows",
    "alignment_own": "(n, s) the same within the row's own slice of each column that makes slices, NaN without one",
    "marked": "(n,) which mark the row's label came with, 0 none; marked labels teach nothing and are no evidence",
    "learned": "(n, e) 1 where the linear model, out of fold, was right after epoch e",
    "trajectory": "(n, e) held-out probability of the given label after epoch e of the linear model",
    "neighbour_label": "(n, k) int32 labels of the rows of other groups most alike, nearest first, -1 where fewer",
    "contradicting": "(n,) same or near-identical pairs that carry another label",
    "twin_label": "(n,) int32 label of the majority of same or near-identical pairs; its own where it is not outvoted",
    "agreeing": "(n,) same or near-identical pairs that carry the same label",
    "loss_seen": "(n,) mean loss of the row in the trainings of networks that saw it, NaN without; full tier only",
    "loss_unseen": "(n,) its loss under the network that did not, in the same units; full tier only",
    "user": "(n,) int64 code of the user; interactions only, as the following",
    "item": "(n,) int64 code of the item",
    "fitted_loss": "(n,) loss of the row under the model that learned from it, nats",
    "text_place": "(n,) 0..1 share of chance items whose text fits the user less, NaN unknown; where items have titles",
    "others_place": "(n,) 0..1 share of chance items that other users lead to less, NaN unknown; with the former",
    "propensity": "(n,) chance that the user saw the item at all, logged or up to a factor, 0..1",
}


@dataclass(frozen=True, eq=False)
class Signals(Columns):
    """Raw per-sample numbers; names, shapes and units are those of ``KNOWN``."""
