"""Tiers: what a model that reads meaning adds to the quick tier. All tiers fill the same columns of the same run.

quick: nothing. embed: a frozen encoder's vectors beside the words; the same passes, their head on the vectors.
full: that, and networks fine-tuned blind to each fold, their gradients of every layer, and what their training showed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from steelyard import parts
from steelyard.acts.cells import STEP
from steelyard.errors import UsageError, nearest
from steelyard.features.table import Table
from steelyard.parts.trackers import by_default
from steelyard.run import Run, disk
from steelyard.values.recipe import Recipe
from steelyard.values.samples import Samples
from steelyard.wording import say, truncated, uncovered

TIERS = ("quick", "embed", "full")
#: Models of click logs: they read fields.
CLICK_MODELS = ("fm", "deepfm")
#: Of the new head over the rest; banking77, 4,000 rows, one epoch, on other training rows: accuracy 0.57 -> 0.71.
HEAD_RATE = 10.0
FOLDS = {"quick": 5, "embed": 5, "full": 3}
#: Task part of each kind of table.
TASK = {"relevance": "relevance_pointwise", "classification": "classification"}
#: How a network reads a pair: both texts as one sequence, or one vector each and their cosine.
ARCHITECTURES = ("cross", "dual")
#: Alphas that a comparison of networks tries when no arms are named.
STEP_ARMS = ("alignment", "gate")

Progress = Callable[..., None]


@dataclass(frozen=True)
class Deep:
    """Options of the tiers that use a model; all of them change numbers and stand in the plan.

    model: minilm, a folder or a hub name. max_length: tokens read. precision: fp32 or bf16. epochs, batch_size,
    learning_rate, tuning (full, lora, adalora, adapters, frozen), architecture (of pairs: cross, dual): full tier only.
    """

    model: str = "minilm"
    max_length: int = 128
    precision: str = "fp32"
    epochs: int = 3
    batch_size: int = 32
    learning_rate: float = 1e-4
    tuning: str = "full"
    architecture: str = "cross"

    def recipe(self, seed: int) -> Recipe:
        """Return the recipe of a fine-tuning. Raises UsageError U150."""
        return Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            head_rate=HEAD_RATE,
            precision=self.precision,
            seed=seed,
        )


def options(tier: str, given: dict[str, Any]) -> Deep | None:
    """Return the options of a tier, None for quick. given: those that the call named, None for the others.

    Raises UsageError U140 for an unknown tier, U155 for an option that the tier does not use, U150 for a wrong value.
    """
    if tier not in TIERS:
        raise UsageError("U140", tier=tier, near=nearest(tier, TIERS) or "-", known=", ".join(TIERS))
    said = {k: v for k, v in given.items() if v is not None}
    used = {"quick": (), "embed": ("model", "max_length", "precision")}.get(tier, tuple(Deep.__dataclass_fields__))
    for name in said:
        if name not in used:
            raise UsageError("U155", option=name, tier=tier, known=", ".join(used) or "-")
    if tier == "quick":
        return None
    deep = Deep(**said)
    deep.recipe(0)
    if deep.architecture not in ARCHITECTURES:
        raise UsageError("U150", option="architecture", value=deep.architecture, known=", ".join(ARCHITECTURES))
    return deep


def trackers(tier: str, asked: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the trackers of a run: those asked for, by default ``by_default`` of the full tier.

    Raises UsageError U155 for trackers of a tier that trains no network, U105 for an unknown one, EnvironmentProblem
    E213 for one whose package is not installed.
    """
    if tier != "full":
        if asked:
            raise UsageError("U155", option="trackers", tier=tier, known="full")
        return ()
    names = by_default() if asked is None else tuple(asked)
    for name in names:
        parts.make("trackers", name).ready()
    return names


def refuse_unread(samples: Samples) -> None:
    """Raise UsageError U153 for a table that no tier scores."""
    if samples.task not in TASK:
        raise UsageError("U153", kind=", ".join(TASK), found=samples.task)


