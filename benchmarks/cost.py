"""What do per-sample gradients cost? MiniLM, four classes, rows of e-commerce length, as ratios to training."""

from __future__ import annotations

import argparse
import copy
import os
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import torch

import _cost_loops
from _cost_minilm import Batch, largest, lengths, losses, minilm, on, random_batches, sorted_batches
from _cost_peers import PEERS, version
from _results import keep, rows
from steelyard.gradients import Direction, watch

BASE = "plain training, random batches of 32"
TIDY = "plain training, length-sorted batches"
HAND = "plain training, written by hand (AdamW, clipping, schedule)"
OURS, ALIKE = "plain training, our loop", "plain training, our loop, batches of 32 alike in length"
NORM, SKETCH = "score: norm, same batches", "score: sketch k=16, same batches"
TIDY_NORM, TIDY_SKETCH = "score: norm, length-sorted", "score: sketch, length-sorted"


Seconds = dict[str, list[float]]


class Arm(NamedTuple):
    """make: gives the run, so many passes over its batches. target: of the ratio. over: the arm it is divided by."""

    make: Callable[[], Callable[[], object]]
    target: str = ""
    over: str = BASE
    passes: int = 1


def plain(model: torch.nn.Module, batches: list[Batch]) -> Callable[[], None]:
    model = copy.deepcopy(model)  # the readings of other arms are of the model as it is published
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5, fused=True)

    def run() -> None:
        model.train()
        for b in batches:
            losses(model, b).mean().backward()
            optimizer.step()
            optimizer.zero_grad()

    return run


def in_step(model: torch.nn.Module, batches: list[Batch], read: Callable) -> Callable[[], None]:
    model = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5, fused=True)

    def run() -> None:
        model.train()
        with watch(model) as watched:
            for b in batches:
                with watched.step(len(b[0])) as step:
                    step.backward(losses(model, b))
                    shown = read(step)
                    step.form(None if shown is None else 0.5 + (shown > shown.median()).float())
                optimizer.step()
                optimizer.zero_grad()

    return run


def scoring(
    model: torch.nn.Module, batches: list[Batch], bf16: bool = False, blocks: int | None = None, **ask: object
) -> Callable[[], torch.Tensor | None]:
    device = batches[0][0].device.type

    def run() -> torch.Tensor | None:
        model.eval()
        model.set_attn_implementation("eager" if bf16 and device == "cpu" else "sdpa")  # as the transformer part does
        norms = []
        with watch(model, scoring=True, layers="linear", blocks=blocks) as watched:
            for b in batches:
                with watched.step(len(b[0]), mask=b[1], **ask) as step:
                    with torch.autocast(device, torch.bfloat16, enabled=bf16):
                        found = losses(model, b)
                    step.backward(found.float())
                    if "sketch" in ask:
                        step.sketch(16)
                    if "norm" in ask:
                        norms.append(step.norm())
        model.set_attn_implementation("sdpa")
        return torch.cat(norms) if norms else None

    return run


def shipped(model: torch.nn.Module, batches: list[Batch], alpha: str, over: str) -> Arm:
    """Return a training that weighs inside its steps, whole: loop, weighing, ledger, looks at a reference."""
    passes = _cost_loops.passes(batches)
    return Arm(lambda: _cost_loops.ours(model, batches, alpha, passes), "1.06", over, passes)


