"""How many labels the studio's order of labelling saves:
`python -m tests.benchmarks.active_order FOLDER`, with FOLDER/train/<label> and FOLDER/test/<label>.

From EACH labels a class on, drawn at random, BATCH further samples are labelled at a time and our
logistic head is trained on the frozen backbone's features of all: in random order, by the margin
alone, and in the studio's order. Printed are the accuracy on the official test, and the labels that
each order needs for the accuracy that random order reaches at MILESTONES, as a share of those, with
the 95 % interval over SEEDS. The test decides nothing: orders see scores of unlabelled samples."""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from stages.studio.labelling_order import labelling_order, margins_of
from stages.train.heads.logistic_fit import optimum
from stages.train.search.search_space import DEFAULTS
from tests.benchmarks.small_data import Pictures, read

EACH, BATCH, MOST, SEEDS = 10, 25, 400, 5
MILESTONES = (200, 300, 400)
L2 = DEFAULTS["l2"]
T = 2.776  # of Student's t with SEEDS - 1 degrees of freedom, 95 %

Scores = np.ndarray
Order = Callable[[Scores, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def at_random(
    scores: Scores, features: np.ndarray, labelled: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    return rng.permutation(len(scores))


def by_margin(
    scores: Scores, features: np.ndarray, labelled: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    return np.argsort(margins_of(scores), kind="stable")


def as_the_studio(
    scores: Scores, features: np.ndarray, labelled: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    return labelling_order(margins_of(scores), features, labelled, BATCH)


ORDERS: dict[str, Order] = {"random": at_random, "margin": by_margin, "studio": as_the_studio}


def main() -> None:
    """Print the curves, then the labels that are needed."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--features", type=Path, help="kept in this file, and read from it again")
    options.add_argument("--most", type=int, default=MOST)
    chosen = options.parse_args()
    pictures = cached_pictures(chosen.folder, chosen.features)
    counts = list(range(EACH * len(pictures.names), chosen.most + 1, BATCH))
    print(f"{(~pictures.test).sum():,} to label, {pictures.test.sum():,} to test, {SEEDS} seeds")
    curves = {
        name: np.array([curve(pictures, order, counts, seed) for seed in range(SEEDS)])
        for name, order in ORDERS.items()
    }
    for place, count in enumerate(counts):
        shown = (f"{name} {interval(found[:, place])}" for name, found in curves.items())
        print(f"{count:5} labels: {', '.join(shown)}")
    for milestone in [count for count in counts if count in MILESTONES]:
        for name in ("margin", "studio"):
            pairs = zip(curves["random"], curves[name], strict=True)
            shares = [saved(counts, base, mine, milestone) for base, mine in pairs]
            print(f"{name} needs {interval(np.array(shares))} of random order's {milestone} labels")


def cached_pictures(folder: Path, file: Path | None) -> Pictures:
    """The pictures' features, from `file` if they are there already."""
    if file is None or not file.is_file():
        pictures = read(folder)
        if file is not None:
            np.savez(file, **pictures._asdict())
        return pictures
    with np.load(file) as found:
        return Pictures(found["features"], found["labels"], found["test"], list(found["names"]))


def curve(pictures: Pictures, order: Order, counts: list[int], seed: int) -> list[float]:
    """The accuracy on the test with so many labels as `counts` says."""
    rng = np.random.default_rng(seed)
    pool = np.flatnonzero(~pictures.test)
    mean, deviation = pictures.features[pool].mean(axis=0), pictures.features[pool].std(axis=0)
    features = (pictures.features - mean) / np.where(deviation > 0, deviation, 1.0)
    taken = np.concatenate(
        [
            rng.choice(pool[pictures.labels[pool] == label], EACH, replace=False)
            for label in range(len(pictures.names))
        ]
    )
    found = []
    for count in counts:
        if len(taken) < count:
            free = np.setdiff1d(pool, taken)
            scores = scores_of(features, pictures.labels, taken, free)
            chosen = order(scores, pictures.features[free], pictures.features[taken], rng)
            taken = np.concatenate([taken, free[chosen[: count - len(taken)]]])
        tested = np.flatnonzero(pictures.test)
        answers = scores_of(features, pictures.labels, taken, tested).argmax(axis=1)
        found.append(float((answers == pictures.labels[tested]).mean()))
    return found


def scores_of(
    features: np.ndarray, labels: np.ndarray, trained: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """The scores of `rows` by the logistic head that learned from the rows `trained`."""
    with threadpool_limits(1):  # small sums, which several threads only slow down
        matrix, offset = optimum(features[trained], labels[trained], np.ones(len(trained)), L2)
    logits = features[rows] @ matrix + offset
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def saved(counts: list[int], base: np.ndarray, mine: np.ndarray, milestone: int) -> float:
    """The labels at which `mine` first reaches what `base` has at `milestone`, by linear
    interpolation, as a share of `milestone`; of an order that never does, the most."""
    wanted = base[counts.index(milestone)]
    reached = np.flatnonzero(mine >= wanted)
    if not len(reached):
        return counts[-1] / milestone
    place = int(reached[0])
    if place == 0:
        return counts[0] / milestone
    low, high = mine[place - 1], mine[place]
    within = (wanted - low) / (high - low) if high > low else 1.0
    return float((counts[place - 1] + within * (counts[place] - counts[place - 1])) / milestone)


def interval(values: np.ndarray) -> str:
    """The mean with its 95 % interval, in per cent."""
    half = T * values.std(ddof=1) / np.sqrt(len(values))
    return f"{100 * values.mean():.1f} ± {100 * half:.1f} %"


if __name__ == "__main__":
    main()
