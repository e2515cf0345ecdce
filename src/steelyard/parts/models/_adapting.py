"""What of a network is trained: all of it, low-rank matrices (LoRA, AdaLoRA), bottleneck adapters, or the head."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from steelyard.errors import EnvironmentProblem, UsageError

TUNINGS = ("full", "lora", "adalora", "adapters", "frozen")
#: Names of new heads in transformers' classes: they are always trained.
HEADS = ("classifier", "score", "classification_head", "pre_classifier")


def adapted(module: Any, tuning: str, rank: int, steps: int, head: str) -> Any:
    """Return the network with only what ``tuning`` trains requiring gradients.

    rank: of LoRA's matrices; width of a bottleneck is 8 x rank. steps: all steps of the training (AdaLoRA plans its
    ranks by them). head: sequence, token, vector or cosine. Raises UsageError U150,
    EnvironmentProblem E212 without peft.
    """
    if tuning not in TUNINGS:
        raise UsageError("U150", option="tuning", value=tuning, known=", ".join(TUNINGS))
    if tuning == "full":
        return module
    if tuning in ("lora", "adalora"):
        return _low_rank(module, tuning, rank, steps, head)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(any(part in HEADS for part in name.split(".")))
    if tuning == "adapters":
        from steelyard.parts.models import _bottleneck

        _bottleneck.insert(module, 8 * rank)
    if not any(p.requires_grad for p in module.parameters()):
        raise UsageError("U151", tuning=tuning, head=head)
    return module


def _low_rank(module: Any, tuning: str, rank: int, steps: int, head: str) -> Any:
    if find_spec("peft") is None:
        raise EnvironmentProblem("E212", tuning=tuning)
    import peft

    heads = [n for n, _ in module.named_modules() if n.split(".")[-1] in HEADS]
    kept = sorted({n.split(".")[-1] for n in heads}) or None
    common = {"r": rank, "lora_alpha": 2 * rank, "target_modules": "all-linear", "modules_to_save": kept}
    if tuning == "lora":
        config: Any = peft.LoraConfig(**common)
    else:
        tenth = max(1, steps // 10)
        common |= {"init_r": rank + rank // 2, "target_r": rank, "tinit": tenth, "tfinal": 3 * tenth}
        del common["r"]
        config = peft.AdaLoraConfig(**common, deltaT=max(1, tenth // 2), total_step=max(steps, 4 * tenth + 1))
    return peft.get_peft_model(module, config)


def allocate(module: Any, step: int) -> None:
    """Let AdaLoRA move its ranks after an optimiser step, before the gradients are cleared; others do nothing."""
    base = getattr(module, "base_model", None)
    if base is not None and hasattr(base, "update_and_allocate"):
        base.update_and_allocate(step)
