"""The code in the documents runs, and what is public is documented."""

import re
from pathlib import Path

import pytest

import steelyard

ROOT = Path(__file__).parents[1]


def blocks(name: str, language: str = "python") -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.S)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_readme_code_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    for code in blocks(name):
        exec(compile(code, name, "exec"), {})
    assert (tmp_path / "report.html").stat().st_size > 100_000
    said = capsys.readouterr().out.strip()
    for promised in re.findall(r"^print\(run\)  # (.+)$", "\n".join(blocks(name)), re.M):
        assert promised in re.sub(r"table-\w+", "table-…", said).splitlines()
    assert said.split()[-1] in {
        "use_weights", "prune", "relabel_first", "keep_uniform", "cannot_tell",
    }  # fmt: skip


def shown(name: str) -> list[str]:
    """The lines that a README shows of `steelyard demo`, each with its blanks made one."""
    (block,) = [b for b in blocks(name, "console") if b.startswith("$ steelyard demo")]
    return [" ".join(line.split()) for line in block.splitlines()[1:]]


def test_both_readmes_show_the_same_numbers() -> None:
    numbers = [sorted(re.findall(r"\d[\d.,]*\d|\d", " ".join(shown(n)))) for n in ("README.md", "README.zh-CN.md")]
    assert numbers[0] == numbers[1]
    assert len(numbers[0]) > 25


def test_the_demo_prints_what_the_readme_shows() -> None:
    """`make core` has just run the demo with the light core; a run of older code says nothing."""
    printed = ROOT / ".venv-core" / "demo.txt"
    newest = max(p.stat().st_mtime for p in (ROOT / "src").rglob("*") if p.suffix in (".py", ".json"))
    if not printed.exists() or printed.stat().st_mtime < newest:
        pytest.skip("no demo of this code: make core")
    lines = [" ".join(line.split()) for line in printed.read_text(encoding="utf-8").splitlines()]
    assert [line for line in shown("README.md") if line not in lines] == []


def test_the_example_part_keeps_its_contract() -> None:
    import numpy as np

    from steelyard.values.signals import Signals

    scope: dict = {"__name__": "example"}
    exec(blocks("docs/add-a-part.md")[0], scope)
    signals = Signals(np.array(["a", "b"], object), {"loss": np.array([0.1, 2.0])})
    value = scope["Squared"]().estimate(signals)
    assert 0 < value[0] < value[1] < 1
    exec(blocks("docs/add-a-part.md")[1], scope)
    scope["test_squared_keeps_its_contract"]()


def test_readme_names_the_two_commands() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "make demo" in text
        assert "make test" in text


def test_links_point_to_files_that_are_there() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_public_names_exist_and_are_sorted() -> None:
    names = [n for n in steelyard.__all__ if n != "__version__"]
    assert names == sorted(names, key=lambda n: (not n[0].isupper(), n))
    assert len(steelyard.__all__) <= 20
    for name in names:
        assert getattr(steelyard, name).__doc__
