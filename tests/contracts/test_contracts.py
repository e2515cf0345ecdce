"""Every part of the package, found by its file, keeps its shipped contract; and the suites see what breaks one."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steelyard import parts
from steelyard.parts.estimators import Estimator
from steelyard.parts.exports import Export
from steelyard.parts.measures import Measure
from steelyard.parts.models import Model
from steelyard.parts.policies import Policy
from steelyard.parts.sources.jsonl import Jsonl
from steelyard.testing import check_estimator, check_export, check_measure, check_model, check_policy, check_source

ROWS = [{"query": "保温杯", "title": "a, b", "label": "1"}, {"query": 'say "hi"', "title": "c", "label": "0"}]


@pytest.mark.parametrize("name", parts.names("estimators"))
def test_estimators(name: str) -> None:
    check_estimator(parts.make("estimators", name))


@pytest.mark.parametrize("name", parts.names("policies"))
def test_policies(name: str) -> None:
    check_policy(parts.make("policies", name))


@pytest.mark.parametrize("name", parts.names("measures"))
def test_measures(name: str) -> None:
    check_measure(parts.make("measures", name))


@pytest.mark.parametrize("name", [n for n in parts.names("models") if parts.find("models", n).fit is not Model.fit])
def test_models(name: str) -> None:
    check_model(parts.make("models", name), sparse=name == "linear")


@pytest.mark.parametrize("name", parts.names("exports"))
def test_exports(name: str, tmp_path: Path) -> None:
    check_export(parts.make("exports", name), tmp_path)


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_sources(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows.{name}"
    if name == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif name == "jsonl":
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in ROWS), encoding="utf-8")
    else:
        path.write_text('query,title,label\n保温杯,"a, b",1\n"say ""hi""",c,0\n', encoding="utf-8")
    check_source(parts.make("sources", name), path, ROWS, nowhere=tmp_path / f"no.{name}")


@dataclass(frozen=True)
class Credulous(Estimator):
    """Doubts right labels."""

    reading = "suspicion"
    needs = ("given", "loss")

    def estimate(self, signals):
        return np.exp(-signals["loss"])


@dataclass(frozen=True)
class Positional(Estimator):
    """Looks at the place of a row."""

    reading = "difficulty"

    def estimate(self, signals):
        return np.where(signals["given"] >= 0, np.arange(signals.n), np.nan)


@dataclass(frozen=True)
class Complete(Estimator):
    """Has an opinion without a label."""

    reading = "difficulty"

    def estimate(self, signals):
        return np.zeros(signals.n)


@dataclass(frozen=True)
class Backwards(Policy):
    """Favours wrong labels."""

    needs = ("suspicion",)

    def raw(self, readings, progress=1.0):
        return readings["suspicion"]


@dataclass(frozen=True)
class Constant(Measure):
    """Knows nothing of the order."""

    def per_query(self, ranking):
        return np.full(ranking.n_groups, 0.5)


@dataclass(frozen=True)
class Careless(Model):
    """Ignores weights and targets."""

    def fit(self, encoded, label, classes, sample_weight=None, target=None, seed=0):
        class Fitted:
            def predict(self, x):
                return np.eye(classes)[np.asarray(x)[:, :classes].argmax(1)]

        return Fitted()


@dataclass(frozen=True)
class Appending(Export):
    """Keeps what was there."""

    suffix = ".txt"

    def write(self, table, path):
        with path.open("a") as out:
            out.write(str(table.to_pylist()))


@dataclass(frozen=True)
class Dropping(Jsonl):
    """Drops the last row."""

    def read(self, where):
        for batch in super().read(where):
            yield batch.slice(0, batch.num_rows - 1)


@pytest.mark.parametrize(
    ("check", "part", "said"),
    [
        (check_estimator, Credulous(), "doubt wrong labels"),
        (check_estimator, Positional(), "order of the rows"),
        (check_estimator, Complete(), "NaN for rows without a label"),
        (check_policy, Backwards(), "favour wrong labels"),
        (check_measure, Constant(), "above reversed ones"),
        (check_model, Careless(), "weight 0"),
    ],
)
def test_a_broken_part_is_told_what_it_breaks(check, part, said: str) -> None:
    with pytest.raises(AssertionError, match=said) as e:
        check(part)
    assert type(part).__name__ in str(e.value)


def test_a_broken_export_and_source_are_told_too(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(AssertionError, match="same bytes"):
        check_export(Appending(), tmp_path / "out")
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in ROWS), encoding="utf-8")
    with pytest.raises(AssertionError, match="gives 1 of 2 rows"):
        check_source(Dropping(), path, ROWS)
