"""Heads on features of a frozen backbone, and small networks trained from scratch."""