def arms(random: list[Batch], tidy: list[Batch], alike: list[Batch], peers: bool, device: str) -> dict[str, Arm]:
    model, told = minilm().to(device), random
    random, tidy = on(random, device), on(tidy, device)
    matrices = {n: torch.randn_like(p) for n, p in model.named_parameters()}
    direction = Direction.of(matrices).low_rank(16)
    found = {
        BASE: Arm(lambda: plain(model, random), "1"),
        "in step: no weights (uniform)": Arm(lambda: in_step(model, random, lambda s: None)),
        "in step: alignment (rank 16) + weighting": Arm(
            lambda: in_step(model, random, lambda s: s.dot(direction)), "1.06"
        ),
        "in step: norm + weighting": Arm(lambda: in_step(model, random, lambda s: s.norm()), "1.06"),
        TIDY: Arm(lambda: plain(model, tidy)),
        "in step: alignment + weighting, length-sorted": Arm(
            lambda: in_step(model, tidy, lambda s: s.dot(direction)), "1.06", TIDY
        ),
        "in step: norm + weighting, length-sorted": Arm(lambda: in_step(model, tidy, lambda s: s.norm()), "1.06", TIDY),
        HAND: Arm(lambda: _cost_loops.by_hand(model, told)),
        OURS: Arm(lambda: _cost_loops.ours(model, told), "1.03", HAND),
        "shipped: alignment": shipped(model, told, "alignment", OURS),
        "shipped: gate": shipped(model, told, "gate", OURS),
        ALIKE: Arm(lambda: _cost_loops.ours(model, alike)),
        "shipped: alignment, batches alike": shipped(model, alike, "alignment", ALIKE),
        "shipped: gate, batches alike": shipped(model, alike, "gate", ALIKE),
        SKETCH: Arm(lambda: scoring(model, random, sketch=16), "0.75"),
        NORM: Arm(lambda: scoring(model, random, norm=True), "0.80"),
        TIDY_SKETCH: Arm(lambda: scoring(model, tidy, sketch=16), "0.38"),
        TIDY_NORM: Arm(lambda: scoring(model, tidy, norm=True)),
        "score: norm + sketch, length-sorted": Arm(lambda: scoring(model, tidy, sketch=16, norm=True), "0.42"),
        "score: sketch, length-sorted, bf16": Arm(lambda: scoring(model, tidy, bf16=True, sketch=16), "0.28"),
        "score: sketch, length-sorted, last block": Arm(lambda: scoring(model, tidy, blocks=1, sketch=16), "0.22"),
    }
    if peers:
        found |= {name: Arm(lambda make=make: make(minilm(), random)) for name, make in PEERS.items()}
    return found


class Made(NamedTuple):
    """Each arm's run, after a first, warming one; the norms that it gave; MB that it took of a GPU; missing peers."""

    runs: dict[str, Callable[[], object]]
    norms: dict[str, torch.Tensor]
    took: dict[str, float]
    notes: list[str]


def made(wanted: dict[str, Arm], on_gpu: bool) -> Made:
    runs, norms, took, notes = {}, {}, {}, []
    for name, arm in wanted.items():
        started, before = time.perf_counter(), 0
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
        try:
            run = arm.make()
            gave = run()
            waited()
        except Exception as e:
            if name not in PEERS:
                raise
            notes.append(f"{name}: not measured, {type(e).__name__}: {str(e).splitlines()[0][:120]}.")
            continue
        runs[name] = run
        if on_gpu:
            took[name] = (torch.cuda.max_memory_allocated() - before) / 1e6
        if isinstance(gave, torch.Tensor):
            norms[name] = gave
        print(f"warm up  {time.perf_counter() - started:7.2f} s  {name}", file=sys.stderr, flush=True)
    return Made(runs, norms, took, notes)


def measure(runs: dict[str, Callable[[], object]], passes: dict[str, int], rounds: int) -> tuple[Seconds, Seconds]:
    """Return wall-clock and processor seconds a pass of every arm, once a round: a slow minute hurts all alike."""
    wall: Seconds = {name: [] for name in runs}
    busy: Seconds = {name: [] for name in runs}
    for round_ in range(rounds):
        for name, run in runs.items():
            started, worked = time.perf_counter(), time.process_time()
            run()
            waited()
            wall[name].append((time.perf_counter() - started) / passes[name])
            busy[name].append((time.process_time() - worked) / passes[name])
            took = f"{wall[name][-1]:7.2f} s, {busy[name][-1]:7.2f} s of processors"
            print(f"round {round_ + 1}  {took}  {name}", file=sys.stderr, flush=True)
    return wall, busy


def waited() -> None:
    """Let a GPU end what it was told to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ratios(seconds: Seconds, name: str, over: str) -> list[float]:
    """Return an arm's seconds over those of another, round by round."""
    return [a / b for a, b in zip(seconds[name], seconds[over], strict=True)]


def peak(name: str, args: argparse.Namespace) -> float:
    """Return the peak memory, in MB, of a fresh process that runs one arm on its largest batch, twice."""
    size = ["--rows", str(args.rows), "--batch", str(args.batch), "--threads", str(args.threads)]
    command = [sys.executable, __file__, *size, "--only-peak", name]
    done = subprocess.run(command, capture_output=True, text=True)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else float("nan")


