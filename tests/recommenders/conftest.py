"""What the tests of recommenders share."""

import pytest


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a tiny random network that reads colours."""
    pytest.importorskip("torch")
    from steelyard.testing.networks import tiny_bert

    return tiny_bert(tmp_path_factory.mktemp("bert"))
