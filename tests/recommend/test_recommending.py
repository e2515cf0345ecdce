"""A comparison of recommenders: sets apart, arms paired, controls that are controls, one of five answers."""

from dataclasses import replace

import numpy as np
import pytest

from steelyard import parts, recommendation
from steelyard.acts import contrasting, recommending, stepping
from steelyard.acts.cells import BASE, CONTROL_OF, Settings
from steelyard.acts.stages import keep_nothing
from steelyard.errors import DataError, EnvironmentProblem
from steelyard.parts.measures import parse

from .shop import USERS, shop

FAST = {"bpr": {"epochs": 8, "batch_size": 256, "embedding_size": 8, "learning_rate": 0.02}}
SETTINGS = Settings(seeds=3, inner_folds=2, draws=300, seed=1)


def made(base: str = "bpr", **options) -> recommending.Parts:
    return recommending.Parts(
        base=parts.make("recommenders", base, **{**FAST.get(base, {}), **options}),
        scorer=parts.make("recommenders", "item_knn"),
        baselines={n: parts.make("recommenders", n) for n in recommending.BASELINES},
        estimators=recommendation.estimators(),
        policies={n: parts.make("policies", n) for n in recommending.POLICIES},
        alphas={n: parts.make("alphas", n) for n in recommending.ALPHAS},
        measures={n: parse(n) for n in ("ndcg@10", "recall@10")},
    )


@pytest.fixture(scope="module")
def rows():
    return shop()


@pytest.fixture(scope="module")
def cells(rows):
    return [recommending.run(rows, made(), SETTINGS, number, keep_nothing) for number in range(3)]


def test_sets_share_no_row_and_no_list_holds_what_was_seen(rows) -> None:
    sets = recommending.three_sets(rows, 0)
    learn = sets.learn.matrix().toarray() > 0
    stop, test = sets.stop.toarray() > 0, sets.test.toarray() > 0
    assert not (learn & stop).any()
    assert not (learn & test).any()
    assert not (stop & test).any()
    assert not ((sets.seen_test.toarray() > 0) & test).any()
    assert ((sets.seen_test.toarray() > 0) >= learn).all()
    assert test.sum() > USERS  # the last fifth of everybody


def test_only_what_was_truly_wanted_is_a_test(rows) -> None:
    wanted = recommending.three_sets(rows, 0).test.sum()
    assert wanted < recommending.three_sets(replace(rows, gold=None), 0).test.sum()
    held = recommending.splits(rows, 0) == "test"
    assert wanted <= (held & (rows.gold == 1)).sum()


def test_what_a_user_takes_again_is_no_test(rows) -> None:
    last = np.flatnonzero(rows.user == 0)[-1]
    first = np.flatnonzero(rows.user == 0)[0]
    item = rows.item.copy()
    item[last] = item[first]
    again = replace(rows, item=item, gold=None)
    assert recommending.splits(again, 0)[last] == "test"
    sets = recommending.three_sets(again, 0)
    assert sets.test[[0], :].toarray()[0, item[first]] == 0
    assert sets.test.sum() == recommending.three_sets(replace(rows, gold=None), 0).test.sum() - 1


def test_the_best_look_counts_for_every_arm(rows) -> None:
    """A model that is perfect after its second epoch and knows nothing later."""
    sets = recommending.three_sets(rows, 0)
    truth = (sets.stop + sets.test).toarray() * 1.0

    class Told:
        def __init__(self, knows):
            self.scores = lambda users: truth[users] * knows

    class Epoch:
        def __init__(self, number):
            self.number, self.fitted = number, Told(number == 2)

    class Passing:
        stepwise, epochs = True, 4

        def train(self, *_):
            return (Epoch(n) for n in (1, 2, 3, 4))

    users = np.flatnonzero(np.diff(sets.test.indptr) > 0)
    found = recommending._lists(Passing(), made(), sets, np.ones(len(sets.learn)), None, 0, users, 10)
    value = {w: recommending.judge(found, w, sets, users, made())[1]["ndcg@10"] for w in ("best", "last")}
    assert value["best"] == pytest.approx(1)
    assert value["last"] < 0.5


def test_given_splits_are_kept_and_the_missing_one_is_taken_from_train(rows) -> None:
    given = replace(rows, split=np.where(np.arange(len(rows)) % 7 == 0, "test", "train").astype(object))
    split = recommending.splits(given, 0)
    assert ((split == "test") == (given.split == "test")).all()
    assert (split == "valid").sum() > 0
    bare = replace(rows, ts=None)
    assert (recommending.splits(bare, 0) != recommending.splits(bare, 1)).any()


