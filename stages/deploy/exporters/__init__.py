"""Exporters: from a trained Model to files that an engine runs, in a process of its own.

An exporter is a class with `format`, `backend` (which runs that format) and
`export(model, store, windows, out)`: `windows` are prepared training samples, [n, ...], on which
every output of the file written to `out` was that of the trained model, or there is an error and no
file."""
