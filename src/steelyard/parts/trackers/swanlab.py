"""SwanLab, the usual choice in China; offline unless told otherwise: files, sent later by ``swanlab sync``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from steelyard.parts.trackers import Numbers, Tracker


@dataclass(eq=False)
class SwanLab(Tracker):
    """project: where runs are gathered. mode: offline, online, local or disabled. workspace: '' for your own.

    SwanLab has one run a process: a second one cannot begin before the first has finished. Neither the console nor the
    machine nor its packages are collected.
    """

    project: str = "steelyard"
    mode: Literal["offline", "online", "local", "disabled"] = "offline"
    workspace: str = ""

    needs: ClassVar[str] = "swanlab"

    def open(self, run_name: str, config: Mapping[str, Any]) -> Any:
        import swanlab

        made = swanlab.Settings
        none = dict.fromkeys(("hardware", "runtime", "requirements", "conda", "git", "swanlab", "monitor"), False)
        quiet = made(interactive=False, probe=made.Probe(**none), terminal=made.Terminal(proxy_type="none"))
        swanlab.merge_settings(quiet)
        return swanlab.init(
            project=self.project,
            workspace=self.workspace or None,
            name=run_name,
            config=dict(config),
            log_dir=str(self.path("swanlab")),
            mode=self.mode,
        )

    def write(self, opened: Any, step: int, values: Numbers) -> None:
        opened.log(dict(values), step=step)

    def close(self, opened: Any) -> None:
        opened.finish()
