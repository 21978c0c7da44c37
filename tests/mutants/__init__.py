"""Whether the tests notice small changes to the code: `make mutants`."""
