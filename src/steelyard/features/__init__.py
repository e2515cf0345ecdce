"""Features of the quick tier: from text to numbers without a model; no label is read in this folder."""
