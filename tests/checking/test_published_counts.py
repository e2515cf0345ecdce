"""What is published about real tables must come out."""

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from steelyard.acts.checking import check
from steelyard.acts.checks.cost import Machine
from steelyard.features.duplicates import contradicting, pair_codes
from steelyard.values.samples import Samples

from .tables import table

DATA = Path(os.environ.get("STEELYARD_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
pytestmark = pytest.mark.real


def read(path: str, query: str, title: str, label: str, split: dict[str, str] | None = None) -> Samples:
    if not (DATA / path).exists():
        pytest.skip(f"{path} is not there: set STEELYARD_DATA to the folder of the data sets")
    columns = pq.read_table(DATA / path)
    names, codes = np.unique(columns[label].to_numpy(), return_inverse=True)
    more = {"split": [split[s] for s in columns["split"].to_pylist()]} if split else {}
    return table(codes, tuple(map(str, names)), query=columns[query], title=columns[title], **more)


def repeated(samples: Samples, codes: np.ndarray) -> tuple[int, int]:
    """Return (groups of two or more rows, those with different labels)."""
    against = contradicting(samples, codes)[1]
    return int((np.bincount(codes) > 1).sum()), len(np.unique(codes[against > 0]))


@pytest.mark.parametrize(
    ("where", "published"),
    [
        (("home_depot/train.parquet", "search_term", "product_title", "relevance"), (552, 392)),
        (("crowdflower_search/train.parquet", "query", "product_title", "median_relevance"), (272, 79)),
    ],
)
def test_identical_pairs_and_their_contradictions(where: tuple[str, str, str, str], published: tuple[int, int]) -> None:
    samples = read(*where)
    raw = np.array([f"{q}\0{t}" for q, t in zip(samples.texts("query"), samples.texts("title"), strict=True)])
    as_written = np.unique(raw, return_inverse=True)[1]
    assert repeated(samples, as_written) == published
    # normalisation joins a few more (case, punctuation) and separates none
    codes = pair_codes(samples)
    assert len(np.unique(np.stack([as_written, codes]), axis=1).T) == as_written.max() + 1
    groups, against = repeated(samples, codes)
    assert published[0] <= groups <= 1.1 * published[0]
    assert published[1] <= against <= 1.1 * published[1]


def test_chinese_test_pairs_that_leak() -> None:
    s = read("qbqtc_zh/pairs.parquet", "query", "title", "label", {"dev": "train", "test_public": "test"})
    found = check(s, machine=Machine(2, 64e9, True))
    (leak,) = found.find("D121")
    assert leak.facts["exact"] == 1154
    assert leak.facts["exact"] <= leak.count <= 1154 * 1.2
    assert found.find("D120")
    assert found.find("D115.ok")[0].facts["share"] > 0.85  # nearly one title a query, so accuracy is what counts
    assert found.find("V403.ok")