def prepare(
    samples: Samples, table: Table, tier: str, deep: Deep | None, run: Run, root: Path, folds: int, seed: int,
    progress: Progress, trackers: Sequence[str] = (),
) -> tuple[Table, Any]:  # fmt: skip
    """Return the table that the passes read, and what deepens their signals (None for quick).

    trackers: names of those that follow each training, their files in the run's folder ``trackers``.
    Raises EnvironmentProblem of loading a model.
    """
    if deep is None:
        return table, None
    model, task = _parts(samples, table, deep)
    table, near, read = _meant(samples, table, model, task, deep, root, seed, run, progress)
    if tier == "embed":

        def meant(measured: dict[str, Any]) -> Any:
            _tell(run, read, samples, deep)
            return {**measured, **near(measured)}, {"encoder": read}

        return table, meant
    from steelyard.acts import networking, tracking

    work, last = run.path / "work", tracking.Last()
    made = tuple(parts.make("trackers", name, folder=str(run.path / "trackers")) for name in trackers)
    how = networking.Networks(task, model, parts.make("alphas", "uniform"), deep.recipe(seed), work, (*made, last))
    tell = tracking.with_loss(progress, last)

    def deepen(measured: dict[str, Any]) -> Any:
        with disk(work):
            signals, facts = networking.measure(samples, table, measured, how, k=folds, keep=run.keep, progress=tell)
        halved = [told["rows_a_part"] for told in (facts, read) if told.get("rows_a_part")]
        _tell(run, {**facts, "rows_a_part": min(halved, default=None)}, samples, deep)
        return {**signals, **near(measured)}, {"encoder": read, "network": {**asdict(deep), **facts}}

    return table, deepen


def step_arms() -> list[str]:
    """Return the arms of a network that decide inside the step, one an alpha."""
    return [STEP + name for name in parts.names("alphas") if name != "uniform"]


def compared(
    samples: Samples,
    table: Table,
    info: Mapping[str, Any],
    model: str | None,
    arms: Sequence[str],
    root: Path,
    progress: Progress,
) -> tuple[Table, str, Any]:
    """Return the table whose rows a comparison trains on, the name of the model it trains, and Networks or None.

    info: of the score run. model: what was asked for; by default what explained the labels best when scoring. arms:
    those that were named. Raises UsageError U158 for a model that the run does not have, U222 for a click model of a
    table without fields, EnvironmentProblem E242 for deepfm without torch.
    """
    deep, known = _deep(info), ["boosted", "linear"]
    if model in CLICK_MODELS:
        if samples.fields is None:
            raise UsageError("U222", model=model, task=samples.task)
        parts.make("models", model).ready()
        return table, str(model), None
    if info.get("encoder") and deep is not None:
        part, task = _parts(samples, table, deep)
        table, _, _ = _with_vectors(samples, table, part, task, deep, root, progress)
    if info["tier"] == "full":
        known.append("network")
    if samples.fields is not None:
        known += CLICK_MODELS
    chosen = model or str(info["model"])
    if chosen not in known:
        raise UsageError("U158", model=chosen, near=nearest(chosen, known) or "-", known=", ".join(known))
    if chosen != "network" or deep is None:
        return table, chosen, None
    from steelyard.acts.arming import Networks

    part, task = _parts(samples, table, deep)
    encoded = task.encode(samples, part.tokenizer())
    named = [a.removeprefix(STEP) for a in arms if a in step_arms()]
    alphas = {name: parts.make("alphas", name) for name in (named if arms else STEP_ARMS)}
    recipe, uniform = deep.recipe(int(info["seed"])), parts.make("alphas", "uniform")
    networks = Networks(task, part, encoded, task.outputs(samples), recipe, samples.row_key, uniform, alphas)
    return table, chosen, networks


