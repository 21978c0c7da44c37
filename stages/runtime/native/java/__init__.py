"""Java classes over the C library, and the layout in which Android compiles it."""