def test_a_table_without_test_rows_is_refused(rows) -> None:
    once = rows.take(np.unique(rows.user, return_index=True)[1])
    with pytest.raises(DataError) as error:
        recommending.three_sets(once, 0)
    assert (error.value.code, error.value.facts["test"]) == ("D230", 0)


def test_controls_have_the_same_weights_on_other_rows(rows) -> None:
    learn = recommending.three_sets(rows, 0).learn
    readings = recommending.readings_inside(learn, made(), SETTINGS, 0)
    ways = {name: weight for name, weight, _ in recommending.arms(readings, learn, made(), SETTINGS, 0)}
    for name in recommending.POLICIES:
        own, control = ways[name], ways[CONTROL_OF[name]]
        np.testing.assert_array_equal(np.sort(own), np.sort(control))
        assert (own != control).any()
    assert ((ways["oracle"] == 0) == (learn.gold == 0)).all()
    assert not (ways["uniform"] != 1).any()


def test_control_inside_the_step_keeps_the_histogram() -> None:
    alpha, loss = parts.make("alphas", "r_ce"), np.linspace(0.1, 3, 20)
    plain = stepping.Inside(alpha)(np.arange(20), loss, 0.5)
    mixed = stepping.Inside(alpha, np.random.default_rng(0))(np.arange(20), loss, 0.5)
    np.testing.assert_array_equal(np.sort(plain), np.sort(mixed))
    assert (plain != mixed).any()


def test_uniform_is_untouched_training_bit_for_bit(rows) -> None:
    sets = recommending.three_sets(rows, 5)
    users = np.flatnonzero(np.diff(sets.test.indptr) > 0)
    *_, last = made().base.train(sets.learn, None, 5)
    ours = recommending._lists(made().base, made(), sets, np.ones(len(sets.learn)), None, 5, users, 10)
    np.testing.assert_array_equal(ours["last"], recommending.best(last.fitted.scores, sets.seen_test, users, 10))


def test_every_arm_and_baseline_is_in_the_table(cells) -> None:
    expected = {"uniform", BASE, "oracle", *recommending.BASELINES, *recommending.POLICIES}
    steps = {f"step_{n}" for n in recommending.ALPHAS}
    controls = {CONTROL_OF[n] for n in recommending.POLICIES} | {f"{n}_shuffled" for n in steps}
    assert set(cells[0].values) == expected | steps | controls
    for more in cells[0].more.values():
        assert set(more) == {"ndcg@10", "recall@10", "coverage", "gini"}
    assert cells[0].ess["step_t_ce"] < 1 == cells[0].ess["uniform"]


def test_the_same_cell_twice_is_the_same(rows, cells) -> None:
    again = recommending.run(rows, made(), SETTINGS, 1, keep_nothing)
    for name, values in cells[1].values.items():
        np.testing.assert_array_equal(values, again.values[name])


def test_an_interrupted_cell_goes_on_where_it_was(rows, cells) -> None:
    kept: dict = {}

    def keep(stage, compute):
        if stage not in kept:
            if len(kept) == 4:
                raise KeyboardInterrupt
            kept[stage] = compute()
        return kept[stage]

    with pytest.raises(KeyboardInterrupt):
        recommending.run(rows, made(), SETTINGS, 0, keep)
    done = dict(kept)
    resumed = recommending.run(rows, made(), SETTINGS, 0, lambda stage, f: done.get(stage) or f())
    np.testing.assert_array_equal(resumed.values["ips"], cells[0].values["ips"])


def test_intervals_are_paired_over_users(cells) -> None:
    values, draws = contrasting.bootstrap(cells, [BASE, "ease"], SETTINGS)
    assert values[BASE].shape == (3,)
    for k, cell in enumerate(cells):
        assert values["ease"][k] == pytest.approx(np.nanmean(cell.values["ease"]))
    apart = np.std(draws["ease"] - draws[BASE])
    assert apart < np.hypot(np.std(draws["ease"]), np.std(draws[BASE]))
    same = replace(cells[0], values=dict.fromkeys((BASE, "user_gate"), cells[0].values[BASE]))
    _, twins = contrasting.bootstrap([same], [BASE, "user_gate"], SETTINGS)
    assert not (twins[BASE] - twins["user_gate"]).any()


def conclude(cells, **settings):
    return contrasting.conclude(cells, "ndcg@10", "bpr", "gold", replace(SETTINGS, **settings))


def moved(cells, **by):
    """Cells in which some arms do better than the base by so much for every user."""
    return [replace(c, values={**c.values, **{n: c.values[BASE] + d for n, d in by.items()}}) for c in cells]


