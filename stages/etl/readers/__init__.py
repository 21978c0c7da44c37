"""Layouts that people bring their labelled samples in."""
