"""Gathering: facts about a row from a small table worked out by hand, and from the demonstration data."""

import numpy as np
import pyarrow as pa

from steelyard.acts.gathering import gather, words
from steelyard.acts.reasons import reason, sentence
from steelyard.demonstration import LABELS, make
from steelyard.values.evidence import Clash, Evidence
from steelyard.values.samples import Origin, Samples
from steelyard.values.scale import Scale
from steelyard.values.signals import Signals


def samples_of(table: pa.Table) -> Samples:
    table = table.append_column("row_key", pa.array([str(i) for i in range(table.num_rows)]))
    label = np.array([LABELS.index(v) for v in table["label"].to_pylist()], dtype=np.int32)
    group = np.unique(table["query_id"].to_pylist(), return_inverse=True)[1].astype(np.int64)
    return Samples(table, "relevance", Scale(LABELS, True), label, group, Origin((), "0", "table"))


SMALL = samples_of(
    pa.table(
        {
            "query_id": ["q1"] * 6 + ["q2"],
            "query": ["13 inch laptop case"] * 6 + ["tent"],
            "product_id": ["p1", "p2", "p3", "p4", "p1", "p5", "p1"],
            "title": [
                "Laptop sleeve 15.6 inch grey water-resistant",
                "Laptop sleeve 15.6 inch grey",
                "Laptop sleeve 15.6 inch blue water-resistant",
                "Laptop sleeve 17 inch grey water-resistant",
                "Laptop sleeve 15.6 inch grey water-resistant",
                "Phone",
                "Laptop sleeve 15.6 inch grey water-resistant",
            ],
            "annotator": ["A07", "A01", "A02", "A03", "A12", "A01", "A01"],
            "label": ["E", "I", "I", "E", "S", "I", "E"],
        }
    )
)


def signals(samples: Samples, **columns: np.ndarray) -> Signals:
    return Signals(samples.row_key, columns)


def test_facts_of_a_row_worked_out_by_hand() -> None:
    n = len(SMALL)
    known = signals(
        SMALL,
        probability=np.tile([0.9, 0.05, 0.03, 0.02], (n, 1)),
        learned=np.zeros((n, 5)),
        alignment=np.array([-0.9, -0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        neighbour_label=np.tile([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, -1], (n, 1)),
    )
    votes = np.tile([0, 0, 2], (n, 1))
    found = gather(SMALL, known, np.array([0]), votes=votes)[0]
    assert found == Evidence(
        given="E",
        suggested="I",
        lowers=True,
        similar=2,
        contradicting=2,
        contradicting_label="I",
        judgements=(("E", "A07"), ("S", "A12")),
        own=0.02,
        probability=0.9,
        agreeing=2,
        voters=3,
        epochs=5,
        learned=0,
        opposing=1 / 7,
        neighbours=10,
        neighbours_alike=8,
        neighbours_label="I",
        pairs=True,
        clash=Clash("length", "13 inch", "15.6 inch"),
    )
    assert sentence(*reason(found)).startswith("2 of 2 near-identical products under this query are I; same pair")


def test_without_signals_only_the_table_speaks() -> None:
    found = gather(SMALL, signals(SMALL), np.array([6, 0]))
    assert found[0] == Evidence(given="E", lowers=True, judgements=(("E", "A01"),))
    assert found[1].probability is None
    assert found[1].opposing is None
    assert gather(SMALL, signals(SMALL), np.array([], dtype=int)) == []


def test_the_order_of_the_rows_does_not_matter() -> None:
    order = np.random.default_rng(0).permutation(len(SMALL))
    mixed = SMALL.take(order)
    there = gather(mixed, signals(mixed), np.arange(len(SMALL)))
    here = gather(SMALL, signals(SMALL), order)
    assert [sorted(e.judgements) for e in there] == [sorted(e.judgements) for e in here]
    assert [(e.similar, e.contradicting, e.clash) for e in there] == [
        (e.similar, e.contradicting, e.clash) for e in here
    ]


def test_words_of_both_languages() -> None:
    assert words("Ｌaptop-13.3寸 黑色") == {"laptop", "13.3", "寸", "黑", "色"}


def test_planted_duplicates_of_the_demo_are_told_as_such() -> None:
    table = make()
    samples = samples_of(table)
    rows = np.flatnonzero([p == "duplicate" for p in table["planted"].to_pylist()])
    told = [reason(e, most=1)[0] for e in gather(samples, signals(samples), rows)]
    assert set(told) <= {"RE11", "RE01", "RE02"}
    assert told.count("RE11") > len(rows) / 2


def test_contradictions_speak_more_often_on_planted_rows_of_the_demo() -> None:
    table = make()
    samples = samples_of(table)
    planted = np.array([p != "" for p in table["planted"].to_pylist()])
    speaks = np.array(
        [
            reason(e)[0].startswith(("RE0", "RE1")) and reason(e)[0] != "RE00"
            for e in gather(samples, signals(samples), np.arange(1200))
        ]
    )
    assert speaks[planted].mean() > 2 * speaks[~planted].mean()


def test_a_clash_is_no_reason_against_a_grade_that_allows_for_it() -> None:
    samples = samples_of(make())
    found = gather(samples, signals(samples), np.arange(1200))
    told = {e.given for e in found if "RE51" in reason(e)[0]}
    assert told == {"E"}
    assert {e.given for e in found if e.clash} == {"E", "S", "C", "I"}
