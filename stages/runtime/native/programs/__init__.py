"""A program that answers files."""
