"""Where numbers lie: what a processor decided goes over to a GPU without anybody waiting for it."""

import torch
from torch import Tensor


def over(values: Tensor, device: torch.device) -> Tensor:
    """Return values on a device; a GPU takes them from pinned memory when it gets there."""
    if device.type == "cuda" and values.device.type == "cpu":
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)
