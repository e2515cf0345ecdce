"""The machine that Steelyard runs on: versions, cores, memory, disk, language; nothing that is secret."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from steelyard.wording import choose_language

PACKAGES = ("steelyard", "numpy", "pyarrow", "scipy", "scikit-learn", "pandas", "torch")
#: Variables that change speed or language. Others are not read: they may hold secrets.
VARIABLES = ("LANG", "LC_ALL", "STEELYARD_LANG", "OMP_NUM_THREADS", "OMP_WAIT_POLICY")


def machine() -> dict[str, Any]:
    """Return what to paste into an issue; JSON values only, no path, no name of a user or host.

    versions: package -> version, None when it is not installed. cores: that this process may use. memory, free_memory,
    free_disk: bytes, None where the system does not say. variables: those of VARIABLES that are set.
    """
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": _pages("SC_PHYS_PAGES"),
        "free_memory": _pages("SC_AVPHYS_PAGES"),
        "free_disk": shutil.disk_usage(".").free,
        "encoding": sys.stdout.encoding if sys.stdout else None,
        "locale": locale.setlocale(locale.LC_CTYPE),
        "language": choose_language(),
        "versions": {name: _version(name) for name in PACKAGES},
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def memory_left() -> float:
    """Return the bytes that this process may still take without swapping; inf where nobody says."""
    left = [float("inf")]
    with suppress(OSError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        left += [1024 * float(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # no such limit, or the word "max"
            left.append(float(Path(limit).read_text()) - float(Path(used).read_text()))
    if len(left) == 1 and (total := _pages("SC_PHYS_PAGES")):
        left.append(float(total))
    return max(0.0, min(left))


def memory_peak() -> int | None:
    """Return the most bytes that this process has held in memory at once, None where the system does not say."""
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        held = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        if held:
            return 1024 * int(held[0])
    with suppress(ImportError):  # Windows
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return unit * int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return None


def _pages(name: str) -> int | None:
    known = getattr(os, "sysconf_names", {})
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf(name) if name in known else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