EVEN = {"user_gate": 0.0, "ips": 0.0, "step_t_ce": 0.0, "step_r_ce": 0.0, "shuffled": 0.0, "step_t_ce_shuffled": 0.0}


def test_the_five_rules_decide(cells) -> None:
    assert conclude(moved(cells, **EVEN)).answer == "keep_uniform"
    won = conclude(moved(cells, **{**EVEN, "user_gate": 0.05}))
    assert (won.answer, won.recommended) == ("use_weights", "user_gate")
    lucky = conclude(moved(cells, **{**EVEN, "user_gate": 0.05, "shuffled": 0.06}))
    assert lucky.answer == "cannot_tell"
    assert conclude(cells[:2]).answer == "cannot_tell"


def test_what_would_matter_is_a_twentieth_of_what_is_reached_where_that_is_little(cells) -> None:
    reached = float(np.mean([np.nanmean(c.values[BASE]) for c in cells]))
    scaled = [replace(c, values={n: v * 0.04 / reached for n, v in c.values.items()}) for c in cells]
    assert contrasting.worth(scaled) == pytest.approx(0.002)
    assert contrasting.worth(moved(cells, **{BASE: 0.9 - reached})) == 0.01
    assert contrasting.worth(moved(cells, **{BASE: -reached})) == 0.01


def test_harm_to_a_band_of_users_forbids_the_advice(cells, monkeypatch) -> None:
    monkeypatch.setattr(contrasting, "LEAST_USERS", 20)
    few = cells[0].activity <= np.quantile(cells[0].activity, 1 / 3)
    better = []
    for cell in moved(cells, **{**EVEN, "step_t_ce": 0.0}):
        gain = np.where(few, -0.02, 0.2)
        better.append(replace(cell, values={**cell.values, "user_gate": cell.values[BASE] + gain}))
    found = conclude(better)
    assert (found.slices[0].column, found.slices[0].harmed) == ("rows_of_user", True)
    assert not found.slices[-1].harmed
    assert found.answer == "cannot_tell"
    assert found.why[0][0] == "VW05"


def test_a_baseline_that_is_better_is_said(cells) -> None:
    codes = [code for code, _ in conclude(moved(cells, **EVEN, ease=0.3)).limits]
    assert "VL11" in codes
    low = dict.fromkeys(("item_knn", "popularity"), -1)
    assert "VL11" not in [c for c, _ in conclude(moved(cells, **EVEN, ease=-1, **low)).limits]
    chance = np.random.default_rng(0)

    def lucky(c):
        known = np.isfinite(c.values[BASE])
        noise = chance.normal(0, 0.3, len(known))
        return replace(c, values={**c.values, "ease": c.values[BASE] + noise - noise[known].mean() + 0.004})

    found = conclude([lucky(c) for c in moved(cells, **EVEN, **low)])
    assert found.arm("ease").value > found.arm(BASE).value
    assert "VL11" not in [c for c, _ in found.limits], "a lead that may be chance is no advice"


def test_a_baseline_that_does_not_fit_is_said_and_the_rest_goes_on(rows) -> None:
    class Large:
        stepwise = False

        def fit(self, *_):
            raise EnvironmentProblem("E240", items=10**6, users=9, needed=4600.0, free=8.0, fit=40_000)

    chosen = replace(made("popularity"), baselines={"ease": Large(), "popularity": made().baselines["popularity"]})
    cells = [recommending.run(rows, chosen, SETTINGS, n, keep_nothing) for n in range(3)]
    result = contrasting.conclude(cells, "ndcg@10", "popularity", "gold", SETTINGS)
    assert "ease" not in [a.name for a in result.arms]
    (facts,) = (f for code, f in result.limits if code == "VL12")
    assert facts == {"arm": "ease", "items": 10**6, "needed": 4600.0, "free": 8.0}


def test_a_model_without_steps_stops_nowhere(rows) -> None:
    cell = recommending.run(rows, made("item_knn"), SETTINGS, 0, keep_nothing)
    np.testing.assert_array_equal(cell.values["uniform"], cell.values[BASE])
    assert "step_t_ce" not in cell.values


@pytest.mark.parametrize(
    ("model", "rows", "size"),
    [("bpr", 1000, 64), ("bpr", 20_000, 200), ("bpr", 10**6, 2048), ("cross_encoder", 10**6, 8)],
)
def test_a_recommender_takes_a_hundred_steps_an_epoch_and_no_batch_above_its_own(model, rows, size) -> None:
    assert recommendation._sized(model, rows).batch_size == size
