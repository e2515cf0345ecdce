"""The evidence: does it find wrong labels, does weighting help, is the verdict right? `python -m benchmarks.evidence`.

One cell is one table with one kind of noise, one seed, one question. Every cell is a small JSON that is computed once.
"""

import sys
from pathlib import Path

# the other benchmarks are scripts that find each other by their folder
if (_HERE := str(Path(__file__).parents[1])) not in sys.path:
    sys.path.insert(0, _HERE)
