"""Kinds of package: what lies in the folder beside model and runtime."""
