"""Seeded changes to a training sample."""
