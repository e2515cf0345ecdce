"""Bridges: importance inside training that is not ours, in the idiom of each library."""
