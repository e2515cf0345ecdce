"""Samples with the labels that were given, and what a detector should find among them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from steelyard.values.samples import Samples


@dataclass(frozen=True)
class Labelled:
    """samples: their label is what was given, their gold what is true, if anybody knows.

    wrong: (n,) rows that a detector should find: another label than gold, or, as a stand-in where only the raters'
    disagreement is known, the rows they disagreed on most.
    """

    samples: Samples
    wrong: np.ndarray


def labelled(samples: Samples, given: np.ndarray, gold: np.ndarray) -> Samples:
    """Return the samples with other labels, and gold beside them."""
    names = np.array(samples.scale.names, object)
    place = samples.table.column_names.index("label")
    table = samples.table.set_column(place, "label", pa.array(names[given], pa.string()))
    return replace(samples, table=table, label=given.astype(np.int32), gold=gold.astype(np.int32))
