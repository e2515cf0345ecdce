"""Event files for TensorBoard, on this machine: the default where it is installed; no torch, no server."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from steelyard.parts.trackers import Numbers, Tracker


@dataclass(eq=False)
class TensorBoard(Tracker):
    """Scalars by name; the config as text of the run. Show them: ``tensorboard --logdir FOLDER``."""

    needs: ClassVar[str] = "tensorboard"

    def open(self, run_name: str, config: Mapping[str, Any]) -> Any:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.text.summary_v2 import text_pb
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        writer = EventFileWriter(str(self.path(run_name)))
        said = "    " + json.dumps(config, ensure_ascii=False, indent=2, default=str).replace("\n", "\n    ")
        writer.add_event(_event(0, Summary.FromString(text_pb("config", said).SerializeToString())))
        return writer

    def write(self, opened: Any, step: int, values: Numbers) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        opened.add_event(_event(step, Summary(value=scalars)))

    def close(self, opened: Any) -> None:
        opened.close()


def _event(step: int, summary: Any) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event

    return Event(wall_time=time.time(), step=step, summary=summary)
