"""Which modules are the last transformer blocks and the head."""

from __future__ import annotations

from torch import nn

from steelyard.errors import UsageError


def last_blocks(model: nn.Module, count: int) -> set[str]:
    """Return the names of all modules in the last ``count`` blocks and after them, in the order of the model.

    The blocks are the longest list of modules of one class. What stands before them (embeddings) and what every block
    reads (DeBERTa's relative positions) is left out, and so is every embedding table.
    Raises UsageError U171 when there are fewer blocks.
    """
    stacks = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len({type(child) for child in module}) == 1
    }
    if not stacks:
        raise UsageError("U171", asked=count, found=0)
    stack = max(stacks, key=lambda name: (len(stacks[name]), -len(name)))
    size = len(stacks[stack])
    if not 1 <= count <= size:
        raise UsageError("U171", asked=count, found=size)
    kept = {f"{stack}.{j}" for j in range(size - count, size)}
    read_by_all = _siblings(model, stack)
    chosen: set[str] = set()
    after = False
    for name, module in model.named_modules():
        if name == stack:
            after = True
        elif name.startswith(f"{stack}."):
            if any(name == block or name.startswith(f"{block}.") for block in kept):
                chosen.add(name)
        elif after and not isinstance(module, nn.Embedding) and name not in read_by_all:
            chosen.add(name)
    return chosen


def _siblings(model: nn.Module, stack: str) -> set[str]:
    """Return what stands beside the blocks and is read by each of them: the norm of DeBERTa's relative positions."""
    parent = stack.rpartition(".")[0]
    if hasattr(model.get_submodule(parent), "get_rel_embedding"):
        return {f"{parent}.{name}" for name, _ in model.get_submodule(parent).named_children()}
    return set()
