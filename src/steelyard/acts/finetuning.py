"""Fine-tuning in sight: theta <- theta - rate * mean(alpha_i g_i), a generator of steps; whoever iterates decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steelyard.acts.batching import Batches
from steelyard.acts.ledger import Ledger
from steelyard.acts.weighing import Weighing
from steelyard.errors import DataError, UsageError
from steelyard.values.arrays import AnyArray, Floats, Ints, Strings
from steelyard.values.recipe import Recipe
from steelyard.values.weights import effective_sample_size


@dataclass(frozen=True)
class Step:
    """One step as it was taken. loss: unweighted mean, nats. ess: effective share of the rows, 1 = all alike.

    rate: learning rate. length: of the gradient before clipping. value: on the rows to stop by, at the end of an
    epoch. halved: times memory ran out and the parts were halved. last: no step follows. more: the next step was told
    together with this one and follows at once.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    ess: float
    rate: float
    length: float
    rows: int
    value: float | None = None
    halved: int = 0
    last: bool = False
    more: bool = False


@dataclass(frozen=True)
class Reference:
    """Rows to align with; training never sees them. batch_size of them are looked at, every so many steps."""

    rows: Ints
    batch_size: int
    every: int

    @classmethod
    def of(cls, rows: Ints, alpha: Any) -> Reference:
        """Return the reference that an alpha looks at, an ``Aligning``."""
        return cls(rows, alpha.look, alpha.every)

    def due(self, step: int, needs: Sequence[str]) -> bool:
        """Return whether step looks at it. Adam knows nothing before its first step, so that the second is then the
        first to look."""
        begun = step - ("dot_adam" in needs)
        return bool(needs) and begun >= 0 and begun % self.every == 0

    def at(self, step: int) -> Ints:
        """Return the rows of one look; all of them come by in turn."""
        start = step // self.every * self.batch_size % max(len(self.rows), 1)
        return np.take(self.rows, np.arange(start, start + min(self.batch_size, len(self.rows))), mode="wrap")


def train(
    learner: Any,
    batches: Batches,
    weighing: Weighing,
    ledger: Ledger,
    recipe: Recipe,
    row_key: Strings,
    *,
    judge: Callable[[], float | None] | None = None,
    reference: Reference | None = None,
    keeper: Any = None,
) -> Iterator[Step]:
    """Train and yield every step; a GPU tells of several at once (``Learner.late``).

    The learner ends with the weights of the best epoch (of the last without judge).

    judge: value on the rows to stop by, higher is better, asked at the end of an epoch, before its checkpoint; None: no
    opinion. keeper: a Keeper that resumes and writes checkpoints. reference: rows to align with.
    Raises DataError T101 when a loss is no number: no step from it on is kept, the last checkpoint stays, the rows are
    named; UsageError U154 for an alpha that aligns, without reference.
    """
    if weighing.alpha.reference and weighing.fixed is None and reference is None:
        raise UsageError("U154", alpha=type(weighing.alpha).__name__.lower())
    best = Best(recipe.patience)
    total = len(batches)
    start = keeper.resume(learner, weighing, ledger, best) if keeper else 0
    first = learner.moves - start  # a learner may have trained before
    taken: list[_Taken] = []
    for number in range(start, total):
        if best.enough:
            break
        rows, epoch = batches.steps[number], int(batches.epoch[number])
        progress, rate = number / total, recipe.rate(number, total)
        needs, ends = weighing.needs(progress), batches.ends_epoch(number)
        due = bool(keeper and keeper.due(number + 1, ends))
        if reference is not None and weighing.alpha.reference and reference.due(number, needs):
            learner.gradients.refresh(reference.at(number), needs)
        try:
            seen = learner.look(rows, needs)
            alpha = weighing.weigh(rows, seen, progress)
            seen = learner.move(alpha, rate)
            taken.append(_Taken(number, epoch, rows, alpha, rate, seen, learner.halved))
            if ends or due:
                learner.note()
        except learner.NotFinite as e:
            bad = e.step - first
            yield from _told([t for t in taken if t.number < bad], ledger, total)
            raise _not_finite(e.rows, row_key, bad, keeper) from e
        known = len(taken) - learner.unsaid
        steps = _told(taken[:known], ledger, total)
        taken = taken[known:]
        if ends:
            weighing.epoch(ledger.columns())
            value = judge() if judge else None
            best.add(value, learner)
            steps[-1] = replace(steps[-1], value=value, last=number + 1 == total or best.enough)
        if due:
            keeper.keep(number + 1, learner, weighing, ledger, best)
        yield from steps
    best.restore(learner)


@dataclass(frozen=True)
class _Taken:
    """A step that was taken; what was seen of it may still be on its way."""

    number: int
    epoch: int
    rows: Ints
    alpha: Floats | None
    rate: float
    seen: Mapping[str, AnyArray]
    halved: int


def _told(taken: Sequence[_Taken], ledger: Ledger, total: int) -> list[Step]:
    """Note steps of which all has been told, and return them."""
    out = []
    for place, t in enumerate(taken, 1):
        ledger.add(t.rows, t.epoch, t.seen, t.alpha, t.rate)
        loss, length = float(np.nanmean(t.seen["loss"])), float(t.seen["length"])
        more = place < len(taken)
        out.append(
            Step(t.epoch, t.number, total, loss, _ess(t.alpha), t.rate, length, len(t.rows), halved=t.halved, more=more)
        )
    return out


class Best:
    """The best epoch so far, with its weights in memory. patience: epochs without a better one until it is enough."""

    def __init__(self, patience: int) -> None:
        self.patience, self.value, self.since = patience, -np.inf, 0
        self.weights: Any = None

    def add(self, value: float | None, learner: Any) -> None:
        if value is None:
            return
        if value > self.value:
            self.value, self.since, self.weights = value, 0, learner.snapshot()
        else:
            self.since += 1

    @property
    def enough(self) -> bool:
        return bool(self.patience) and self.since >= self.patience

    def restore(self, learner: Any) -> None:
        if self.weights is not None:
            learner.restore(self.weights)


def disjoint(reference: Ints, training: Ints, group: Ints) -> Ints:
    """Return the rows of ``reference`` that share no group with the rows of ``training``.

    Raises DataError T102 when none are left: aligning with what is trained on says nothing.
    """
    kept = reference[~np.isin(group[reference], group[training])]
    if not len(kept):
        raise DataError("T102", count=len(reference))
    return kept


def _ess(alpha: Floats | None) -> float:
    return 1.0 if alpha is None else effective_sample_size(alpha) / max(len(alpha), 1)


def _not_finite(rows: Ints, row_key: Strings, step: int, keeper: Any) -> DataError:
    keys = ", ".join(str(k) for k in row_key[rows[:5]])
    kept = keeper.where() if keeper else "-"
    return DataError("T101", step=step, count=len(rows), keys=keys, kept=kept)
