"""Every section of benchmarks/RESULTS.md is one that its printed command would write again, in its place."""

import ast
import re
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SECTIONS = re.findall(
    r"^## (.+)\n\n`(python benchmarks/.+?)`", (BENCHMARKS / "RESULTS.md").read_text(encoding="utf-8"), re.M
)


def titles(script: Path) -> list[str]:
    """Return the texts in a script as patterns; what it puts into them may be anything."""
    out = []
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            out.append("".join(re.escape(v.value) if isinstance(v, ast.Constant) else ".*" for v in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            out.append(re.escape(node.value))
    return [t for t in out if len(t.replace(".*", "")) > 8]


@pytest.mark.parametrize(("title", "command"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_a_section_is_written_by_its_command(title: str, command: str) -> None:
    scripts = re.findall(r"benchmarks/(\w+\.py)", command)
    flags = re.findall(r" (--[\w-]+)", command)
    for script in map(BENCHMARKS.joinpath, scripts):
        assert any(re.fullmatch(pattern, title) for pattern in titles(script))
        known = script.read_text(encoding="utf-8")
        assert [flag for flag in flags if f'"{flag}"' not in known] == []


def test_no_section_stands_twice() -> None:
    names = [title for title, _ in SECTIONS]
    assert len(names) == len(set(names)) > 20
