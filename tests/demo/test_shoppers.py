"""Generated interactions: the same table for the same seed, accidents where they say, a bound that holds."""

import numpy as np
import pytest

import steelyard as sy
from steelyard.demonstration import shoppers


@pytest.fixture(scope="module")
def table():
    return shoppers.make()


def test_the_same_seed_gives_the_same_table_and_another_another(table) -> None:
    assert shoppers.make().equals(table)
    assert not shoppers.make(seed=8).equals(table)
    assert sy.demo_table(interactions=True).equals(table)
    with pytest.raises(ValueError, match="shoppers must be"):
        shoppers.make(shoppers=3)


def test_accidents_last_less_and_are_as_many_as_they_say(table) -> None:
    accident = np.array(table["planted"].to_pylist()) == "accident"
    seconds = table["seconds"].to_numpy()
    assert seconds[accident].max() < 5 < 12 <= seconds[~accident].min()
    assert 0.09 < accident.mean() < 0.14
    pairs = set(zip(table["user_id"].to_pylist(), table["item_id"].to_pylist(), strict=True))
    assert len(pairs) == table.num_rows
    user, when = table["user_id"].to_numpy(zero_copy_only=False), table["timestamp"].to_numpy()
    assert (np.diff(when)[user[1:] == user[:-1]] > 0).all()
    shops = {u: {i[:2] for v, i in pairs if v == u} for u in ("u0001", "u0004")}
    assert shops == {"u0001": {"US"}, "u0004": {"CN"}}


def test_what_is_written_is_read_as_it_is(table, tmp_path) -> None:
    read = sy.read(shoppers.write(tmp_path), columns={"value": "seconds"}, relevant=shoppers.STAYED)
    assert (read.gold == 0).tolist() == [p == "accident" for p in table["planted"].to_pylist()]


def test_two_views_find_the_accidents_and_bound_their_number(table, tmp_path) -> None:
    run = sy.score(table, columns={"value": "seconds"}, relevant=shoppers.STAYED, run_dir=tmp_path)
    found = run.info["reviewed"]["by"]
    assert found["two_views"]["auc"] > 0.95 > found["in_sample_loss"]["auc"]
    low = run.info["views"]["quadrants"]["mis_click"]
    share = np.mean([p == "accident" for p in table["planted"].to_pylist()])
    assert share < low["share"] / low["chance"] < 1.5 * share  # though nobody hits the shop of the other language
