"""A wrapper in Swift, not verified."""
