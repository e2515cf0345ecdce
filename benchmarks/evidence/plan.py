"""Which cells there are, and in which order: what says most comes first."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.evidence.cells import Cell
from benchmarks.evidence.tables import SETS

TEXTS = ("banking77", "airline_tweets", "financial_phrasebank", "zh_sentiment", "zh_categories", "stock_emotions",
         "womens_clothing", "zh_waimai", "clinc150")  # fmt: skip
PAIRS = ("walmart_amazon", "abt_buy", "qbqtc_zh")
SMOKE = ("demo_texts", "demo")
#: English texts, which the packaged encoder reads; on READ the full tier is measured, networks of READ_ROWS rows.
EMBED = ("banking77", "airline_tweets", "financial_phrasebank", "stock_emotions", "womens_clothing", "clinc150")
READ, READ_ROWS = ("airline_tweets", "financial_phrasebank", "stock_emotions"), 1_500
PEOPLE = sorted(((n, noise) for n, s in SETS.items() for noise, _ in s.people), key=lambda p: p[1] == "disputed")
JUDGED_BY_TRUTH = [(name, noise) for name, noise in PEOPLE if noise != "disputed"]
CURVES = ("airline_tweets", "zh_sentiment", "banking77")
#: Sets on which a model of words is good: the ones that uniform noise is held to.
GOOD = (("banking77", 13_083), ("clinc150", 9_000))
#: Rows of a comparison of the short list, and of tables whose arms are dear; FEW: what it compares.
ROWS, DEAR = 4_000, {"crowdflower_search": 1_500, "dproduct_crowd": 4_000}
FEW = tuple(name for name in TEXTS if name != "clinc150")
LIGHT = tuple(name for name in FEW if name != "banking77")
#: Cells of a comparison: five folds gone through twice, each time with models of another seed.
PASSES = 10
#: Seed of the noise that detectors are measured on. What is default was chosen on seed 0.
FRESH = 1


def cells(full: bool = False) -> list[Cell]:
    """Return the cells of the evidence in order; full: more seeds, every rung, the embed tier, for a night."""
    return list(dict.fromkeys(_full() if full else _core()))


def smoke() -> list[Cell]:
    """Return a minute's cells on what the package brings along: every path, no claim."""
    return [
        Cell("detection", "demo_texts", "instance_20", rows=600),
        Cell("detection", "demo_texts", "artefact_token_10", rows=600),
        Cell("detection", "demo", "adjacent_20", rows=300),
        Cell("weighting", "demo_texts", "clean", rows=600, folds=3),
        Cell("weighting", "demo_texts", "uniform_20", rows=600, folds=3),
        Cell("weighting", "demo_texts", "uniform_20", rows=120, folds=3),
        Cell("curves", "demo_texts", "uniform_20", rows=600, folds=3),
    ]


