"""``python -m steelyard``: the command line."""

import sys

from steelyard.apps.cli import main

if __name__ == "__main__":
    sys.exit(main())
