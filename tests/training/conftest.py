"""A tiny random BERT with a tokenizer of its own, and small tables for it."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from pathlib import Path

import pytest

pytest.importorskip("torch")

from steelyard.testing.networks import tiny_bert


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
