"""Provenance: where a run's numbers came from, how to repeat it, and how to find its text again."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from steelyard.plan import Plan
from steelyard.run import Run
from steelyard.values.findings import Finding
from steelyard.values.samples import Origin, Samples
from steelyard.version import VERSION


def plain(reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of reading that were given, sorted by name."""
    return {k: v for k, v in sorted(reading.items()) if v is not None}


def content(samples: Samples) -> str:
    """Return the fingerprint of what samples say: keys, labels, their order and worth, groups."""
    text = "\n".join(map(str, samples.row_key)) + repr((samples.task, samples.scale.as_dict()))
    arrays = (samples.label, np.unique(samples.group, return_inverse=True)[1])
    return blake2b(
        text.encode() + b"".join(np.ascontiguousarray(a).tobytes() for a in arrays), digest_size=16
    ).hexdigest()


def keep_source(run: Run, samples: Samples, always: bool = False) -> None:
    """Keep the text of a table that came from memory, or of a part of a table: it has no other home.

    always: the samples are the caller's own, and reading their file again might give others.
    """
    homeless = always or not samples.origin.paths or "-" in samples.origin.paths
    if homeless and not run.has("source.parquet"):
        run.write("source.parquet", samples.write)


def moved(run: Run, origin: Origin) -> None:
    """Let a finished run know where its file lies now, when it is no longer where it was."""
    info, paths = run.read_json("run.json"), list(origin.paths)
    if paths and info["paths"] != paths and not all(Path(p).exists() for p in info["paths"]):
        told = {"paths": paths, "origin": {**info["origin"], "paths": paths}}
        run.write_json("run.json", {**info, **told, "command": command(origin, info["reading"], run.plan)})


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
    return {
        **common(samples.origin, samples.notes, plan, reading),
        "rows": len(samples),
        "groups": len(np.unique(samples.group)),
        "task": samples.task,
        "columns": dict(samples.columns),
        "scale": samples.scale.as_dict(),
        **found,
    }


def common(origin: Origin, notes: Iterable[Finding], plan: Plan, reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return what run.json says of any score run: plan, source, options, versions, the command that repeats it."""
    import scipy
    import sklearn

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
        "notes": [n.as_dict() for n in notes],
        "seed": plan.options["seed"],
        "tier": plan.options["tier"],
        "versions": {
            "steelyard": VERSION,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pyarrow": pa.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "platform": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "command": command(origin, reading, plan),
    }


def command(origin: Origin, reading: Mapping[str, Any], plan: Plan) -> str:
    """Return the command line that repeats a score run."""
    chosen = {k: v for k, v in plan.options.items() if k in ("tier", "seed", "folds", "model")}
    words = ["steelyard", "score", *(origin.paths or ("TABLE",))]
    for key, value in {**reading, **chosen, **plan.options.get("deep", {})}.items():
        words += [f"--{key.replace('_', '-')}", _spelled(value)]
    return shlex.join(words)


def _spelled(value: Any) -> str:
    """Return an option as the command line takes it."""
    if isinstance(value, Mapping):
        return ",".join(f"{a}={b}" for a, b in value.items())
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
