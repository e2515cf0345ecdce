"""SwanLab, the usual choice in China; offline unless told otherwise: files, sent later by ``swanlab sync``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from steelyard.parts.trackers import Numbers, Tracker


@dataclass(eq=False)
class SwanLab(Tracker):
    """project: where runs are gathered. mode: offline, local (its own board), cloud or disabled.

    SwanLab has one run a process: a second one cannot begin before the first has finished.
    """

    project: str = "steelyard"
    mode: str = "offline"

    needs: ClassVar[str] = "swanlab"

    def open(self, run_name: str, config: Mapping[str, Any]) -> Any:
        import swanlab

        swanlab.init(
            project=self.project,
            experiment_name=run_name,
            config=dict(config),
            logdir=str(self.path("swanlab")),
            mode=self.mode,
        )
        return swanlab

    def write(self, opened: Any, step: int, values: Numbers) -> None:
        opened.log(dict(values), step=step)

    def close(self, opened: Any) -> None:
        opened.finish()
