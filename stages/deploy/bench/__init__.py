"""Benchmarks of a package: what its network costs on this machine, in every engine and number
format that is installed here."""
