"""Small trainings of every kind of head come to the same numbers as before: what only the whole of
a training shows, such as the order of its batches.

Whoever changes a training on purpose writes `curves.json` again, with `python -m
tests.train.heads.test_curves`, and says so in the notes of the release."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.etl.augmentations.mixup import Mixup
from stages.train.heads.fit import Fit
from stages.train.heads.head_fit import fit_of
from stages.train.heads.problem import Problem
from stages.train.heads.scratch_fit import ScratchFit
from stages.train.heads.standardised import StandardisedFeatures
from stages.train.heads.windows import Windows
from tests.train.conftest import INPUT, blobs, hyperparameters
from tests.train.curves import OF_HEADS, OF_NETWORKS, differences, summary
from tests.train.recorded import record

TABLE = Path(__file__).with_name("curves.json")
SOUNDS = "small_audio@16"


def overlapping(changes: tuple[Any, ...] = (), other: int | None = None) -> Problem:
    """Samples near each other's centres, every second one with a view; the third label is rare."""
    whole = blobs(samples=72, width=12)
    noise = np.random.default_rng(1).normal(size=whole.features[INPUT].shape) * 4
    features = whole.features[INPUT] + noise.astype(np.float32)
    chosen = np.flatnonzero((whole.labels != 2) | (np.arange(72) < 30))
    rows = np.sort(np.concatenate([chosen, chosen[::2]]))
    plain = np.concatenate([[True], rows[1:] != rows[:-1]])
    varied = features[rows] + 0.1 * ~plain[:, None]
    labels, folds = whole.labels[rows], whole.fold_of_row[rows]
    features_by_input = {INPUT: varied.astype(np.float32)}
    return Problem(features_by_input, labels, folds, plain, 3, 3, changes, other)


def windows() -> Problem:
    """A few small spectrograms in two folds, of one or two windows."""
    rng = np.random.default_rng(0)
    rows = [
        rng.normal(size=(1 + row % 2, 1, 16, 20)).astype(np.float32) + row // 2 % 3
        for row in range(24)
    ]
    plain = np.arange(24) % 2 == 0
    labels, folds = np.arange(24) // 2 % 3, np.arange(24) // 6 % 2
    return Problem({SOUNDS: Windows.of(rows)}, labels, folds, plain, 3, 2)


def head(epochs: int = 3, problem: Problem | None = None, **changes: Any) -> Fit:
    problem = problem or overlapping()
    done = fit_of(problem, StandardisedFeatures(problem, INPUT), hyperparameters(**changes))
    done.fit(epochs, patience=5)
    return done


def scratch(problem: Problem, **changes: Any) -> Fit:
    done = ScratchFit(problem, hyperparameters(**{"input": SOUNDS, "batch_size": 32, **changes}))
    done.fit(1)
    return done


MIXED = (Mixup(),)
CASES = {
    "linear": lambda: head(),
    "linear, weighted": lambda: head(class_balance="weights", l2=0.1),
    "linear, sampled, with negatives": lambda: head(
        problem=overlapping(other=2), class_balance="sampling"
    ),
    "linear, mixed": lambda: head(problem=overlapping(MIXED), class_balance="both"),
    "hidden": lambda: head(head="hidden", batch_size=8),
    "hidden, weighted": lambda: head(head="hidden", class_balance="weights"),
    "hidden, both": lambda: head(head="hidden", class_balance="both"),
    "hidden, mixed": lambda: head(problem=overlapping(MIXED), head="hidden"),
    "from scratch": lambda: scratch(windows()),
    "from scratch, mixed and weighted": lambda: scratch(
        replace(windows(), changes=MIXED), class_balance="weights", kernel=5
    ),
}


def numbers(case: str) -> dict[str, list[float]]:
    done = CASES[case]()
    rows, logits = done.out_of_fold_logits()
    return summary(done.curve, {**done.arrays(), "rows": rows, "logits": logits})


@pytest.mark.parametrize("case", CASES)
def test_a_training_comes_to_what_it_came_to(case: str):
    tolerance = OF_NETWORKS if "scratch" in case else OF_HEADS
    assert not differences(numbers(case), TABLE, case, tolerance)


if __name__ == "__main__":
    record(TABLE, {case: numbers(case) for case in CASES})
