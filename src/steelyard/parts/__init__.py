"""Parts: one file is one part, and the file name is its name.

There is no list to edit and no registry. A part is found by its file, described by the first line of the file's
docstring, and configured by the fields of its dataclass. A part outside this package is ``package.module:Class``.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
from functools import cache
from importlib.resources import files
from typing import Any

from steelyard.errors import UsageError, nearest

#: Folder -> name of the contract class in the folder's ``__init__``.
KINDS = {
    "sources": "Source",
    "models": "Model",
    "recommenders": "Recommender",
    "estimators": "Estimator",
    "policies": "Policy",
    "measures": "Measure",
    "exports": "Export",
    "tasks": "Task",
    "alphas": "Alpha",
    "trackers": "Tracker",
}


@cache
def names(kind: str) -> tuple[str, ...]:
    """Return the names of all parts of one kind, sorted; imports nothing."""
    entries = (files("steelyard.parts") / kind).iterdir()
    stems = (e.name[:-3] for e in entries if e.name.endswith(".py"))
    return tuple(sorted(s for s in stems if not s.startswith("_")))


def describe(kind: str, name: str) -> str:
    """Return a part's one-line description: the first line of its file's docstring; imports nothing."""
    text = (files("steelyard.parts") / kind / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").split("\n", 1)[0]


def find(kind: str, name: str) -> type[Any]:
    """Return the class of one part.

    name: a file's name, or ``package.module:Class`` for a part outside this package.
    Raises UsageError U105 with the nearest name and the list when there is none.
    """
    contract = getattr(importlib.import_module(f"steelyard.parts.{kind}"), KINDS[kind])
    if ":" in name:
        module_name, _, class_name = name.partition(":")
        try:
            found = getattr(importlib.import_module(module_name), class_name)
        except (ImportError, AttributeError) as e:
            raise UsageError("U106", kind=kind, name=name, reason=str(e)) from e
        if not (isinstance(found, type) and issubclass(found, contract)):
            raise UsageError("U106", kind=kind, name=name, reason=f"not a {contract.__name__}")
        return found
    if name not in names(kind):
        near = nearest(name, names(kind))
        raise UsageError("U105", kind=kind, name=name, near=near or "-", known=", ".join(names(kind)))
    module = importlib.import_module(f"steelyard.parts.{kind}.{name}")
    own = [
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, contract) and c.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise TypeError(f"{module.__name__} must define exactly one {contract.__name__}, found {len(own)}")
    return own[0]


def make(kind: str, name: str, **options: Any) -> Any:
    """Return a part with its options set. Raises UsageError U107 for an option that it does not have."""
    cls = find(kind, name)
    known = [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
    for option in options:
        if option not in known:
            raise UsageError(
                "U107",
                name=name,
                option=option,
                near=nearest(option, known) or "-",
                known=", ".join(known) or "-",
            )
    return cls(**options)


def of_samples(kind: str, *, network: bool = False) -> dict[str, Any]:
    """Return name -> part with its defaults, of all estimators or policies that need nothing but what samples have.

    network: with those that need what networks of the full tier show.
    """
    made = {name: make(kind, name) for name in names(kind)}
    return {
        name: part
        for name, part in made.items()
        if not part.interactions and (network or not getattr(part, "network", False))
    }
