"""What no rule covers, and what to do about each: can never work, not yet, replace by something else."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from steelyard.errors import UsageError
from steelyard.wording import say, uncovered


class Uncovered(UsageError):
    """U179: parameters whose per-sample gradients no rule can give; ``parameters`` maps each to its reason's code."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self.parameters = parameters
        super().__init__("U179", **uncovered(parameters, "en"))

    def say(self, lang: str = "en") -> str:
        return say(self.code, lang, **uncovered(self.parameters, lang))


class Leaked(Uncovered):
    """U178: parameters are used outside the layers that own them, as the first backward pass showed."""

    def __init__(self, names: Sequence[str]) -> None:
        self.parameters = dict.fromkeys(sorted(names), "W_outside")
        UsageError.__init__(self, "U178", count=len(self.parameters), parameters=", ".join(self.parameters))

    def say(self, lang: str = "en") -> str:
        return UsageError.say(self, lang)


def refuse(model: nn.Module, covered: set[nn.Parameter], chosen: set[str] | None) -> None:
    """Raise Uncovered unless every trainable parameter is covered and no layer mixes samples.

    chosen: names of the modules that were asked for; None: all.
    """
    qualified = {p: name for name, p in model.named_parameters()}
    missing: dict[str, str] = {}
    for name, module in model.named_modules():
        if chosen is not None and name not in chosen:
            continue
        reason = _reason(module)
        own = [p for p in module.parameters(recurse=False) if p.requires_grad]
        if reason == "W_batch_statistics":
            missing |= dict.fromkeys([qualified[p] for p in own] or [name], reason)
        elif reason == "W_attention":  # its output layer is read without its forward, so that no rule would see it
            inner = [qualified[p] for p in module.parameters() if p.requires_grad]
            missing |= dict.fromkeys(inner, reason)
        else:
            missing |= {qualified[p]: missing.get(qualified[p], reason) for p in own if p not in covered}
    if missing:
        raise Uncovered(missing)


def _reason(module: nn.Module) -> str:
    if isinstance(module, _BatchNorm) and (module.training or not module.track_running_stats):
        return "W_batch_statistics"
    if isinstance(module, nn.MultiheadAttention):
        return "W_attention"
    if isinstance(module, nn.Embedding):
        return "W_embedding_options"
    if isinstance(module, nn.modules.rnn.RNNBase):
        return "W_recurrent"
    return "W_no_rule"
