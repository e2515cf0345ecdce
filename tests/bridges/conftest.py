"""Threads kept to one; the tests of a library that is not installed skip with a reason."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
