"""Toolchains for other processors."""
