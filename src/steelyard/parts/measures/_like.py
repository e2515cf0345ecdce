"""What other systems mean by a measure's name, as options of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.errors import UsageError, nearest
from steelyard.parts.measures._grammar import taken_apart

if TYPE_CHECKING:
    from steelyard.parts.measures import Measure

Variants = dict[str, dict[str, str]]
TREC = {"rel": "1", "ties": "trec", "empty": "zero"}
FIRST = {"ties": "first"}

#: System -> measure -> the options that make ours theirs. A measure that is not there cannot be reproduced.
SYSTEMS: dict[str, Variants] = {
    "trec": {
        "ndcg": {"gain": "linear", "ties": "trec", "empty": "zero"},
        "map": TREC, "mrr": TREC, "p": TREC, "recall": TREC, "hit": TREC,
    },
    "sklearn": {
        "ndcg": {"gain": "linear", "empty": "zero"},
        "auc": {}, "ap": {}, "acc": {}, "macro_f1": {}, "qwk": {}, "log_loss": {},
    },
    "quepid": {"ndcg": {"gain": "exp", "ideal": "full", "ties": "first"}},
    "lightgbm": {"ndcg": {"gain": "exp", "ties": "first", "empty": "one"}, "auc": {}},
    "esci-script": {"ndcg": {"gain": "esci-script", "ties": "trec", "unjudged": "drop", "empty": "zero"}},
    "recbole": {
        "ndcg": {"gain": "binary", "ties": "first"},
        "mrr": FIRST, "p": FIRST, "recall": FIRST, "hit": FIRST,
    },
}  # fmt: skip

#: One line a system, for the documentation.
MEANING = {
    "trec": "trec_eval, pytrec_eval, ir_measures: the grade is the gain; relevant from grade 1 on; equal scores by "
    "docid, descending; a query without a relevant row counts 0.",
    "sklearn": "scikit-learn: `ndcg_score` takes the grade as gain and averages over ties; such a query counts 0.",
    "quepid": "Quepid `NDCG@k`: gain 2^grade - 1, the ideal list is not cut. Its `NDCG_CUT@k` is "
    "`ndcg@k[gain=exp,ties=first]`.",
    "lightgbm": "LightGBM: gain 2^grade - 1; a query without a relevant row counts 1.",
    "esci-script": "amazon-science/esci-data `ranking/`: judged rows only, and the gains of S and C are swapped "
    "against the paper (S 0.01, C 0.1).",
    "recbole": "RecBole: binary relevance. Say from which label with `rel`, by default any above the worst.",
}


def like(name: str, system: str) -> Measure:
    """Return the measure that ``system`` means by ``name``; options written in the name win.

    name: such as ``ndcg@10``. system: trec, sklearn, quepid, lightgbm, esci-script or recbole.
    Raises UsageError U118 (unknown system), U119 (the system has no such measure), and as ``parse``.
    """
    if system not in SYSTEMS:
        raise UsageError("U118", system=system, near=nearest(system, SYSTEMS) or "-", known=", ".join(SYSTEMS))
    cls, written = taken_apart(name)
    base = cls.__module__.rpartition(".")[2]
    variant = SYSTEMS[system].get(base)
    if variant is None:
        raise UsageError("U119", system=system, name=base, known=", ".join(SYSTEMS[system]))
    return cls(**{**variant, **written})