def _deep(info: Mapping[str, Any]) -> Deep | None:
    given = info["plan"]["options"].get("deep")
    return Deep(**given) if given else None


def _parts(samples: Samples, table: Table, deep: Deep) -> tuple[Any, Any]:
    """Return the Model and the Task part that read a table."""
    model = parts.make("models", "transformer", pretrained=deep.model, tuning=deep.tuning)
    way = {"way": "regression"} if samples.task == "relevance" and table.numbered else {}
    if deep.architecture == "dual" and samples.task != "relevance":
        raise UsageError("U152", found=samples.task)
    name = "relevance_dual" if deep.architecture == "dual" else TASK[samples.task]
    return model, parts.make("tasks", name, max_length=deep.max_length, **way)


def _with_vectors(
    samples: Samples, table: Table, model: Any, task: Any, deep: Deep, root: Path, progress: Progress
) -> tuple[Table, Any, Any]:
    """Return the table with the encoder's vectors in the place of words, the vectors, and the encoder."""
    from steelyard.acts import embedding

    encoder = model.encoder(deep.max_length, deep.precision)
    first, second = task.texts(samples)
    with disk(root):
        return *embedding.with_meaning(table, encoder, first, second, root / "vectors", progress), encoder


def _meant(
    samples: Samples,
    table: Table,
    model: Any,
    task: Any,
    deep: Deep,
    root: Path,
    seed: int,
    run: Run,
    progress: Progress,
) -> tuple[Table, Callable[..., Any], dict[str, Any]]:
    """Return the table with vectors beside its words, signals -> nearest rows by meaning, and what read the vectors."""
    from steelyard.acts import embedding

    table, meaning, encoder = _with_vectors(samples, table, model, task, deep, root, progress)

    def near(measured: Mapping[str, Any]) -> Mapping[str, Any]:
        taught = table.muted(measured["marked"] > 0)
        return run.keep("meant-alike", lambda: embedding.meant_alike(meaning, taught, seed=seed))

    cut = meaning.cut
    lost = {"rows": int((cut > 0).sum()), "tokens": int(cut.sum()), "limit": encoder.max_length}
    read = {"model": deep.model, "max_length": deep.max_length, "identity": encoder.identity, "truncated": lost}
    if encoder.room.halved:
        read["rows_a_part"] = encoder.room.rows
    return table, near, read


def _tell(run: Run, facts: dict[str, Any], samples: Samples, deep: Deep) -> None:
    """Write into the run's log what was cut, whether memory ran out, and which gradients had no rule."""
    found = truncated(facts, len(samples), deep.max_length)
    if found:
        code, told = found
        run.log(code=code, message=say(code, **told), **told)
    if facts.get("rows_a_part"):
        run.log(code="T121", message=say("T121", parts=facts["rows_a_part"]), parts=facts["rows_a_part"])
    if facts.get("uncovered"):
        run.log(code="T123", message=say("T123", **uncovered(facts["uncovered"], "en")), parameters=facts["uncovered"])


def known_arms(arms: Sequence[str], unseen_clicks: str | None) -> None:
    """Raise UsageError U105 for an arm that nobody trains, U159 when none of those asked for could win, U223 when they
    could only change clicks without a position."""
    from steelyard.acts.deciding import answer_of, repairs

    known = [*parts.of_samples("policies"), *step_arms()]
    for arm in arms:
        if arm not in known:
            raise UsageError("U105", kind="policies", name=arm, near=nearest(arm, known) or "-", known=", ".join(known))
    if arms and not any(map(answer_of, arms)):
        raise UsageError("U159", arms=", ".join(arms), known=", ".join(filter(answer_of, known)))
    if arms and unseen_clicks and not any(answer_of(arm) and not repairs(arm) for arm in arms):
        others = ", ".join(arm for arm in known if answer_of(arm) and not repairs(arm))
        raise UsageError("U223", arms=", ".join(arms), column=unseen_clicks, known=others)
