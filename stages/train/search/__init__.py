"""Searches hyperparameters: the search space, searchers, successive halving, the selection of one
trial."""
