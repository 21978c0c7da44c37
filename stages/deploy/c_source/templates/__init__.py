"""The C files of a package, with $names where writer.py fills in what belongs to a network."""