def _core() -> Iterator[Cell]:
    yield from (Cell("detection", name, noise, FRESH) for name, noise in PEOPLE if name in TEXTS)
    yield from (c for rung in ("instance_20", "artefact_token_10") for c in _detection(rung, FRESH, LIGHT))
    yield from _weighting(("instance_20", "clean"), FEW)
    yield from (Cell("weighting", name, "uniform_20", rows=120) for name in FEW)
    yield from (Cell("weighting", n, noise, rows=ROWS, folds=PASSES) for n, noise in JUDGED_BY_TRUTH if n in TEXTS)
    yield from _weighting(("uniform_20",), FEW)
    yield from _weighting(("instance_10",), LIGHT)
    yield from (Cell("detection", name, "instance_20", FRESH) for name, _ in GOOD)
    yield from (Cell("detection", name, "uniform_10", FRESH, rows=rows) for name, rows in GOOD)
    yield from (Cell("detection", name, noise, FRESH) for name, noise in PEOPLE if name not in TEXTS)
    yield from (Cell("curves", name, "instance_20", rows=ROWS, folds=3) for name in CURVES)
    yield from (c for rung in ("uniform_20", "class_20", "instance_10") for c in _detection(rung, FRESH, LIGHT))
    yield from (Cell("weighting", n, noise, rows=DEAR[n], folds=6) for n, noise in JUDGED_BY_TRUTH if n not in TEXTS)
    yield from (c for rung in ("instance_20", "uniform_20", "adjacent_20") for c in _detection(rung, FRESH, PAIRS))
    yield from _detection("artefact_slice_10", FRESH)
    yield from (c for seed in (FRESH + 1, FRESH + 2) for c in _detection("artefact_token_10", seed, LIGHT))
    yield from (Cell("marks", name, rung, FRESH) for rung in ("clean", "artefact_token_5") for name in TEXTS)
    yield from _weighting(("instance_20", "clean"), PAIRS[:2], folds=6)
    yield from _weighting(("class_20",), LIGHT)
    yield from (c for seed in (1, 2) for c in _weighting(("clean",), FEW, seed=seed))
    yield from (
        Cell("interactions", name, reader, seed)
        for name in ("movielens_latest_small", "amazon_musical_instruments_5core")
        for reader in ("als", "item_knn")
        for seed in range(2)
    )
    yield from (
        Cell("detection", n, rung, FRESH, tier="embed") for n in EMBED for rung in ("instance_20", "uniform_20")
    )
    crowds = ("dproduct_crowd", "crowdflower_search")
    yield from (Cell("detection", n, noise, FRESH, tier="embed") for n, noise in PEOPLE if n in (*EMBED, *crowds))
    read = [(n, "instance_20") for n in READ] + [(n, noise) for n, noise in JUDGED_BY_TRUTH if n in READ]
    yield from (Cell("detection", *of, FRESH, tier, READ_ROWS) for tier in ("quick", "embed", "full") for of in read)


def _full() -> Iterator[Cell]:
    yield from _core()
    rungs = ("instance_20", "instance_10", "uniform_10", "uniform_20", "class_20", "artefact_token_10",
             "artefact_slice_10", "adjacent_20")  # fmt: skip
    for seed in range(FRESH, FRESH + 4):
        yield from (Cell("detection", name, noise, seed) for name, noise in PEOPLE)
        for rung in rungs:
            yield from _detection(rung, seed)
        yield from (Cell("interactions", "movielens_latest_small", r, seed) for r in ("als", "item_knn"))
    kinds = ("clean", "instance_10", "instance_20", "uniform_20", "class_20")
    for seed in range(3):
        yield from _weighting(kinds, TEXTS, seed=seed, rows=10_000)
    yield from _weighting(kinds, PAIRS)
    yield from (Cell("weighting", name, noise, folds=10) for name, noise in JUDGED_BY_TRUTH)
    yield from (Cell("curves", name, "instance_20") for name in (*TEXTS, *PAIRS))
    yield from (Cell("detection", name, rung, tier="embed") for name in EMBED for rung in rungs[:6])


def _detection(rung: str, seed: int, names: tuple[str, ...] = (*TEXTS, *PAIRS)) -> Iterator[Cell]:
    yield from (Cell("detection", name, rung, seed) for name in names if _has(name, rung))


def _weighting(
    rungs: tuple[str, ...], names: tuple[str, ...], folds: int = PASSES, seed: int = 0, rows: int = ROWS
) -> Iterator[Cell]:
    yield from (
        Cell("weighting", name, rung, seed, rows=min(rows, SETS[name].rows) % SETS[name].rows, folds=folds)
        for rung in rungs
        for name in names
        if _has(name, rung)
    )


def _has(name: str, rung: str) -> bool:
    """Whether a set can have a noise: neighbouring grades, a slice, a text that a token is written into."""
    if rung == "adjacent_20":
        return name in ("qbqtc_zh", "demo")
    if rung == "artefact_slice_10":
        return bool(SETS[name].column)
    return rung != "artefact_token_10" or SETS[name].model == "linear"
