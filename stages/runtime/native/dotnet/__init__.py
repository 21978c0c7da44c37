"""A wrapper in C#, not verified."""
