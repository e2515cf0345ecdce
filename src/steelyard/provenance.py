"""Provenance: where a run's numbers came from, how to repeat it, and how to find its text again."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from steelyard.plan import Plan
from steelyard.run import Run
from steelyard.values.samples import Samples
from steelyard.version import VERSION


def plain(reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of reading that were given, sorted by name."""
    return {k: v for k, v in sorted(reading.items()) if v is not None}


def keep_source(run: Run, samples: Samples) -> None:
    """Keep the text of a table that came from memory, or of a part of a table: it has no other home."""
    if not run.has("source.parquet") and (not samples.origin.paths or "-" in samples.origin.paths):
        run.write("source.parquet", samples.write)


def reopen(run: Run, info: Mapping[str, Any]) -> Samples:
    """Read the samples of a run again, from its files or from the kept table."""
    kept = run.path / "source.parquet"
    if kept.exists():
        return Samples.read(kept)
    from steelyard.acts.folding import spread
    from steelyard.acts.reading import reread
    from steelyard.values.samples import Origin

    samples = reread(Origin(**info["origin"]))
    sample = info["reading"].get("sample")
    return samples if sample is None or sample >= len(samples) else samples.take(spread(samples.group, int(sample), 0))


def facts(samples: Samples, plan: Plan, found: Mapping[str, Any], reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return run.json of a score run: all that is needed to repeat it, and what was ``found``."""
    import scipy
    import sklearn

    origin = samples.origin
    return {
        "schema": "steelyard.run/1",
        "plan": plan.as_dict(),
        "id": plan.id,
        "paths": list(origin.paths),
        "fingerprint": origin.fingerprint,
        "origin": {
            "paths": list(origin.paths),
            "fingerprint": origin.fingerprint,
            "source": origin.source,
            "options": dict(origin.options),
        },
        "reading": dict(reading),
        "rows": len(samples),
        "groups": len(np.unique(samples.group)),
        "task": samples.task,
        "columns": dict(samples.columns),
        "scale": samples.scale.as_dict(),
        "notes": [n.as_dict() for n in samples.notes],
        "seed": plan.options["seed"],
        "tier": plan.options["tier"],
        **found,
        "versions": {
            "steelyard": VERSION,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pyarrow": pa.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "platform": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "command": command(samples, reading, plan),
    }


def command(samples: Samples, reading: Mapping[str, Any], plan: Plan) -> str:
    """Return the command line that repeats a score run."""
    words = ["steelyard", "score", *(samples.origin.paths or ("TABLE",))]
    for key, value in reading.items():
        text = ",".join(f"{a}={b}" for a, b in value.items()) if isinstance(value, Mapping) else str(value)
        words += [f"--{key.replace('_', '-')}", text]
    return " ".join([*words, "--seed", str(plan.options["seed"])])
