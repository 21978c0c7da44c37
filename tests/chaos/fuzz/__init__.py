"""Hostile inputs, drawn by seed: each must be answered or refused with a clear error, within 10
seconds and 1 GB. `python -m tests.chaos.fuzz 20000` draws that many and prints a table."""
