"""Checkpoints: a training that is killed at any step goes on as if it had not been, bit for bit."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steelyard.values.arrays import AnyArray


class Keeper:
    """Writes checkpoints into ``folder``, at the end of every epoch and every ``every`` steps, and resumes from them.

    A checkpoint is a folder ``step-N`` that appears whole or not at all; the newest stays, older ones go.
    identity: JSON of what must be the same for a resume (recipe, data fingerprint); another one starts anew.
    """

    def __init__(self, folder: Path, every: int = 200, identity: Mapping[str, Any] | None = None) -> None:
        self.folder, self.every, self.identity = folder, every, dict(identity or {})

    def where(self) -> str:
        """Return the path of the newest checkpoint, '-' without one."""
        newest = self._newest()
        return str(newest) if newest else "-"

    def resume(self, learner: Any, weighing: Any, ledger: Any, best: Any) -> int:
        """Put the newest checkpoint back and return how many steps were taken; 0 without a fitting one."""
        found = self._newest()
        if found is None:
            return 0
        about = json.loads((found / "about.json").read_text(encoding="utf-8"))
        if about["identity"] != json.loads(json.dumps(self.identity)):
            return 0
        learner.load(found / "learner.safetensors")
        weighing.resume(_arrays(found / "weighing.npz"))
        ledger.resume(_arrays(found / "ledger.npz"))
        best.value = -np.inf if about["best"] is None else about["best"]
        best.since = about["since"]
        if (found / "best.safetensors").exists():
            best.weights = learner.weights_from(found / "best.safetensors")
        return int(about["steps"])

    def due(self, steps: int, epoch_ended: bool) -> bool:
        """Return whether it is time for a checkpoint after ``steps`` steps."""
        return epoch_ended or (self.every > 0 and steps % self.every == 0)

    def keep(self, steps: int, learner: Any, weighing: Any, ledger: Any, best: Any) -> None:
        """Write a checkpoint after ``steps`` steps."""
        part = self.folder / f".step-{steps}.{os.getpid()}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        learner.save(part / "learner.safetensors")
        np.savez(part / "weighing.npz", allow_pickle=False, **weighing.state())
        np.savez(part / "ledger.npz", allow_pickle=False, **ledger.state())
        if best.weights is not None:
            learner.save_weights(best.weights, part / "best.safetensors")
        value = None if not np.isfinite(best.value) else float(best.value)
        about = {"steps": steps, "best": value, "since": best.since, "identity": self.identity}
        (part / "about.json").write_text(json.dumps(about), encoding="utf-8")
        target = self.folder / f"step-{steps}"
        shutil.rmtree(target, ignore_errors=True)
        os.replace(part, target)
        for old in self.folder.glob("step-*"):
            if old != target:
                shutil.rmtree(old, ignore_errors=True)

    def _newest(self) -> Path | None:
        whole = [p for p in self.folder.glob("step-*") if (p / "about.json").is_file()]
        return max(whole, key=lambda p: int(p.name.split("-")[1]), default=None)


def _arrays(path: Path) -> dict[str, AnyArray]:
    with np.load(path, allow_pickle=False) as saved:
        return {name: saved[name] for name in saved.files}
