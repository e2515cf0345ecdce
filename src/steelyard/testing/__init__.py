"""Contract suites for parts, ours and yours: call one in a test of your part, and it says what the part breaks.

    from steelyard.testing import check_estimator
    def test_my_estimator(): check_estimator(Squared())

Each raises AssertionError with one sentence. They need no pytest, no network and no model pass.
"""

from steelyard.testing.estimators import check_estimator
from steelyard.testing.exports import check_export
from steelyard.testing.measures import check_measure
from steelyard.testing.models import check_model
from steelyard.testing.policies import check_policy
from steelyard.testing.recommenders import check_recommender
from steelyard.testing.sources import check_source
from steelyard.testing.trackers import check_tracker

__all__ = [
    "check_estimator",
    "check_export",
    "check_measure",
    "check_model",
    "check_policy",
    "check_recommender",
    "check_source",
    "check_tracker",
]
