"""Hyperparameter search: the search space, searchers, successive halving, selection of a trial."""
