"""Rungs of the ladder: each makes a graph smaller, or says that it cannot."""
