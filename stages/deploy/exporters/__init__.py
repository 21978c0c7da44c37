"""From a Model to files in a format."""
