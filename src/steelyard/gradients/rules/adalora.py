"""AdaLoRA's layer of PEFT: x A^T, times E, times B^T, each a rule of its own. Plain LoRA needs none: it is Linear.

A r x i and B o x r are linear layers; E (r, 1) scales what lies between. PEFT multiplies A by E first, so results are
equal up to rounding, not bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from steelyard.gradients.gradient import Layer
from steelyard.gradients.rules import Rule, Seat
from steelyard.gradients.rules.linear import linear
from steelyard.gradients.rules.rms_norm import scaled


class AdaLora(Rule):
    kind = "linear"

    def covers(self, module: nn.Module) -> bool:
        return type(module).__name__ == "SVDLinear" and type(module).__module__ == "peft.tuners.adalora.layer"

    def parameters(self, module: Any) -> list[nn.Parameter]:
        sides = (module.lora_A, module.lora_B, module.lora_E, module.ranknum)
        return [p for side in sides for p in side.values()]

    def layers(self, name: str, module: Any, names: Mapping[Any, str]) -> list[Layer]:
        matrices = [names[p] for side in (module.lora_A, module.lora_B) for p in side.values() if p in names]
        scales = [names[p] for side in (module.lora_E, module.ranknum) for p in side.values() if p in names]
        return [Layer(w, (w,), w) for w in matrices] + [Layer(e, (e,)) for e in scales]

    def forward(self, module: Any, seat: Seat, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        out = module.base_layer(x, *args, **kwargs)
        if module.disable_adapters or module.merged:
            return out
        for adapter in module.active_adapters:
            if adapter not in module.lora_A:
                continue
            a, b, e = module.lora_A[adapter], module.lora_B[adapter], module.lora_E[adapter]
            x = module._cast_input_dtype(x, a.dtype)
            low = linear(seat, module.lora_dropout[adapter](x), a, None)
            low = scaled(seat, low, e.detach()[:, 0], e)
            rank = module.ranknum[adapter].detach() + 1e-5  # PEFT lets this be trained, so its gradient is read too
            scale = module.scaling[adapter] / rank
            out = out + scaled(seat, linear(seat, low, b, None), scale, module.ranknum[adapter], -scale / rank)
        return out
