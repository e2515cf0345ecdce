"""MLflow; by default a SQLite file on this machine, or the server that you name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from steelyard.parts.trackers import Numbers, Tracker

LONGEST = 6000  # characters of a parameter that every MLflow store takes


@dataclass(eq=False)
class MLflow(Tracker):
    """experiment: where runs are gathered. uri: of a tracking server; '' for ``mlflow.db`` in the folder.

    The client is used, not MLflow's global active run: several trackings in one process do not meet. Its telemetry is
    switched off unless the environment says otherwise. MLflow allows few characters in names: see ``spelled``.
    """

    experiment: str = "steelyard"
    uri: str = ""

    needs: ClassVar[str] = "mlflow"

    def open(self, run_name: str, config: Mapping[str, Any]) -> Any:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient
        from mlflow.entities import Param

        client = MlflowClient(tracking_uri=self.uri or f"sqlite:///{self.path('mlflow.db').resolve()}")
        found = client.get_experiment_by_name(self.experiment)
        home = None if self.uri else self.path("mlflow-files").resolve().as_uri()
        experiment = found.experiment_id if found else client.create_experiment(self.experiment, home)
        run = client.create_run(experiment, run_name=run_name).info.run_id
        client.log_batch(run, params=[Param(spelled(name), str(value)[:LONGEST]) for name, value in config.items()])
        return client, run

    def write(self, opened: Any, step: int, values: Numbers) -> None:
        import time

        from mlflow.entities import Metric

        client, run = opened
        now = int(time.time() * 1000)
        client.log_batch(run, metrics=[Metric(spelled(name), value, now, step) for name, value in values.items()])

    def close(self, opened: Any) -> None:
        client, run = opened
        client.set_terminated(run)


def spelled(name: str) -> str:
    """Return the name as MLflow takes it: ``ndcg@10[gain=esci]`` becomes ``ndcg_at_10_gain_esci_``."""
    return re.sub(r"[^A-Za-z0-9_\-. :/]", "_", name.replace("@", "_at_"))
