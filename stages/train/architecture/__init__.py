"""Searches the architecture of a small network that is trained from scratch."""
