"""How often a challenger is promoted by chance, and how often one that is better is recognised:
`python -m tests.benchmarks.promotion`.

Champion and challengers are heads, ridge regressions on one random projection, in place of a
frozen backbone, of the digits of scikit-learn, each trained on a bootstrap sample of a small
training set with a seed of its own. A challenger that is not better is the same with another seed,
and is no more accurate than the
champion on a large held-out set. One that is 5 points better is trained on more samples, such that
it is 4 to 6 points more accurate there. The verdict is that of `stages.publish.comparing`, by test
samples that are drawn from the held-out set; what it says is compared with that set as the truth.
Digits are few, so the held-out set is made of noisy copies."""

import argparse
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.metrics import paired_drop
from stages.publish.comparing import verdict_of

TESTED = 400  # samples of a test
PAIRS = 200
DIMENSIONS = 40  # of a projection: heads that are right 80 to 95 times in a hundred
COPIES, NOISE = 5, 0.15
MOST_TRIES = 20_000

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


class Digits(NamedTuple):
    """`training` and `held_out`: pixels [n, 64] and labels [n]."""

    training: tuple[Numbers, Indices]
    held_out: tuple[Numbers, Indices]


class Head(NamedTuple):
    """Its answers to the held-out set [n], and how many of them are right."""

    answers: Indices
    accuracy: float


def digits() -> Digits:
    """A third of the digits to train on, the others in COPIES noisy copies held out."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(pixels))
    pixels, labels = pixels[order] / 16, labels[order]
    size = len(pixels) // 3
    copies = np.tile(pixels[size:], (COPIES, 1))
    copies += rng.normal(scale=NOISE, size=copies.shape)
    return Digits((pixels[:size], labels[:size]), (copies, np.tile(labels[size:], COPIES)))


def head(data: Digits, samples: int, seed: int) -> Head:
    """A head that is trained on `samples` drawn with `seed`."""
    projection = np.random.default_rng(1).normal(size=(data.training[0].shape[1], DIMENSIONS))
    rows = np.random.default_rng(seed).integers(0, len(data.training[0]), samples)
    features, wanted = data.training[0][rows] @ projection, np.eye(10)[data.training[1][rows]]
    weights = np.linalg.solve(features.T @ features + np.eye(DIMENSIONS), features.T @ wanted)
    answers = (data.held_out[0] @ projection @ weights).argmax(axis=1)
    return Head(answers, float((answers == data.held_out[1]).mean()))


def verdict(data: Digits, champion: Head, challenger: Head, seed: int) -> str:
    """The verdict by TESTED samples of the held-out set, drawn with `seed`."""
    rows = np.random.default_rng(seed).choice(len(data.held_out[1]), TESTED, replace=False)
    drop = paired_drop(data.held_out[1][rows], champion.answers[rows], challenger.answers[rows])
    return verdict_of(Measure(value=-drop.value, low=-drop.high, high=-drop.low, n=drop.n))


def verdicts(data: Digits, pairs: int, gain: tuple[float, float], samples: int) -> list[str]:
    """The verdicts on `pairs` challengers, trained on `samples`, that are better by a gain in
    `gain`; the champions are trained on 150 samples."""
    found = []
    for seed in range(0, MOST_TRIES, 2):
        champion, challenger = head(data, 150, seed), head(data, samples, seed + 1)
        if gain[0] <= challenger.accuracy - champion.accuracy <= gain[1]:
            found.append(verdict(data, champion, challenger, seed))
        if len(found) == pairs:
            break
    return found


def main() -> None:
    """Print the shares of each verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    pairs = parser.parse_args().pairs
    data = digits()
    sorts = {"not better": ((-1.0, 0.0), 150), "4 to 6 points better": ((0.04, 0.06), 230)}
    for name, (gain, samples) in sorts.items():
        found = verdicts(data, pairs, gain, samples)
        counts = {each: found.count(each) for each in ("better", "undecided", "worse")}
        print(f"{len(found)} challengers, {name}: {counts}", flush=True)


if __name__ == "__main__":
    main()
