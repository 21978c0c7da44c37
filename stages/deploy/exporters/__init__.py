"""Exporters: from a trained Model to files that an engine runs, in a process of its own.

An exporter is a class with `format`, `backend` (which runs that format) and
`export(model, store, windows, out)`: `windows` are prepared training samples, [n, ...], on which
every output of the file written to `out` was that of the trained model, or there is an error and no
file.

What its engine computes differs between instruction sets: `sums(numeric, instruction_set)` says how
products are added there (runtime/backends/sums.py), `count_sums(network, samples)` which of these
sums do not fit into 16 bits for `samples`, windows [m, ...] each (saturation/network.py)."""
