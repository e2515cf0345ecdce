"""Names for the arrays that flow: shapes are written beside each use, n samples, c classes, q queries."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
Strings = NDArray[np.object_]
AnyArray = NDArray[Any]
