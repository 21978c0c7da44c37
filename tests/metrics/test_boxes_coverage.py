"""Intervals of boxes hold the true value as often as they promise: counted in made-up worlds."""

import numpy as np
import pytest

from stages.metrics.boxes import average_precisions, box_measures, matches
from stages.metrics.boxes.box_measures import by_label, macro_and_micro, precisions, tallies
from tests.metrics.worlds import world

THRESHOLD = 0.4
WORLDS = 150
PROMISED = 0.93  # of 95 %; 150 worlds tell it to 2 points, so what is seen may be a little below


def values(found):
    """What an endless test would measure, nearly."""
    tally = tallies(found, THRESHOLD)
    right, predicted, true = (counted.sum(axis=0) for counted in tally)
    each = {
        "precision": right / predicted,
        "recall": right / true,
        "f1": 2 * right / (predicted + true),
    }
    pooled = [counted.sum() for counted in (right, predicted, true)]
    micro = (pooled[0] / pooled[1], pooled[0] / pooled[2], 2 * pooled[0] / sum(pooled[1:]))
    means = {f"macro_{name}": value.mean() for name, value in each.items()}
    return {**means, **dict(zip((f"micro_{name}" for name in each), micro, strict=True))} | {
        "ap50": np.mean(quick(found)[0]),
        "ap50_95": np.mean(quick(found)),
        **{f"{name} of a label": value[0] for name, value in each.items()},
    }


def quick(found):
    """As the evaluator, to which it is held equal elsewhere, only faster."""
    return average_precisions(found, np.ones((1, found.images)), range(10))[:, 0]


@pytest.mark.slow
def test_intervals_hold_the_true_value(monkeypatch):
    labels, pictures = 2, 25
    simulated = {"labels": labels, "finds": 0.85, "clustering": 0.12}
    true = values(matches(*world(1, 10_000, **simulated), labels))
    covered = dict.fromkeys(true, 0)

    for seed in range(WORLDS):
        truth, answers = world(1000 + seed, pictures, **simulated)
        found = matches(truth, answers, labels)
        monkeypatch.setattr(box_measures, "coco_precisions", lambda *_, f=found: quick(f))
        overall, _ = precisions(found, truth, answers, seed)
        tally = tallies(found, THRESHOLD)
        first = {
            f"{name} of a label": measure for name, measure in by_label(tally, seed)[0].items()
        }
        for name, measure in {**overall, **macro_and_micro(tally, seed), **first}.items():
            covered[name] += measure.low - 1e-9 <= true[name] <= measure.high + 1e-9

    shares = {name: count / WORLDS for name, count in covered.items()}
    assert min(shares.values()) >= PROMISED - 0.03, shares
    assert np.mean(list(shares.values())) >= PROMISED, shares
