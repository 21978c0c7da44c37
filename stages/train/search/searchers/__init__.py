"""Searchers: `propose(count)` returns sets of hyperparameters, `learn` takes their scores.
`startup`: how many scores are needed before they are used."""
