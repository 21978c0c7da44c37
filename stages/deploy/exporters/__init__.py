"""Exporters: from a trained Model to files that an engine runs, in a process of its own.

An exporter is a class with `format`, `backend` (which runs that format) and
`export(model, store, pictures, out)`: `pictures` are prepared training samples, on which the file
written to `out` has answered as the trained model does, or there is an error and no file."""
