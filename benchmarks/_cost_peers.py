"""The same job by other libraries: per-sample norms of every linear layer, or their projection, on the same batches.

Each peer is set up as its documentation says for this job, with all that is not a linear layer frozen. A function
here takes a fresh model, batches and a loss, and returns a run: one pass over the batches that gives, where the job
is a norm, the (n,) norms of all rows, so that they can be compared with ours.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Batch = tuple[Tensor, Tensor, Tensor]
Run = Callable[[], Tensor | None]


def vmap(model: nn.Module, batches: list[Batch]) -> Run:
    """torch.func: every per-sample gradient is built, eight samples at a time, to fit in memory."""
    _linear_only(model)
    wanted = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
    fixed = {n: p.detach() for n, p in model.named_parameters() if not p.requires_grad}

    def loss(parameters: dict[str, Tensor], ids: Tensor, mask: Tensor, label: Tensor) -> Tensor:
        # a 4-D additive mask: a 2-D one is inspected by value, which vmap forbids
        hidden = ((1.0 - mask) * -1e9)[None, None, None].expand(1, 1, len(mask), -1)
        inputs = {"input_ids": ids[None], "attention_mask": hidden}
        out = torch.func.functional_call(model, {**fixed, **parameters}, (), inputs)
        return F.cross_entropy(out.logits, label[None])

    one = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0, 0), chunk_size=8)

    def run() -> Tensor:
        model.eval()
        squares = [
            torch.stack([g.flatten(1).square().sum(1) for g in one(wanted, ids, mask.float(), label).values()]).sum(0)
            for ids, mask, label in batches
        ]
        return torch.cat(squares).sqrt()

    return run


def opacus(model: nn.Module, batches: list[Batch]) -> Run:
    """Opacus, ghost norms: GradSampleModuleFastGradientClipping."""
    from opacus.grad_sample import GradSampleModuleFastGradientClipping

    _linear_only(model)
    ghost = GradSampleModuleFastGradientClipping(
        model, loss_reduction="sum", max_grad_norm=1.0, use_ghost_clipping=True
    )

    def run() -> Tensor:
        ghost.eval()  # no dropout; but its hooks are silent where a layer does not train
        for module in ghost.modules():
            if isinstance(module, nn.Linear):
                module.train()
        norms = []
        for b in batches:
            _losses(ghost, b).sum().backward()
            norms.append(ghost.get_norm_sample().detach())
            ghost.zero_grad()
        return torch.cat(norms)

    return run


def backpack(model: nn.Module, batches: list[Batch]) -> Run:
    """BackPACK: BatchL2Grad of every extended linear layer."""
    from backpack import backpack as recording
    from backpack import extend
    from backpack.extensions import BatchL2Grad

    _linear_only(model)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            extend(module)

    def run() -> Tensor:
        model.eval()
        norms = []
        for b in batches:
            with recording(BatchL2Grad()):
                _losses(model, b).sum().backward()
            own = [p for p in model.parameters() if p.requires_grad]
            norms.append(torch.stack([p.batch_l2 for p in own]).sum(0).sqrt())
            for p in own:
                del p.batch_l2
                p.grad = None
        return torch.cat(norms)

    return run


def kronfluence(model: nn.Module, batches: list[Batch]) -> Run:
    """Kronfluence: self-influence with the identity in place of its Hessian is the squared norm."""
    from kronfluence.analyzer import prepare_model
    from kronfluence.arguments import FactorArguments, ScoreArguments
    from kronfluence.score.self import compute_self_scores_with_loaders
    from kronfluence.task import Task
    from kronfluence.utils.constants import ALL_MODULE_NAME
    from kronfluence.utils.state import State

    class Classifying(Task):
        def compute_train_loss(self, batch: Batch, model: nn.Module, sample: bool = False) -> Tensor:
            return _losses(model, batch).sum()

        def compute_measurement(self, batch: Batch, model: nn.Module) -> Tensor:
            return self.compute_train_loss(batch, model)

    class Loader(list):
        @property
        def dataset(self) -> range:
            return range(sum(len(b[0]) for b in self))

    task, state, loader = Classifying(), State(cpu=True), Loader(batches)
    prepared = prepare_model(model, task)

    def run() -> Tensor:
        scores = compute_self_scores_with_loaders(
            loaded_factors={}, model=prepared, state=state, task=task, train_loader=loader,
            score_args=ScoreArguments(), factor_args=FactorArguments(strategy="identity"), tracked_module_names=None,
            disable_tqdm=True,
        )  # fmt: skip
        return scores[ALL_MODULE_NAME].sqrt()

    return run


def bergson(model: nn.Module, batches: list[Batch]) -> Run:
    """Bergson of EleutherAI: GradientCollector, projection 16 x 16 of all layers that see (n, t, i), biases too."""
    with contextlib.redirect_stderr(io.StringIO()):
        from bergson import GradientCollector, GradientProcessor
        from bergson.config.config import IndexConfig
        from datasets import Dataset

    model.requires_grad_(False)  # as its own loader does
    model.get_input_embeddings().requires_grad_(True)
    n = sum(len(b[0]) for b in batches)
    collector = GradientCollector(
        model=model, data=Dataset.from_dict({"length": [0] * n}), cfg=IndexConfig(run_path="unused"), skip_index=True,
        processor=GradientProcessor(projection_dim=16, include_bias=True), filter_modules="*pooler*,*classifier*",
    )  # fmt: skip

    def run() -> None:
        model.eval()
        start = 0
        for b in batches:
            with collector:
                found = _losses(model, b)
                found.sum().backward()
            collector.process_batch(list(range(start, start + len(found))), losses=found)
            start += len(found)
            model.zero_grad()

    return run


#: Name in the table -> what makes its run.
PEERS: dict[str, Callable[[nn.Module, list[Batch]], Run]] = {
    "torch.func vmap(grad), norm": vmap,
    "opacus ghost norm": opacus,
    "BackPACK BatchL2Grad, norm": backpack,
    "kronfluence self-influence (identity), norm": kronfluence,
    "bergson projection 16 x 16": bergson,
}


def version(peer: str) -> str:
    """Return the package and version that a peer's name stands for."""
    from importlib.metadata import version as of

    package = {"torch.func": "torch", "BackPACK": "backpack-for-pytorch"}.get(peer.split()[0], peer.split()[0])
    return f"{package} {of(package)}"


def _losses(model: Any, b: Batch) -> Tensor:
    return F.cross_entropy(model(input_ids=b[0], attention_mask=b[1]).logits, b[2], reduction="none")


def _linear_only(model: nn.Module) -> None:
    model.requires_grad_(False)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.requires_grad_(True)
