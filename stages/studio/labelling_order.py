"""The order in which unlabelled samples teach a model most: those that it is least sure of, spread
over the feature space.

By the margin alone, the first samples resemble each other, and the second of them teaches little
that the first did not. So batches are taken from the least margins (Scheffer, Decomain and Wrobel,
Active hidden Markov models for information extraction, 2001) by greedy k-centre: each time the one
farthest from all that are labelled or taken (Sener and Savarese, Active learning for convolutional
neural networks: a core-set approach, 2018). The work grows with the candidates times the ranks that
are given, not with the square of the candidates."""

import numpy as np
from numpy.typing import NDArray

BATCH = 20  # samples that are spread together
POOL = 4  # times a batch: the least margins that a batch is taken from; chosen on held-out pictures
RANKS = 500  # samples that get a rank by spread; the rest follow by margin

Floats = NDArray[np.floating]


def margins_of(scores: Floats) -> NDArray[np.float64]:
    """The margin of each sample: its best score less its second. `scores` [n, labels]."""
    if scores.shape[1] < 2:
        return np.zeros(len(scores))
    second, best = np.sort(scores.astype(np.float64), axis=1)[:, -2:].T
    margins: NDArray[np.float64] = best - second
    return margins


def labelling_order(
    margins: Floats, features: Floats, labelled: Floats, ranks: int = RANKS
) -> NDArray[np.int64]:
    """The indices of all candidates, those that teach most first. `margins` [n]; `features`
    [n, d]; `labelled` [m, d]: features of the samples that have a label already."""
    waiting = np.argsort(margins, kind="stable")
    directions, centres = _directions(features), _directions(labelled)
    nearest = _nearest(directions, centres)
    order: list[int] = []
    while len(waiting) and len(order) < ranks:
        pool = waiting[: POOL * BATCH]
        chosen: list[int] = []
        for _ in range(min(BATCH, len(pool))):
            free = pool[~np.isin(pool, chosen)]
            farthest = int(free[nearest[free].argmax()])  # the least margin, if several are as far
            chosen.append(farthest)
            nearest = np.minimum(nearest, _distances(directions, directions[farthest]))
        order += chosen
        waiting = waiting[~np.isin(waiting, chosen)]
    return np.array([*order, *waiting], np.int64)


def _directions(features: Floats) -> NDArray[np.float64]:
    """`features` with length 1: how bright or loud a sample is says little of what it is."""
    rows = features.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    directions: NDArray[np.float64] = rows / np.where(lengths > 0, lengths, 1.0)
    return directions


def _nearest(directions: Floats, centres: Floats) -> NDArray[np.float64]:
    """The squared distance of each row to the nearest of `centres`; infinite without any."""
    if not len(centres):
        return np.full(len(directions), np.inf)
    nearest: NDArray[np.float64] = (2 - 2 * (directions @ centres.T).max(axis=1)).clip(0)
    return nearest


def _distances(directions: Floats, centre: Floats) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = (2 - 2 * directions @ centre).clip(0)
    return distances
