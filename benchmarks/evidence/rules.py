"""Which verdict is right, said before anything ran: by how a cell was made and by what its oracle gains.

The oracle trains on the truth of the same rows. Its interval is the same bootstrap's as that of the verdict.

* tiny (fewer than TINY rows): nothing can be told. Right: cannot_tell.
* clean: nothing to gain. Right: keep_uniform; cannot_tell where the test could not have seen a gain of `interest`.
* noise, and the oracle's interval begins above 2 x `interest`: much to gain. Right: any verdict to act.
* noise, and the oracle's interval ends below `interest`: the noise does no harm. Right: keep_uniform, cannot_tell.
* noise, between these: cannot_tell. A verdict to act there is right when its arm gains; keep_uniform is wrong when the
  oracle's interval begins above `interest`. Hardly an answer is wrong there, so these cells are counted apart.
"""

from __future__ import annotations

from typing import Any

TINY = 150
ACT = ("use_weights", "prune", "relabel_first")
KINDS = ("much", "between", "nothing", "clean", "tiny")
#: Kinds whose answer follows from how the cell was made, and is asked for without allowance.
FIXED = {"much": ACT, "clean": ("keep_uniform",), "tiny": ("cannot_tell",)}
ALL = (*ACT, "keep_uniform", "cannot_tell")


def kind(rung: str, found: dict[str, Any]) -> str:
    """Return tiny, clean, much, nothing or between."""
    if found["rows"] < TINY:
        return "tiny"
    if rung == "clean":
        return "clean"
    _, low, high = found["arms"]["oracle"]["delta"]
    interest = found["interest"]
    return "much" if low > 2 * interest else "nothing" if high < interest else "between"


def right(rung: str, found: dict[str, Any]) -> tuple[str, ...]:
    """Return the answers that are right for a cell; the first is the one that is asked for."""
    which = kind(rung, found)
    if which == "tiny":
        return ("cannot_tell",)
    if which == "clean":
        return ("keep_uniform", "cannot_tell") if found["visible"] > found["interest"] else ("keep_uniform",)
    if which == "much":
        return ACT
    if which == "nothing":
        return ("keep_uniform", "cannot_tell")
    keeps = () if found["arms"]["oracle"]["delta"][1] > found["interest"] else ("keep_uniform",)
    arm = found["recommended"]
    acts = ACT if arm is None or found["arms"][arm]["delta"][0] > 0 else ()
    return ("cannot_tell", *acts, *keeps)


def is_right(rung: str, found: dict[str, Any]) -> bool:
    return found["answer"] in right(rung, found)
