"""A network with its optimiser, one step at a time: look at a batch, be told alpha, move.

    theta <- theta - rate * mean(alpha_i g_i)

``look`` says what can be known of the batch before the step; ``move`` takes the step. In between, somebody who knows
nothing of torch decides alpha. A GPU waits for the processor when numbers change sides: once a step where alpha is
decided by this very step, else once in ``LATE`` steps, which are then told of together. Rows pass through the network
in parts of ``micro_batch``; alpha is decided once for the whole batch, so that parts change nothing but memory. When
memory runs out the parts are halved, see ``_memory``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from steelyard.gradients.device import over
from steelyard.parts.models._adapting import HEADS, allocate
from steelyard.parts.models._gradients import GRADIENT, Gradients
from steelyard.parts.models._memory import Room
from steelyard.parts.models._telling import NotFinite, Seen, Telling
from steelyard.values.arrays import Floats, Ints
from steelyard.values.encoded import Encoded
from steelyard.values.recipe import Recipe

PREDICT_ROWS = 64
LATE = 16  # steps that a GPU takes, at most, before their numbers are fetched


class Learner:
    """module: the network, in training mode while it learns. task, encoded: what it reads. pad: id of the pad token.

    room: rows that pass at once where gradients are asked; reading: where nothing but predictions is. late: steps that
    may be taken before ``note`` must tell of them; ``unsaid``: those of which it has not.
    """

    NotFinite = NotFinite

    def __init__(self, module: Any, task: Any, encoded: Encoded, recipe: Recipe, pad: int) -> None:
        self.module, self.task, self.encoded, self.recipe, self.pad = module, task, encoded, recipe, pad
        first = next(module.parameters())
        self.device, self.dtype = first.device, torch.promote_types(first.dtype, torch.float32)
        self.on_gpu = self.device.type == "cuda"
        self.trained = {n: p for n, p in module.named_parameters() if p.requires_grad}
        self.optimiser = torch.optim.AdamW(
            groups(self.trained, recipe), lr=recipe.learning_rate, fused=self.on_gpu or None
        )
        self.late = LATE if self.on_gpu else 1
        self.room = Room(recipe.micro_batch or recipe.batch_size, self.device)
        self.reading = Room(PREDICT_ROWS, self.device)
        self.gradients = Gradients(self)
        self.moves = 0
        self._rows: Ints = np.zeros(0, np.int64)
        self._seen: Seen = {}
        self.telling = Telling(self.device)
        self._open: Any = None  # losses with their graph, or a watched step: the batch went through in one part

    @property
    def micro(self) -> int:
        """Rows that pass at once while it learns, at most."""
        return self.room.rows

    @property
    def unsaid(self) -> int:
        """Steps taken whose numbers are still on the device; ``note`` fetches them."""
        return self.telling.steps(self.moves)

    @property
    def halved(self) -> int:
        """Times that memory ran out."""
        return self.room.halved + self.reading.halved

    @property
    def rows_a_part(self) -> int:
        """The fewest rows that pass at once since memory ran out; 0 when it did not."""
        return min((room.rows for room in (self.room, self.reading) if room.halved), default=0)

    def look(self, rows: Ints, needs: Sequence[str] = ()) -> Seen:
        """Return what is needed of rows (n,) before the step: name -> (n,), in the order of ``rows``.

        needs: of loss, margin, confidence, right, el2n (a forward pass), norm, dot, cosine (with a backward pass that
        forms no weight gradient). Raises NotFinite, or lets ``move`` or ``note`` raise it where nothing is needed.
        """
        self.module.train()
        self._rows, self._open, self._seen = rows, None, {}

        def pass_by() -> None:
            self.telling.forget(self.moves)
            parts = self.parts(rows)
            if len(parts) == 1:
                self._open = self._one_part(rows, needs)
            elif needs:
                self._gather(rows, parts, needs)

        self.room.again(len(rows), pass_by)
        if needs:
            try:
                self.note()
            except NotFinite:
                self._drop()
                raise
        return {name: self._seen[name] for name in needs}

    def move(self, alpha: Floats | None, rate: float) -> Seen:
        """Take the step on the rows looked at, with weights alpha (n,) or untouched (None); return all that was seen.

        The gradient is (1/n) sum_i alpha_i g_i over the n rows, clipped to the recipe's length. Rows of weight 0 cost
        nothing when the batch is in parts. ``length``: of the step's gradient before clipping. What is returned is
        filled by ``note``, which ``move`` calls itself once ``late`` steps wait for it. Raises NotFinite.
        """
        while True:
            try:
                self._backward(alpha)
                break
            except (RuntimeError, MemoryError) as e:
                self._drop()
                self.room.halve(e, len(self._rows))
        self._open = None
        limit = self.recipe.clip or float("inf")
        length = torch.nn.utils.clip_grad_norm_(self.trained.values(), limit)
        self.telling.wait(self._seen, self.moves, len(self._rows), {"length": length}, self._rows)
        if self.unsaid + 1 >= self.late:
            try:
                self.note()
            except NotFinite:
                self._drop()
                raise
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        self.optimiser.step()
        self.moves += 1
        allocate(self.module, self.moves)
        self.optimiser.zero_grad(set_to_none=True)
        return self._seen

    def parts(self, rows: Ints, most: int | None = None) -> list[Ints]:
        """Return positions in ``rows`` that pass together: micro_batch rows or fewer (``most``), query lists whole."""
        n, most = len(rows), min(most or self.micro, self.micro)
        if n <= most:
            return [np.arange(n)]
        if self.task.unit == "row":
            return [np.arange(s, min(s + most, n)) for s in range(0, n, most)]
        bounds = [0, *(np.flatnonzero(np.diff(self.encoded.group[rows])) + 1), n]
        parts, start = [], 0
        for stop, after in zip(bounds[1:], [*bounds[2:], None], strict=True):
            if after is None or after - start > most:
                parts.append(np.arange(start, stop))
                start = stop
        return parts

    def tensors(self, rows: Ints) -> dict[str, torch.Tensor]:
        """Return the batch of rows on the device."""
        arrays = self.task.batch(self.encoded, rows, self.pad)
        return {k: over(torch.from_numpy(np.ascontiguousarray(v)), self.device) for k, v in arrays.items()}

    def forward(self, rows: Ints, part: int = 0, keep: Ints | None = None) -> torch.Tensor:
        """Return (n,) losses with their graph; what was seen at ``keep`` (all rows by default) waits for ``note``."""
        output, batch = self._output(rows, part)
        losses = self.task.losses(output, batch)
        with torch.no_grad():
            seen = {"loss": losses.detach(), **self.task.observed(output.detach(), batch, losses.detach())}
        self.telling.wait(self._seen, self.moves, len(self._rows), seen, rows, keep)
        return losses

    def note(self) -> None:
        """Bring what waits over to NumPy, in one transfer, into what ``look`` and ``move`` gave. Raises NotFinite."""
        self.telling.tell()

    def losses_of(self, rows: Ints, part: int = 0) -> torch.Tensor:
        """Return (n,) losses with their graph; nothing is noted."""
        output, batch = self._output(rows, part)
        return self.task.losses(output, batch)

    def predict(self, rows: Ints) -> Any:
        """Return predictions of rows (k,): (k, c), (k,), or for taggers a list of (t, c), in the order of ``rows``."""
        self.module.eval()
        self.gradients.pause()
        out: list[Any] = [None] * len(rows)
        order = np.argsort(-self.encoded.length[rows], kind="stable")

        def pass_by(places: Ints) -> None:
            batch = self.tensors(rows[places])
            with self.autocast():
                output = self.task.output(self.module, batch)
            said = self.task.predict(output, batch).float().cpu().numpy()
            for place, row in zip(places, said, strict=True):
                out[place] = row

        with torch.inference_mode():
            self.reading.each(order, pass_by)
        return out if self.task.head == "token" else np.array(out)

    def autocast(self) -> Any:
        bf16 = self.recipe.precision == "bf16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=bf16)

    def snapshot(self) -> dict[str, torch.Tensor]:
        """Return a copy of the trained weights, in memory."""
        return {n: p.detach().cpu().clone() for n, p in self.trained.items()}

    def restore(self, weights: dict[str, torch.Tensor]) -> None:
        """Put weights of ``snapshot`` back."""
        with torch.no_grad():
            for name, value in weights.items():
                self.trained[name].copy_(value)

    def state(self) -> dict[str, torch.Tensor]:
        """Return everything a resumed training needs of the network and its optimiser, flat, by name."""
        out = {f"p.{n}": v for n, v in self.snapshot().items()}
        for name, parameter in self.trained.items():
            for key, value in self.optimiser.state.get(parameter, {}).items():
                out[f"o.{key}.{name}"] = value.detach().cpu().clone()
        rooms = {"room": self.room.state(), "reading": self.reading.state()}
        return {**out, **self.gradients.state(), **rooms, "moves": torch.tensor(self.moves)}

    def resume(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from ``state``."""
        self.telling.forget()
        self.restore({n[2:]: v for n, v in state.items() if n.startswith("p.")})
        for name, parameter in self.trained.items():
            own = {k.split(".", 2)[1]: v for k, v in state.items() if k.startswith("o.") and k.split(".", 2)[2] == name}
            if own:
                self.optimiser.state[parameter] = {
                    k: v.clone() if k == "step" and not self.on_gpu else v.to(parameter.device) for k, v in own.items()
                }
        self.gradients.resume(state)
        self.moves = int(state["moves"])
        self.room.resume(state["room"])
        self.reading.resume(state["reading"])

    def save(self, path: Any) -> None:
        """Write ``state`` as safetensors."""
        from safetensors.torch import save_file

        save_file(self.state(), path)

    def load(self, path: Any) -> None:
        """Go on from a file of ``save``."""
        from safetensors.torch import load_file

        self.resume(load_file(path))

    def save_weights(self, weights: dict[str, torch.Tensor], path: Any) -> None:
        """Write a snapshot as safetensors."""
        from safetensors.torch import save_file

        save_file(weights, path)

    def weights_from(self, path: Any) -> dict[str, torch.Tensor]:
        """Return a snapshot that ``save_weights`` wrote."""
        from safetensors.torch import load_file

        return load_file(path)

    def _output(self, rows: Ints, part: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        batch = self.tensors(rows)
        with self._dropout(part), self.autocast():
            return self.task.output(self.module, batch), batch

    def _one_part(self, rows: Ints, needs: Sequence[str]) -> Any:
        if set(needs) & GRADIENT:
            return self.gradients.step(rows, needs, len(rows))
        return self.forward(rows)

    def _gather(self, rows: Ints, parts: list[Ints], needs: Sequence[str]) -> None:
        for number, part in enumerate(parts):
            if set(needs) & GRADIENT:
                self.gradients.step(rows[part], needs, len(rows), number, part).close()
            else:
                with torch.no_grad():
                    self.forward(rows[part], number, part)

    def _backward(self, alpha: Floats | None) -> None:
        n = len(self._rows)
        weight = None if alpha is None else torch.from_numpy(np.array(alpha, np.float64)).to(self.dtype)
        if self._open is not None:
            if isinstance(self._open, torch.Tensor):
                self._weighted(self._open, weight).backward()
            else:
                self._open.form(weight)
            return
        self.gradients.pause()
        used = np.arange(n) if alpha is None else np.flatnonzero(np.asarray(alpha) != 0)
        if self.task.unit == "query":
            used = np.arange(n)
        for number, part in enumerate(self.parts(self._rows[used])):
            places = used[part]
            losses = self.forward(self._rows[places], number, places)
            own = None if weight is None else weight[torch.from_numpy(places)]
            self._weighted(losses, own).backward()

    def _weighted(self, losses: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        return (losses if weight is None else losses * over(weight, self.device)).sum() / len(self._rows)

    def _drop(self) -> None:
        """Let go what the step has kept and formed so far."""
        if self._open is not None and not isinstance(self._open, torch.Tensor):
            self._open.close()
        self._open = None
        self.optimiser.zero_grad(set_to_none=True)

    @contextlib.contextmanager
    def _dropout(self, part: int) -> Iterator[None]:
        """Draw dropout from (seed, step, part), so that a step can be repeated and a training resumed exactly."""
        devices = [self.device] if self.on_gpu else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed((self.recipe.seed * 1_000_003 + self.moves) * 1009 + part)
            yield


def groups(parameters: dict[str, Any], recipe: Recipe) -> list[dict[str, Any]]:
    """Return AdamW's groups: matrices decay, vectors (biases, norms) do not (Devlin et al. 2019, A.2); heads apart when
    their rate differs. ``share``: of the rate."""
    out = []
    for head in (False, True):
        own = [
            p for n, p in parameters.items() if (recipe.head_rate != 1 and bool(set(n.split(".")) & set(HEADS))) == head
        ]
        share = recipe.head_rate if head else 1.0
        for matrices, decay in ((True, recipe.weight_decay), (False, 0.0)):
            chosen = [p for p in own if (p.ndim > 1) == matrices]
            if chosen:
                out.append({"params": chosen, "weight_decay": decay, "share": share})
    return out
