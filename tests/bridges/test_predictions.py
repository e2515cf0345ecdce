"""from_predictions: readings from probabilities of any model."""

import numpy as np
import pytest

from steelyard.bridges.predictions import from_predictions
from steelyard.errors import DataError

LABELS = ["no", "so-so", "yes"]


def table(n: int = 300, wrong: int = 30, seed: int = 0) -> tuple[list[dict], np.ndarray, np.ndarray]:
    """Return (rows, probabilities that know the truth with noise, (n,) whether the label is wrong)."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, n)
    given = np.where(np.arange(n) < wrong, (true + 1) % 3, true)
    p = np.exp(3.0 * np.eye(3)[true] + 0.5 * rng.normal(size=(n, 3)))
    rows = [{"text": f"text number {i} of {n}", "label": LABELS[g]} for i, g in enumerate(given)]
    return rows, p / p.sum(1, keepdims=True), given != true


def test_planted_errors_are_found() -> None:
    rows, p, wrong = table()
    read = from_predictions(rows, p, task="classification", classes=LABELS)
    assert (read["suspicion"][wrong][:, None] > read["suspicion"][~wrong][None]).mean() > 0.9
    assert read["out_of_fold_loss"][0] == pytest.approx(1 - p[0, LABELS.index(rows[0]["label"])])
    assert "benefit" not in read
    assert "forgetting" not in read
    right = [LABELS[(LABELS.index(r["label"]) - 1) % 3] for r in rows[:30]]
    assert np.mean(read["suggested"][:30] == right) > 0.7


def test_order_of_rows_and_of_classes_does_not_matter() -> None:
    rows, p, _ = table()
    read = from_predictions(rows, p, task="classification", classes=LABELS)
    order, turn = np.random.default_rng(1).permutation(300), [2, 0, 1]
    again = from_predictions(
        [rows[i] for i in order], p[order][:, turn], task="classification", classes=[LABELS[j] for j in turn]
    )
    for name in ("suspicion", "difficulty", "p_wrong", "posterior"):
        assert np.allclose(again[name], read[name][order], atol=1e-9), name


def test_twins_that_disagree_count() -> None:
    rows, p, _ = table(40, 0)
    rows += [{**rows[0], "label": "no" if rows[0]["label"] != "no" else "yes"}]
    p = np.r_[p, p[:1]]
    read = from_predictions(rows, p, groups=np.arange(41) % 7, task="classification", classes=LABELS)
    assert read["contradicting"][[0, 40]].tolist() == [1, 1]
    assert read["contradicting"].sum() == 2
    assert read["contradiction"][0] == 0.5


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: p[:9], "D188"),
        (lambda p: p[:, 0], "D188"),
        (lambda p: p[:, :2], "D189"),
        (lambda p: p * np.where(np.arange(300)[:, None] == 4, np.nan, 1), "D190: 1 rows.*row 4"),
        (lambda p: p * 2, "D190: 300 rows"),
        (lambda p: p - 0.9, "D190"),
    ],
)
def test_probabilities_that_do_not_fit_are_refused(change, code: str) -> None:
    rows, p, _ = table()
    with pytest.raises(DataError, match=code):
        from_predictions(rows, change(p), task="classification", classes=LABELS)


def test_classes_and_groups_that_do_not_fit_are_refused() -> None:
    rows, p, _ = table()
    with pytest.raises(DataError, match=r"D189.*maybe"):
        from_predictions(rows, p, task="classification", classes=["no", "maybe", "yes"])
    with pytest.raises(DataError, match="D188"):
        from_predictions(rows, p, np.arange(3), task="classification", classes=LABELS)
