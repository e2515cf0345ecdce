"""Shared by the tests of reading: write a file, read it as a user would, find the real data."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from steelyard.acts.reading import read
from steelyard.parts.sources import choose
from steelyard.values.samples import Samples

ROWS = [
    {"query": "red shoes", "title": "Red running shoes", "product_id": "a1", "label": 2},
    {"query": "red shoes", "title": "Blue hat, wool", "product_id": "a2", "label": 0},
    {"query": "手机壳", "title": '透明手机壳 6"', "product_id": "a3", "label": 2},
    {"query": "手机壳", "title": "line one\nline two", "product_id": "a4", "label": 1},
]


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    return [dict(r) for r in ROWS]


@pytest.fixture
def reading() -> Callable[..., Samples]:
    def user(where: Any, preset: str | None = None, source: dict[str, Any] | None = None, **options: Any) -> Samples:
        return read(choose(where, preset, **(source or {})), where, **options)

    return user


@pytest.fixture
def real() -> Path:
    place = os.environ.get("STEELYARD_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data"
    folder = Path(place)
    if not folder.is_dir():
        pytest.skip("real data: set STEELYARD_DATA, or lay it at ../shared/data")
    return folder
