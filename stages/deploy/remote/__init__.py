"""Devices that are reached over ssh: their names, the program that works there for one connection,
and what comes back from them."""
