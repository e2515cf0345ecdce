"""Scoring, full tier: a network fine-tuned once a fold reads the rows it never saw; the quick tier's models vote too.

What is said of a row - probability after every epoch, gradient length over all layers, alignment with other unseen
rows (a secant where a layer has no gradient rule) - comes from the network that did not train on it. What training
itself showed (AUM, forgetting) comes from the ledgers of the other folds' networks. The blend with the quick tier is
the one with the least out-of-fold loss, so that a network that knows less than words and overlaps cannot make the
evidence worse.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steelyard.acts import batching, repairing
from steelyard.acts.checkpointing import Keeper
from steelyard.acts.finetuning import Step, train
from steelyard.acts.ledger import Ledger
from steelyard.acts.passes import graded, loss_of
from steelyard.acts.stages import Keep, Progress
from steelyard.acts.tracking import follow, started
from steelyard.acts.weighing import Weighing
from steelyard.features.table import Table
from steelyard.values.arrays import AnyArray, Floats, Ints, Mask
from steelyard.values.encoded import Encoded
from steelyard.values.recipe import Recipe
from steelyard.values.samples import Samples

#: Columns of the ledger that a full run keeps beside the others, means over the trainings that saw the row.
SEEN = {"aum": "aum", "forgetting": "forgetting_seen", "loss_ema": "loss_seen"}


@dataclass(frozen=True)
class Networks:
    """What trains: task and model parts, the uniform Alpha, the recipe; folder: of checkpoints.

    trackers: follow the training of each fold, one after the other.
    """

    task: Any
    model: Any
    uniform: Any
    recipe: Recipe
    folder: Path
    trackers: tuple[Any, ...] = ()


def measure(
    samples: Samples,
    table: Table,
    quick: Mapping[str, AnyArray],
    how: Networks,
    *,
    k: int,
    keep: Keep,
    progress: Progress,
) -> tuple[dict[str, AnyArray], dict[str, Any]]:
    """Return the signals of every row, the quick tier's with the networks' in and over them, and facts for run.json.

    quick: what ``scoring.measure`` said, with its folds. Raises what loading and training raise.
    """
    tokenizer = how.model.tokenizer()
    encoded = how.task.encode(samples, tokenizer)
    fold = quick["fold"]
    mute = quick["marked"] > 0
    taught = table.muted(mute)
    done = []
    for f in range(k):

        def one(f: int = f) -> dict[str, AnyArray]:
            return _fold(
                samples, table, encoded, fold, f, mute, how, lambda step: progress("network", *_at(step, f, k))
            )

        done.append(keep(f"network-{f}", one))
    whole = {
        name: _joined([d[name] for d in done], fold) for name in ("said", "norm", "cosine", "learned", "trajectory")
    }
    network = graded(taught, whole["said"], fold, k)
    share = _share(network, quick["probability"], taught.label)
    probability = share * network + (1 - share) * quick["probability"]
    least = repairing.kept(repairing.levelled(probability, taught.label), taught.label)
    matrix = repairing.confident_mixing(network, taught.label, least)
    clean = share * repairing.unmixed(network, matrix) + (1 - share) * quick["repaired"]
    matrix = repairing.mixing(clean, taught.label, least)
    signals = {
        **quick,
        "probability": probability.astype(np.float32),
        "probability_network": network.astype(np.float32),
        "repaired": clean.astype(np.float32),
        "latest": clean.astype(np.float32),
        "posterior": repairing.posterior(clean, taught.label, matrix).astype(np.float32),
        "learned": whole["learned"].astype(np.int8),
        "trajectory": whole["trajectory"].astype(np.float32),
        "gradient_norm": whole["norm"],
        "alignment": whole["cosine"],
        "loss_unseen": _loss(table, whole["trajectory"][:, -1]),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a row that no training saw has no mean
        signals |= {called: np.nanmean([d[name] for d in done], axis=0) for name, called in SEEN.items()}
    facts = {
        "blend_network": share,
        "log_loss_network": loss_of(network, taught.label),
        "curves": {
            name: [[round(float(v), 5) for v in d["curve"][i]] for d in done]
            for i, name in enumerate(("training", "held_out"))
        },
        "uncovered": {str(name): str(reason) for name, reason in done[0]["uncovered"]},
        "rows_a_part": min((int(d["parts"]) for d in done if d["parts"]), default=None),
        "truncated": {
            "rows": int(encoded.truncated.sum()),
            "tokens": int(encoded.dropped.sum()),
            "limit": how.task.reads(tokenizer),
        },
    }
    return signals, facts


def _at(step: Step, f: int, k: int) -> tuple[int, int]:
    return f * step.steps + step.step + 1, k * step.steps


def _fold(
    samples: Samples, table: Table, encoded: Encoded, fold: Ints, f: int, mute: Mask, how: Networks, tell: Any
) -> dict[str, AnyArray]:
    """Train blind to fold f and to the rows ``mute``; return what the network says of the fold (h first axis),
    and the ledger (n,)."""
    from steelyard.gradients import Uncovered

    recipe, task = how.recipe, how.task
    held = np.flatnonzero(fold == f)
    rows = encoded.rows[(fold[encoded.rows] != f) & ~mute[encoded.rows]]
    group = encoded.group if task.unit == "query" else None
    batches = batching.plan(rows, encoded.length, group, recipe.epochs, recipe.batch_size, recipe.seed + f)
    learner = how.model.learner(task, encoded, task.outputs(samples), recipe, len(batches))
    ledger = Ledger(len(samples), recipe.epochs)
    kept = how.folder / f"fold-{f}"
    keeper = Keeper(kept, identity={"steps": len(batches), "fold": f, **vars(recipe)})
    epochs = [kept / f"said-{e}.npy" for e in range(recipe.epochs)]

    def listen() -> None:
        """Write down what the network says of the held-out rows, before the checkpoint that ends the epoch."""
        kept.mkdir(parents=True, exist_ok=True)
        np.save(epochs[int(batches.epoch[learner.moves - 1])], _two(learner.predict(held)))

    weighing = Weighing(len(samples), how.uniform)
    steps = train(learner, batches, weighing, ledger, recipe, samples.row_key, judge=listen, keeper=keeper)
    config = {"fold": f, "rows": len(rows), "task": type(task).__name__, **vars(recipe)}
    with started(how.trackers, f"fold-{f}", config):
        for step in follow(steps, how.trackers):
            tell(step)
    after = {e: np.load(path, allow_pickle=False) for e, path in enumerate(epochs)}
    said = after[recipe.epochs - 1]
    right, path = _path(table, held, after, recipe.epochs)
    judged = (table.label[held] >= 0) & ~mute[held]
    known = held[judged]
    norm, cosine = np.full(len(held), np.nan), np.full(len(held), np.nan)
    uncovered: dict[str, str] = {}
    try:
        norm[judged], cosine[judged] = learner.gradients.alignments(known)
    except Uncovered as e:
        uncovered, cosine[judged] = e.parameters, learner.gradients.secants(known)
    shutil.rmtree(kept, ignore_errors=True)
    columns = ledger.columns()
    curve = np.stack([_curve(columns["trajectory"][rows]), _curve(path[judged])])
    parts = np.array(learner.rows_a_part)
    read = {"said": said, "norm": norm, "cosine": cosine, "learned": right, "trajectory": path}
    read |= {"curve": curve, "parts": parts, "uncovered": np.array([*uncovered.items()], str).reshape(-1, 2)}
    return {**read, **{name: columns[name] for name in SEEN}}


def _curve(confidence: Floats) -> Floats:
    """Return (e,) the mean of -log(confidence in the given label) after each epoch, nats."""
    return -np.log(np.maximum(confidence, 1e-6)).mean(0) if len(confidence) else np.zeros(confidence.shape[1])


def _two(said: Floats) -> Floats:
    """Return (h, o) outputs: class probabilities, or for a number on the scale its shares of the two ends."""
    return said if said.ndim == 2 else np.stack([1 - said, said], axis=1)


def _path(table: Table, held: Ints, after: Mapping[int, Floats], epochs: int) -> tuple[Floats, Floats]:
    """Return (h, e) whether the given label won after each epoch, and its probability."""
    right, path = np.zeros((len(held), epochs)), np.zeros((len(held), epochs))
    label = np.maximum(table.label[held], 0)
    for epoch, said in after.items():
        if said.shape[1] == table.classes and not table.numbered:
            path[:, epoch] = said[np.arange(len(held)), label]
            right[:, epoch] = said.argmax(1) == table.label[held]
        elif table.positions is not None:
            away = np.abs(said[:, 1] - table.positions[label])
            path[:, epoch], right[:, epoch] = 1 - away, away < 0.5
    return right, path


def _loss(table: Table, confidence: Floats) -> Floats:
    """Return (n,) the networks' own loss, of (n,) what ``_path`` says after the last epoch; NaN without a label."""
    loss = np.square(1 - confidence) if table.numbered else -np.log(np.maximum(confidence, 1e-12))
    return np.where(table.label >= 0, loss, np.nan)


def _joined(parts: list[AnyArray], fold: Ints) -> AnyArray:
    """Return (n, ...) from what was said of each fold."""
    out = np.zeros((len(fold), *parts[0].shape[1:]))
    for f, part in enumerate(parts):
        out[fold == f] = part
    return out


def _share(network: Floats, quick: Floats, label: Ints) -> float:
    """Return the share of the networks in the blend, of 0, 1/4 .. 1: the one with the least out-of-fold loss."""
    shares = np.linspace(0, 1, 5)
    return float(shares[np.argmin([loss_of(s * network + (1 - s) * quick, label) for s in shares])])
