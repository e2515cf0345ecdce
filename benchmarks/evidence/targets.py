"""The targets, and what came of each. All but those of ``embed`` were said before anything was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.evidence import rules, summing
from benchmarks.evidence.detectors import BASE, DEFAULT
from benchmarks.evidence.summing import GROUPS, Figures, Mean, of

#: What rides on the training that a team runs anyway, and so costs about 1.1 times it.
CHEAP = "in_sample_loss"
#: The kinds of noise that the targets speak of.
SPOKEN = {
    "people": ("people's errors", "人为错误"),
    "by row": ("errors that depend on the row", "依赖样本的错误"),
}
#: Whose out-of-fold loss the embed tier is measured against.
RIVAL = {
    BASE: (f"{BASE} of the same vectors", f"同样向量的 {BASE} "),
    f"quick {BASE}": (f"{BASE} of words alone", f"仅用词的 {BASE} "),
}
ACTING = ("gate", "soft_label", "relabel", "prune")


@dataclass(frozen=True)
class Target:
    """what was to hold, in English and Chinese; figure: what was measured; held: None where nothing was."""

    en: str
    zh: str
    figure: str
    held: bool | None


def targets(cells: Figures) -> list[Target]:
    return [t for t in _all(cells) if t.held is not None]


def _all(cells: Figures) -> Iterator[Target]:
    for key, (en, zh) in SPOKEN.items():
        found = of(cells, "detection", GROUPS[key])
        for score, least, most in ((CHEAP, 0.04, 1.1), (DEFAULT, 0.08, 2.0)):
            lead, cost = summing.lead(found, score), _cost(found, score)
            yield Target(
                f"{en}, at most {most} trainings: AP at least {least} above {BASE}",
                f"{zh}，至多 {most} 次训练：AP 至少高出 {BASE} {least}",
                f"{score} {lead}, cost {cost:.1f}",
                _known(lead, lead.value >= least and lead.low > 0 and cost <= most),
            )
    yield from _meaning(cells)
    yield from _uniform(cells)
    value, where = summing.worst(of(cells, "detection", GROUPS["token"] + GROUPS["one slice"]), DEFAULT)
    yield Target("artefacts: AUROC never below 0.50", "人工痕迹：AUROC 不低于 0.50", f"{DEFAULT} {value:.3f} ({where})",
                 None if np.isnan(value) else value >= 0.5)  # fmt: skip
    yield from _marks(cells)
    yield from _weighting(cells)
    chosen = of(cells, "weighting")
    if chosen:
        found = summing.verdicts(chosen)
        share = found["known"] / max(found["fixed"], 1)
        yield Target("verdicts right in 90% of at least 40 cells whose answer is known by how they were made",
                     "在至少 40 个答案由构造方式决定的单元中，90% 的结论正确",
                     f"{found['known']} of {found['fixed']}; without allowance {found['asked']}",
                     share >= 0.9 and found["fixed"] >= 40)  # fmt: skip


def _meaning(cells: Figures) -> Iterator[Target]:
    """The same four where a frozen encoder reads and a team fine-tunes that network: what it takes is told in those
    trainings, and the rival reads the same vectors (at most 1.1) or words alone (at most 2).
    """
    for key, (en, zh) in SPOKEN.items():
        found = summing.beside(cells, GROUPS[key], "embed", ("quick",))
        took = summing.mean(found, DEFAULT, "trainings")
        for over, least, most in ((BASE, 0.04, 1.1), (f"quick {BASE}", 0.08, 2.0)):
            lead = summing.lead(found, DEFAULT, over)
            rival, its = RIVAL[over]
            yield Target(
                f"{en}, embed, at most {most} trainings of the network: AP at least {least} above {rival}",
                f"{zh}，embed 档，至多 {most} 次网络训练：AP 至少高出{its} {least}",
                f"{DEFAULT} {lead}, cost {took:.2f}",
                _known(lead, lead.value >= least and lead.low > 0 and took <= most),
            )


def _marks(cells: Figures) -> Iterator[Target]:
    """What is said of words that labels came with; rungs of people have no such word that we know of."""
    texts = summing.of_texts(cells)
    planted = [c for c in texts if c["cell"]["rung"] in GROUPS["token"] and "scores" in c]
    told = [c["scores"][DEFAULT]["auc"] for c in planted if c["marked"]["rows"]]
    if told:
        yield Target("a token that marks the errors, where the run names it: AUROC at least 0.65",
                     "标记错误的词，运行指出它时：AUROC ≥ 0.65",
                     f"named in {len(told)} of {len(planted)}; {min(told):.3f} to {max(told):.3f}",
                     min(told) >= 0.65)  # fmt: skip
    others = [c for c in texts if not c["cell"]["rung"].startswith("artefact_token")]
    false = sum(bool(c["marked"]["rows"]) for c in others)
    yield Target("no word is named where no token was planted", "未植入词时不指出任何词", f"{false} of {len(others)}",
                 (false == 0) if others else None)  # fmt: skip


def _uniform(cells: Figures) -> Iterator[Target]:
    large = [c for c in of(cells, "detection", ("uniform_10",)) if c["cell"]["rows"]]
    for c in large:
        f = c["scores"][DEFAULT]
        table = c["cell"]["table"]
        yield Target(f"uniform 10%, {table}: AUROC at least 0.975 and AP at least 0.85",
                     f"均匀 10%，{table}：AUROC ≥ 0.975 且 AP ≥ 0.85",
                     f"{f['auc']:.3f}, {f['ap']:.3f}", f["auc"] >= 0.975 and f["ap"] >= 0.85)  # fmt: skip


def _weighting(cells: Figures) -> Iterator[Target]:
    for key, (en, zh) in SPOKEN.items():
        found = _large(of(cells, "weighting", GROUPS[key]))
        for arm in ("gate", "soft_label"):
            share = summing.recovered(found, arm)
            yield Target(f"{en}, {arm}: recovers at least half of the oracle's gain",
                         f"{zh}，{arm}：至少恢复 oracle 增益的一半",
                         summing.share(share),
                         _known(share, share.value >= 0.5 and share.low > 0))  # fmt: skip
    clean = _large(of(cells, "weighting", ("clean",)))
    for arm in ("gate", "soft_label"):
        loss = summing.gains(clean, arm)
        yield Target(f"clean labels, {arm}: worse than -0.2 points is ruled out",
                     f"干净标签，{arm}：可排除低于 −0.2 个百分点",
                     summing.points(loss),
                     _known(loss, loss.low >= -0.002))  # fmt: skip
    every = _large(of(cells, "weighting"))
    below = {arm: summing.below_control(every, arm) for arm in ACTING}
    many = sum(len(v) for v in below.values())
    yield Target("no policy below its own control in any cell", "任何单元中策略都不低于其对照",
                 f"{many} of {len(every) * len(ACTING)}", (many == 0) if every else None)  # fmt: skip


def _large(cells: Figures) -> Figures:
    return [c for c in cells if c["rows"] >= rules.TINY]


def _cost(cells: Figures, name: str) -> float:
    found = [c["scores"][name]["cost"] for c in cells]
    return float(np.median(found)) if found else float("nan")


def _known(m: Mean, held: bool) -> bool | None:
    return None if np.isnan(m.value) else held
