"""Weights & Biases; offline unless told otherwise: files on this machine, sent later by ``wandb sync``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from steelyard.parts.trackers import Numbers, Tracker


@dataclass(eq=False)
class WandB(Tracker):
    """project: where runs are gathered. mode: offline, online or disabled. entity: team or user, '' for your own.

    Neither code nor console output nor machine statistics are collected: numbers and config only.
    """

    project: str = "steelyard"
    mode: Literal["offline", "online", "disabled"] = "offline"
    entity: str = ""

    needs: ClassVar[str] = "wandb"

    def open(self, run_name: str, config: Mapping[str, Any]) -> Any:
        import wandb

        quiet = wandb.Settings(
            silent=True,
            console="off",
            save_code=False,
            disable_git=True,
            x_disable_stats=True,
            x_disable_meta=True,
            x_save_requirements=False,
        )
        return wandb.init(
            project=self.project,
            entity=self.entity or None,
            name=run_name,
            config=dict(config),
            dir=str(self.path()),
            mode=self.mode,
            reinit="create_new",
            settings=quiet,
        )

    def write(self, opened: Any, step: int, values: Numbers) -> None:
        opened.log(dict(values), step=step)

    def close(self, opened: Any) -> None:
        opened.finish()
