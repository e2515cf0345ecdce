"""What a step asks of per-sample gradients: their lengths, and how they lie to a reference direction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from steelyard.values.arrays import AnyArray, Ints, Mask


class Open:
    """A watched step that waits for alpha."""

    def __init__(self, watched: Any, n: int, rows: int, norm: bool, dot: Any) -> None:
        self._context = watched.step(n, rows=rows, norm=norm, dot=dot)
        self.step = self._context.__enter__()

    def form(self, alpha: torch.Tensor | None) -> None:
        """Add (1/n) sum alpha_i g_i to the gradients, and end the step."""
        self.step.form(alpha)
        self.close()

    def close(self) -> None:
        """End the step; what was kept for forming is let go."""
        self._context.__exit__(None, None, None)


#: Signals that need the gradient of each sample.
GRADIENT = frozenset({"norm", "dot", "dot_adam"})


class Gradients:
    """Watches a learner's network when asked to; before that it costs nothing.

    The reference is the mean gradient of reference rows, which training never sees, smoothed over refreshes. ``dot``
    is <g_i, m>, the sign that L2RW uses; ``dot_adam`` is <g_i, P m> with Adam's own P = 1/(sqrt(v) + eps),
    applied to m alone: what one Adam step on the row would do to the reference loss, to first order.
    """

    smooth = 0.7  # share of the older reference that stays at a refresh
    stride = 1e-3  # length of the step of a secant: above what fp32 losses cannot tell, below what bends
    alike = 8  # rows of the reference that a processor reads at once
    rank = 16  # of the reference per matrix: an inner product with it costs one or two per cent of a step

    def __init__(self, learner: Any) -> None:
        self.learner = learner
        self.mean: dict[str, torch.Tensor] = {}
        self._directions: dict[str, Any] = {}
        self._watched: Any = None

    def refresh(self, rows: Ints, needs: Sequence[str] = ("dot", "dot_adam")) -> None:
        """Take the mean gradient of reference rows (k,) into the reference; the directions needed are made anew."""
        from steelyard.gradients import Direction

        learner = self.learner
        self.pause()
        learner.module.train()
        for name, g in self._mean_gradient(rows).items():
            old = self.mean.get(name)
            self.mean[name] = g if old is None else self.smooth * old + (1 - self.smooth) * g
        plain = Direction.of(self.mean)
        self._directions = {"dot": plain.low_rank(self.rank)} if "dot" in needs else {}
        if learner.moves and "dot_adam" in needs:
            adam = plain.preconditioned(learner.module, learner.optimiser)
            self._directions["dot_adam"] = adam.low_rank(self.rank)

    def step(self, rows: Ints, needs: Sequence[str], n: int, part: int = 0, keep: Ints | None = None) -> Open:
        """Return the open step of rows (b,), whose signals the learner notes; losses are scaled by 1/n.

        keep: places of the rows in the batch looked at. Raises Uncovered when a layer has no rule.
        """
        from steelyard.gradients import watch

        if self._watched is None:
            self._watched = watch(self.learner.module)
        wanted = [name for name in ("dot", "dot_adam") if name in needs]
        known = [name for name in wanted if name in self._directions]
        direction = self._directions[known[0]] if known else None
        opened = Open(self._watched, len(rows), self.learner.task.texts_a_sample, "norm" in needs, direction)
        try:
            losses = self.learner.forward(rows, part, keep)
            opened.step.backward(losses, scale=1.0 / n)
            seen = {"norm": opened.step.norm()} if "norm" in needs else {}
            for name in wanted:
                direction = self._directions.get(name)
                seen[name] = torch.zeros_like(losses) if direction is None else opened.step.dot(direction)
            self.learner.telling.also(seen)
        except BaseException:
            opened.close()
            raise
        return opened

    def read(self, rows: Ints, direction: Any = None) -> tuple[AnyArray, AnyArray]:
        """Return (k,) gradient lengths of rows and their products with a direction (0 without); nothing is trained."""
        from steelyard.gradients import watch

        self.pause()
        learner = self.learner
        learner.module.eval()
        seen = np.zeros((2, len(rows)))
        texts = learner.task.texts_a_sample
        order = np.argsort(-learner.encoded.length[rows], kind="stable")

        def pass_by(places: Ints) -> None:
            mask = learner.tensors(rows[places]).get("attention_mask")
            with watched.step(len(places), rows=texts, norm=True, dot=direction, mask=mask) as step:
                step.backward(learner.losses_of(rows[places]), scale=1.0)
                found = [step.norm()] if direction is None else [step.norm(), step.dot(direction)]
                seen[: len(found), places] = _array(torch.stack(found))

        with watch(learner.module, scoring=True) as watched:
            learner.room.each(order, pass_by)
        return seen[0], seen[1]

    def alignments(self, rows: Ints, sample: int = 256, seed: int = 0) -> tuple[AnyArray, AnyArray]:
        """Return (k,) gradient lengths of rows and cosines with the mean gradient of ``sample`` of them.

        A row that is in the sample is taken out of the mean before it is compared. The cosine is with a low-rank
        mean (``rank`` a matrix); the lengths are exact.
        """
        from steelyard.gradients import Direction

        inside = _drawn(len(rows), sample, seed)
        self.pause()
        self.learner.module.eval()
        mean = Direction.of(self._mean_gradient(rows[inside]))
        norm, dot = self.read(rows, mean.low_rank(self.rank))
        size, m = np.full(len(rows), mean.length**2), max(int(inside.sum()), 2)
        size[inside] = (m**2 * size[inside] - 2 * m * dot[inside] + norm[inside] ** 2) / (m - 1) ** 2
        dot[inside] = (m * dot[inside] - norm[inside] ** 2) / (m - 1)
        scale = norm * np.sqrt(np.maximum(size, 0.0))
        return norm, np.clip(np.divide(dot, scale, out=np.zeros_like(dot), where=scale > 1e-12), -1, 1)

    def secants(self, rows: Ints, sample: int = 256, seed: int = 0) -> AnyArray:
        """Return (k,) <g_i, m> / |m|, nats per unit length, to first order, for a network that has no gradient rules.

        Each row's loss is read before and after a short step down the mean gradient m of ``sample`` of the rows; half
        of the sample is read by the other half, so that no row is in its own m. Two forward passes, without autocast:
        bf16 would drown the difference.
        """
        from steelyard.gradients import secant

        self.pause()
        self.learner.module.eval()
        inside = _drawn(len(rows), sample, seed)
        drawn, out = np.flatnonzero(inside), np.zeros(len(rows))
        for read, by in ((np.flatnonzero(~inside), drawn), (drawn[::2], drawn[1::2]), (drawn[1::2], drawn[::2])):
            if len(read) and len(by):
                mean = self._mean_gradient(rows[by])
                length = float(sum(g.double().square().sum() for g in mean.values())) ** 0.5
                delta = {name: g * (-self.stride / max(length, 1e-30)) for name, g in mean.items()}
                fallen = secant(self.learner.module, partial(self._losses, rows[read]), delta)
                out[read] = _array(fallen) / self.stride
        return out

    def pause(self) -> None:
        """Give the network back its own forward passes, until the next step."""
        if self._watched is not None:
            self._watched.close()
            self._watched = None

    def state(self) -> dict[str, torch.Tensor]:
        """Return the reference and its directions, flat: between two refreshes both are needed."""
        out = {f"r.{name}": value for name, value in self.mean.items()}
        for which, direction in self._directions.items():
            out |= {f"d.{which}.{name}": value for name, value in direction.tensors().items()}
        return {name: value.detach().cpu().clone() for name, value in out.items()}

    def resume(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from ``state``."""
        from steelyard.gradients import Direction

        device = self.learner.device
        self.mean = {k[2:]: v.to(device) for k, v in state.items() if k.startswith("r.")}
        kept: dict[str, dict[str, torch.Tensor]] = {}
        for key, value in state.items():
            if key.startswith("d."):
                _, which, name = key.split(".", 2)
                kept.setdefault(which, {})[name] = value.to(device)
        self._directions = {which: Direction.of_tensors(tensors) for which, tensors in kept.items()}

    def _losses(self, rows: Ints) -> torch.Tensor:
        learner = self.learner
        found = torch.zeros(len(rows), dtype=torch.float64, device=learner.device)

        def pass_by(places: Ints) -> None:
            batch = learner.tensors(rows[places])
            losses = learner.task.losses(learner.task.output(learner.module, batch), batch)
            found[torch.from_numpy(places).to(learner.device)] = losses.double()

        learner.reading.each(np.argsort(-learner.encoded.length[rows], kind="stable"), pass_by)
        return found

    def _mean_gradient(self, rows: Ints) -> dict[str, torch.Tensor]:
        """Return the mean gradient of rows (k,); a processor reads few of like length at once, for less padding."""
        learner, most = self.learner, None
        if not learner.on_gpu and learner.task.unit == "row":
            rows, most = rows[np.argsort(learner.encoded.length[rows], kind="stable")], self.alike

        def summed() -> dict[str, torch.Tensor]:
            total: dict[str, torch.Tensor] = {}
            for number, part in enumerate(learner.parts(rows, most)):
                loss = learner.losses_of(rows[part], number).sum() / len(rows)
                found = torch.autograd.grad(loss, list(learner.trained.values()), allow_unused=True)
                for name, g in zip(learner.trained, found, strict=True):
                    if g is not None:
                        total[name] = total[name] + g if name in total else g
            return total

        mean: dict[str, torch.Tensor] = learner.room.again(len(rows), summed)
        return mean


def _drawn(n: int, sample: int, seed: int) -> Mask:
    """Return (n,) which rows are in a sample."""
    inside = np.zeros(n, bool)
    inside[np.random.default_rng(seed).permutation(n)[:sample]] = True
    return inside


def _array(values: Any) -> AnyArray:
    return values.detach().double().cpu().numpy()
