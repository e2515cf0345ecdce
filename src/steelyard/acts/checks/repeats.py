"""Rows that repeat: plain duplicates, contradictions, what they say about wrong labels, leaks between splits."""

from __future__ import annotations

import numpy as np

from steelyard.acts.checks.looked import HELD_OUT, Findings, Looked


def check_duplicates(looked: Looked) -> Findings:
    """Count rows that repeat an earlier row of their split: same query, product and label."""
    samples = looked.samples
    rows = np.flatnonzero(samples.labelled)
    key = (looked.pair[rows] * len(looked.splits) + looked.split[rows]) * (len(samples.scale) or 1)
    repeats = np.ones(len(rows), bool)
    repeats[np.unique(key + samples.label[rows], return_index=True)[1]] = False
    if repeats.any():
        yield looked.finding("D174", "note", rows[repeats], share=float(repeats.sum() / len(samples)))
    else:
        yield looked.finding("D174.ok", "ok")


def check_contradictions(looked: Looked) -> Findings:
    """Count rows whose identical (D133) or only near-identical (D134) pair carries another label; D135 in tests."""
    training = ~np.isin(looked.split, [i for i, name in enumerate(looked.splits) if name in HELD_OUT])
    same, near = looked.against_same > 0, looked.against_near > 0
    for code, rows in (("D133", same & training), ("D134", near & ~same & training)):
        if rows.any():
            which = looked.pair if code == "D133" else looked.near
            share = float(rows.sum() / training.sum())
            yield looked.finding(code, "warn", rows, pairs=len(np.unique(which[rows])), share=share)
        else:
            yield looked.finding(f"{code}.ok", "ok")
    held = same & ~training
    if held.any():
        yield looked.finding("D135", "warn", held, share=float(held.sum() / (~training).sum()))


def check_wrong_labels(looked: Looked) -> Findings:
    """Estimate wrong labels from below: in each group of identical pairs all but the commonest label.

    Holds if a pair has one right label. It is a bound for the repeated rows only and says nothing of the rest.
    """
    samples = looked.samples
    rows = np.flatnonzero(samples.labelled)
    if not len(rows):
        return
    width = len(samples.scale) or 1
    each, counts = np.unique(looked.pair[rows] * width + samples.label[rows], return_counts=True)
    total = np.bincount(each // width, weights=counts)
    most = np.zeros(len(total))
    np.maximum.at(most, each // width, counts)
    repeated = total > 1
    of, wrong = int(total[repeated].sum()), int((total - most)[repeated].sum())
    if wrong:
        yield looked.finding("D177", "note", count=wrong, repeated=of, share=wrong / of)


def check_leaks(looked: Looked) -> Findings:
    """Count held-out queries (D120) and near-identical pairs (D121) that training rows have too."""
    train = looked.of_split("train")
    for split in HELD_OUT:
        held = looked.of_split(split)
        if not train.any() or not held.any():
            continue
        if looked.ranked:
            rows = held & np.isin(looked.query, looked.query[train])
            queries, of = len(np.unique(looked.query[rows])), len(np.unique(looked.query[held]))
            if rows.any():
                facts = {"queries": of, "affected": int(rows.sum()), "share": queries / of}
                yield looked.finding("D120", "warn", rows, count=queries, split=split, **facts)
            else:
                yield looked.finding("D120.ok", "ok", count=of, split=split)
        rows = held & np.isin(looked.near, looked.near[train])
        exact = held & np.isin(looked.pair, looked.pair[train])
        share = float(rows.sum() / held.sum())
        if rows.any():
            yield looked.finding("D121", "warn", rows, split=split, exact=int(exact.sum()), share=share)
        else:
            yield looked.finding("D121.ok", "ok", count=int(held.sum()), split=split)
