"""Arming: every arm fine-tunes the same network, from the same head, in the same order of rows; only alpha differs.

Weights decided before training come from the quick models, a small proxy that never saw the row. Weights decided
inside the step come from the network's own gradients and margins; the proxy is asked there too, of what the labels of
reference rows are worth and of a row before its first visit, unless an alpha's options say no (``acts.proxying``).
Alphas that align need reference rows, and get half of the groups to stop by, so that no row both weighs and stops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steelyard.acts import batching
from steelyard.acts.cells import STEP, WRONG_ROWS
from steelyard.acts.finetuning import Reference, train
from steelyard.acts.folding import folds
from steelyard.acts.ledger import Ledger
from steelyard.acts.proxying import Proxy
from steelyard.acts.stages import Keep
from steelyard.acts.training import Trained, Way
from steelyard.acts.weighing import Prior, Weighing
from steelyard.features.table import Table
from steelyard.values.arrays import AnyArray, Floats, Ints, Strings
from steelyard.values.encoded import Encoded
from steelyard.values.levels import Levels
from steelyard.values.recipe import Recipe


@dataclass(frozen=True)
class Networks:
    """What the arms of a cell share. task, model: parts; encoded: all rows of the table; outputs: of the head.

    alphas: name -> Alpha, the arms that decide inside the step, each with its shuffled control. uniform: an Alpha.
    """

    task: Any
    model: Any
    encoded: Encoded
    outputs: int
    recipe: Recipe
    row_key: Strings
    uniform: Any
    alphas: Mapping[str, Any]

    def ways(self, count: int) -> list[Way]:
        """Return the arms that decide inside the step, for ``count`` rows to learn from."""
        ones = np.ones(count)
        return [
            Way(STEP + name + end, ones, None, alpha=alpha, shuffled=bool(end))
            for name, alpha in self.alphas.items()
            for end in ("", WRONG_ROWS)
        ]

    def train(
        self,
        table: Table,
        ways: list[Way],
        learn: Ints,
        stop: Ints,
        test: Ints,
        seed: int,
        judge: Callable[[Floats, Ints], float],
        keep: Keep,
        proxy: Proxy | None = None,
    ) -> list[Trained]:
        """Train all arms; each keeps its best epoch by ``judge`` (probabilities, rows) on the rows to stop by.

        An arm is a stage of its own. The arms without weights share one training: stopped early, and at its end.
        proxy: what the quick models say of the rows; None: the labels as given are all that is known.
        """
        reference = trusted = None
        if any(w.alpha and w.alpha.reference for w in ways):
            reference, stop = _halves(table, stop, seed)
        if proxy is not None and reference is not None and any(_trusts(w.alpha) for w in ways):
            trusted = proxy.reference(reference)
        known = _Known(reference, trusted, None if proxy is None else proxy.margin())
        plain = [w for w in ways if w.target is None and w.alpha is None and bool(np.all(w.weight == 1))]
        done: dict[str, Trained] = {}
        for way in ways:
            if way.name in done:
                continue
            same = plain if way in plain else [way]

            def fit(way: Way = way) -> Mapping[str, AnyArray]:
                return self._fit(table, way, learn, stop, test, seed, judge, known)

            arrays = keep(f"arm-{same[0].name}", fit)
            for w in same:
                p = arrays["best" if w.early else "last"]
                done[w.name] = Trained(w.name, p, int(arrays["rows"]), float(arrays["ess"]))
        return [done[w.name] for w in ways]

    def _fit(
        self,
        table: Table,
        way: Way,
        learn: Ints,
        stop: Ints,
        test: Ints,
        seed: int,
        judge: Callable[[Floats, Ints], float],
        known: _Known,
    ) -> dict[str, AnyArray]:
        """Return what one arm says of the test rows, (t, c), at its best epoch and at the end; n_eff; the rows that
        pass through the network in an epoch, looks at reference rows among them."""
        n = len(table)
        used = way.weight > 0
        encoded = self.encoded if way.target is None else _softened(self.encoded, table, way.target, learn)
        at = None
        if known.reference is not None and way.alpha is not None and way.alpha.reference:
            at = Reference.of(known.reference, way.alpha)
            if known.trusted is not None and _trusts(way.alpha):
                at = Reference.of(known.trusted[0], way.alpha)
                encoded = _softened(encoded, table, known.trusted[1], known.trusted[0])
        recipe = replace(self.recipe, seed=seed)
        group = encoded.group if self.task.unit == "query" else None
        batches = batching.plan(learn[used], encoded.length, group, recipe.epochs, recipe.batch_size, seed)
        learner = self.model.learner(self.task, encoded, self.outputs, recipe, len(batches))
        fixed = None
        if way.alpha is None and not np.all(way.weight[used] == way.weight[used][:1]):
            fixed = np.ones(n)
            fixed[learn] = way.weight
        visits = float(getattr(way.alpha, "prior", 0.0))
        prior = None if known.margin is None or not visits else Prior(known.margin, visits)
        alpha = way.alpha or self.uniform
        weighing = Weighing(n, alpha, fixed=fixed, shuffled=way.shuffled, seed=seed, prior=prior)
        levels: dict[str, Levels] = {}
        last: list[Floats] = []

        def value() -> float:
            p_stop = self._grades(table, learner.predict(stop), stop, levels)
            if batches.ends_epoch(learner.moves - 1) and learner.moves == len(batches):
                last.append(self._grades(table, learner.predict(test), None, levels))
            return judge(p_stop, stop)

        ledger = Ledger(n, recipe.epochs)
        steps = train(learner, batches, weighing, ledger, recipe, self.row_key, judge=value, reference=at)
        sizes = [step.ess for step in steps]
        if levels:  # one number on the scale: what it means is read off the best epoch
            self._grades(table, learner.predict(stop), stop, levels)
        best = self._grades(table, learner.predict(test), None, levels)
        rows = used.sum() + _looked_at(at, weighing, len(sizes), len(batches)) / recipe.epochs
        return {"best": best, "last": last[-1], "rows": np.array(round(rows)), "ess": np.array(np.mean(sizes))}

    def _grades(self, table: Table, said: Floats, stop: Ints | None, levels: dict[str, Levels]) -> Floats:
        """Return (k, c) probabilities; one number on the scale becomes grades by the levels of the rows to stop by."""
        if said.ndim == 2:
            return said.astype(np.float32)
        if stop is not None:
            levels["now"] = Levels.of(said, np.eye(table.classes)[np.maximum(table.label[stop], 0)])
        return levels["now"].outcome(said)


@dataclass(frozen=True)
class _Known:
    """What the arms of a cell know before training: reference rows (r,); those that the proxy trusts, with the labels
    (k, c) it gives them; margins (n,) of rows to learn from."""

    reference: Ints | None
    trusted: tuple[Ints, Floats] | None
    margin: Floats | None


def _trusts(alpha: Any) -> bool:
    """Whether an alpha takes the labels of reference rows for what the proxy says that they are."""
    return bool(getattr(alpha, "trusted", False))


def _looked_at(at: Reference | None, weighing: Weighing, taken: int, total: int) -> int:
    """Return how many reference rows pass, forwards and backwards, in ``taken`` of ``total`` steps."""
    if at is None:
        return 0
    return sum(len(at.at(step)) for step in range(taken) if at.due(step, weighing.needs(step / total)))


def _halves(table: Table, stop: Ints, seed: int) -> tuple[Ints, Ints]:
    """Return reference rows and rows to stop by: halves of the groups, the same for every arm."""
    half = folds(table.group[stop], 2, seed + 2) == 0
    return stop[half], stop[~half]


def _softened(encoded: Encoded, table: Table, target: Floats, learn: Ints) -> Encoded:
    """Return the rows with (k, c) soft targets for the rows ``learn``; for a number on the scale, their mean place."""
    whole = np.eye(table.classes)[np.maximum(table.label, 0)]
    whole[learn] = target
    more = {"soft": whole.astype(np.float32)}
    if "place" in encoded.target and table.positions is not None:
        more["place"] = (whole @ table.positions).astype(np.float32)
    return replace(encoded, target={**encoded.target, **more})