def beside(seconds: Seconds, norms: dict[str, torch.Tensor]) -> str:
    """Say which peers ran, how far their norms are from ours, and how much faster ours is than the fastest."""
    peers = [name for name in PEERS if name in seconds]
    apart = {p: float((norms[p] / norms[NORM] - 1).abs().max()) for p in peers if p in norms}
    best = min(peers, key=lambda p: statistics.median(seconds[p]))
    faster = [
        f"{name} {statistics.median(ratios(seconds, best, name)):.2f} times"
        for name in (SKETCH, NORM, TIDY_SKETCH, TIDY_NORM)
    ]
    return (
        f"Peers: {', '.join(version(p) for p in peers)}; all do the job for linear layers alone. Largest relative "
        f"difference of their norms from ours: {', '.join(f'{p.split()[0]} {x:.0e}' for p, x in apart.items())}. "
        f"The fastest peer is {best}; faster than it are: {'; '.join(faster)}."
    )


def card(device: str) -> str:
    return "" if device == "cpu" else f", {torch.cuda.get_device_name()}"


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=512)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--batch", type=int, default=32)
    asked.add_argument("--threads", type=int, default=2)
    asked.add_argument("--device", default="cpu")
    asked.add_argument("--peers", action="store_true", help="also other libraries, where installed")
    asked.add_argument("--only", help="a regular expression: the base line and the arms it finds; nothing is kept")
    asked.add_argument("--only-peak", help=argparse.SUPPRESS)
    args = asked.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(args.threads)
    of = lengths(args.rows)
    torch.manual_seed(0)
    random, tidy = random_batches(of, args.batch), sorted_batches(of, 64 * args.batch)
    alike = random_batches(np.sort(of), args.batch)
    if args.only_peak:
        arms(largest(random), largest(tidy), largest(alike), True, args.device)[args.only_peak].make()()
        status = Path("/proc/self/status").read_text()  # ru_maxrss would begin at the parent's peak
        print(int(status.split("VmHWM:")[1].split()[0]) / 1e3)
        sys.exit()
    wanted = arms(random, tidy, alike, args.peers, args.device)
    if args.only:
        found = [n for n in wanted if re.search(args.only, n)]
        found += [BASE, TIDY, HAND, *(wanted[n].over for n in found)]
        wanted = {n: arm for n, arm in wanted.items() if n in found}
    runs, norms, took_of_gpu, notes = made(wanted, args.device != "cpu")
    wall, busy = measure(runs, {n: arm.passes for n, arm in wanted.items()}, args.rounds)
    memory = took_of_gpu or {name: float("nan") if args.only else peak(name, args) for name in runs}
    body = []
    for name in runs:
        over, took = wanted[name].over, statistics.median(wall[name])
        found = ratios(wall, name, over)
        ratio, spread = f"{statistics.median(found):.3f}", f"{min(found):.2f}-{max(found):.2f}"
        work = f"{statistics.median(ratios(busy, name, over)):.3f}"
        speed = f"{args.rows / took:.0f}"
        body.append([name, ratio, spread, wanted[name].target, work, f"{took:.1f}", speed, f"{memory[name]:.0f}"])
    head = ["what", "ratio", "range", "target", "of processor time", "seconds", "rows/s", "peak MB"]
    table = rows(head, body)
    if args.only:
        print(table)
        sys.exit()
    about = (
        f"\n{args.rows} rows, mean length {of.mean():.0f}, {args.threads} threads, {args.rounds} rounds after one to "
        "warm up, interleaved. Ratio: median over the rounds of seconds / those of the first line (our loop: of the "
        "loop by hand; length-sorted training: of that; shipped: of our loop over the same batches) in the same round. "
        "In step: our engine in a bare loop, with a fixed direction. Shipped: all that a training does, the looks at "
        "the reference among it. Processor time: the same ratio of the seconds that processors worked, which other "
        "work on the machine disturbs less. "
        + (
            "Peak: what the first pass took of the GPU, weights and moments included."
            if took_of_gpu
            else "Peak: resident memory of a fresh process, imports included, on the arm's largest batch, twice."
        )
        + f" torch {torch.__version__}{card(args.device)}."
    )
    if any(name in PEERS for name in runs):
        notes.append(beside(wall, norms))
    command = f"python benchmarks/cost.py --rows {args.rows} --rounds {args.rounds} --threads {args.threads}"
    title = "Cost of per-sample gradients"
    if args.device != "cpu" or args.batch != 32:
        command += f" --batch {args.batch} --device {args.device}"
        title = f"Cost of per-sample gradients on {args.device}, batches of {args.batch}"
    keep(title, command + " --peers" * args.peers, table, " ".join([about, *notes]))
