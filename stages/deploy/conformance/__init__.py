"""Conformance: what every engine has to show before a pipeline is told to rely on it.

Networks of all model families, with random weights, are run by an engine and by the numpy engine,
which is the reference (`networks.py`, `references.py`). The checks (`checks.py`, `probe.py`) are
also the contract tests of engines; their results are a row of the support matrix (`matrix.py`)."""
