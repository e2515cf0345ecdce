"""What all tests share: no deadline for generated examples, since the machine that runs them may be busy.

And no GPU, whose sums have other bits, unless CUDA_VISIBLE_DEVICES names one: then the tests of the GPU run too.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from hypothesis import HealthCheck, settings

settings.register_profile("steelyard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steelyard")
