"""Torch runs on one thread here: two beside other processes wait for each other."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
