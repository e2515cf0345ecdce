"""The arrows of the architecture: which folder may import which. See docs/river.md."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "steelyard"
LEVEL = {
    "version": 0, "__main__": 5, "wording": 0, "errors": 0, "values": 0, "plan": 0,
    "parts": 1, "features": 1, "gradients": 1, "demonstration": 4,
    "acts": 2, "run": 3, "engine": 3, "page": 3,
    "machine": 1, "scored": 4, "tiers": 4, "provenance": 4, "reporting": 4, "compared": 4, "review": 4, "api": 4,
    "leaving": 4, "taken": 4, "recommendation": 4, "reporting_taken": 4,
    "apps": 5, "bridges": 5, "testing": 5,
}  # fmt: skip
FILES = sorted(p for p in SRC.rglob("*.py") if p.name != "__init__.py" or p.parent != SRC)
WITHOUT_TORCH = ("values", "features", "acts")
TORCH_PARTS = ("models", "tasks", "recommenders")
HEAVY = {
    "implicit": "parts/recommenders/als.py",
    "ray": "engine/ray.py",
    "tensorboard": "parts/trackers/tensorboard.py",
    "wandb": "parts/trackers/wandb.py",
    "mlflow": "parts/trackers/mlflow.py",
    "swanlab": "parts/trackers/swanlab.py",
}


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SRC)))
def test_arrows_point_downwards(path: Path) -> None:
    where = path.relative_to(SRC)
    own = where.parts[0].removesuffix(".py")
    assert own in LEVEL, f"{where}: no level is set for {own}"
    for name in imports_of(path):
        if not name.startswith("steelyard."):
            continue
        other = name.split(".")[1]
        if other in LEVEL:
            assert LEVEL[other] <= LEVEL[own], f"{where} imports {name}, which lies above it"
        if own == "parts" and other == "parts" and len(where.parts) == 3 and not where.name.startswith("__"):
            allowed = {"steelyard.parts", f"steelyard.parts.{where.parts[1]}"}
            part_files = {
                f"steelyard.parts.{p.parent.name}.{p.stem}"
                for p in (SRC / "parts").rglob("*.py")
                if not p.stem.startswith("_")
            }
            assert name in allowed or name not in part_files, f"{where}: a part imports the part {name}"
        if own == "acts" and other == "parts":
            is_file = name.split(".")[3:4] and (SRC / "/".join(name.split(".")[1:4])).with_suffix(".py").exists()
            assert not is_file, f"{where}: an act imports the part file {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SRC)))
def test_heavy_libraries_stay_in_one_file(path: Path) -> None:
    where = path.relative_to(SRC)
    roots = {name.split(".")[0] for name in imports_of(path)}
    for heavy, home in HEAVY.items():
        assert heavy not in roots or str(where) == home
    light = where.parts[0] in WITHOUT_TORCH or (where.parts[0] == "parts" and where.parts[1] not in TORCH_PARTS)
    assert not (light and "torch" in roots), f"{where} imports torch"
    if where.parts[:2] in (("parts", "tasks"), ("parts", "recommenders")) and not where.name.startswith("_"):
        assert "torch" not in at_once(path), f"{where} imports torch before it gets a tensor"


def at_once(path: Path) -> set[str]:
    """Return the packages that importing a file imports: those named outside its functions."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    names = [a.name for node in body if isinstance(node, ast.Import) for a in node.names]
    names += [node.module or "" for node in body if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}
