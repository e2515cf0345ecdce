"""The demonstration data: a generated bilingual shop catalogue with planted label errors. Every name is invented."""

from steelyard.demonstration.catalogue import LABELS, make, write

__all__ = ["LABELS", "make", "write"]
