"""Every recommender of the package keeps the shipped contract; and the suite sees what breaks one."""

from dataclasses import dataclass

import numpy as np
import pytest

from steelyard import parts
from steelyard.parts.recommenders import Recommender, counted
from steelyard.parts.recommenders.popularity import Counts, Popularity
from steelyard.testing import check_recommender

#: What fits a table of 48 users and 24 items.
SMALL = {
    "als": {"embedding_size": 4},
    "bpr": {"epochs": 8, "learning_rate": 0.01},
    "cross_encoder": {
        "epochs": 2,
        "negatives": 1,
        "history": 3,
        "learning_rate": 3e-3,
        "max_length": 32,
        "precision": "fp32",
    },
    "lightgcn": {"epochs": 5},
    "mf": {"epochs": 10, "learning_rate": 0.01},
    "sasrec": {"embedding_size": 16, "epochs": 10, "batch_size": 12},
    "two_tower": {"embedding_size": 16, "negatives": 4, "learning_rate": 0.01, "precision": "fp32"},
}
#: Those that read texts: here by a tiny random network.
READERS = ("cross_encoder", "two_tower")


@pytest.mark.parametrize("name", parts.names("recommenders"))
def test_recommenders(name: str, request: pytest.FixtureRequest) -> None:
    options = SMALL.get(name, {}) | ({"pretrained": request.getfixturevalue("bert")} if name in READERS else {})
    check_recommender(parts.make("recommenders", name, **options), personal=name != "popularity")


@dataclass(frozen=True)
class Careless(Recommender):
    """Ignores weights."""

    def learn(self, interactions, weight, seed):
        return Counts(*counted(interactions, np.ones(len(interactions))))


@dataclass(frozen=True)
class Heavy(Recommender):
    """Takes rows of weight 0 for rows."""

    def fit(self, interactions, sample_weight=None, seed=0):
        fitted = super().fit(interactions, sample_weight, seed)
        return Counts(fitted.known, fitted.popularity + len(interactions))

    learn = Popularity.learn


@dataclass(frozen=True)
class Restless(Recommender):
    """Learns something else each time."""

    def learn(self, interactions, weight, seed):
        known, popularity = counted(interactions, weight)
        return Counts(known, popularity + np.random.default_rng().random(len(popularity)).astype(np.float32))


@pytest.mark.parametrize(
    ("broken", "said"),
    [(Careless(), "let weights count"), (Heavy(), "rows were not there"), (Restless(), "same seed")],
)
def test_a_broken_recommender_is_told_what_it_breaks(broken, said: str) -> None:
    with pytest.raises(AssertionError, match=said) as e:
        check_recommender(broken, personal=False)
    assert type(broken).__name__ in str(e.value)


def test_a_recommender_that_tells_all_the_same_has_not_learned_a_taste() -> None:
    with pytest.raises(AssertionError, match="taste"):
        check_recommender(parts.make("recommenders", "popularity"))
