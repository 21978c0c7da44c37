"""The threshold of rejection: as strict as asked for, as far as it rejects next to no known
sample."""

import numpy as np
import pytest

from stages.runtime.steps import run, softmax
from stages.train.ood.threshold import MAX_COST, USUAL_COST, calibrate, leads

OTHER = 2


def world(apart: float, known: int = 1000, unknown: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Logits of three labels; `other` leads unknown samples by `apart` in the mean."""
    rng = np.random.default_rng(5)
    truth = np.concatenate([np.arange(known) % 2, np.full(unknown, OTHER)])
    logits = rng.normal(0, 1, (len(truth), 3)).astype(np.float32)
    logits[np.arange(known), truth[:known]] += 4
    logits[known:, OTHER] += apart
    return logits, truth


def rejected(logits: np.ndarray, step: dict) -> np.ndarray:
    return softmax(run([step], logits)).argmax(axis=1) == OTHER


@pytest.mark.parametrize(("apart", "wanted"), [(6, 0.05), (6, 0.9), (8, 0.001)])
def test_it_accepts_no_more_unknown_samples_than_asked_and_fewer_where_that_is_cheap(
    apart: float, wanted: float
):
    logits, truth = world(apart)

    found = calibrate(logits, truth, OTHER, wanted)

    is_rejected = rejected(logits, found.step.model_dump())
    assert found.false_accepts == (~is_rejected[truth == OTHER]).mean()
    assert found.false_accepts <= wanted
    assert found.cost == pytest.approx(USUAL_COST, abs=0.001)


def test_it_rejects_more_known_samples_to_reach_what_was_asked_but_never_more_than_it_may():
    logits, truth = world(apart=2.5)
    right = logits[:, :OTHER].argmax(axis=1) == truth

    plain, strict = (calibrate(logits, truth, OTHER, wanted) for wanted in (0.9, 0.001))

    assert plain.false_accepts > strict.false_accepts > 0.001
    assert strict.threshold < plain.threshold
    for found, cost in ((plain, USUAL_COST), (strict, MAX_COST)):
        lost = rejected(logits, found.step.model_dump()) & right & (truth != OTHER)
        assert found.cost == lost.sum() / (truth != OTHER).sum() == pytest.approx(cost, abs=0.001)


def test_without_unknown_ones_it_costs_no_more_than_it_may():
    logits, truth = world(apart=1, unknown=0)

    found = calibrate(logits, truth, OTHER, 0.05)

    assert 0 < found.cost <= USUAL_COST
    assert found.unknown == 0


def test_the_step_moves_the_label_alone_and_the_mean_as_each_window():
    logits = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    step = {"step": "reject", "args": {"other": 1, "threshold": 0.5}}

    moved = run([step], logits)

    assert moved[:, [0, 2]].tolist() == logits[:, [0, 2]].tolist()
    assert np.allclose(moved[:, 1], logits[:, 1] - 0.5)
    mean = [{"step": "mean_of_windows"}]
    assert np.allclose(run([step, *mean], logits), run([*mean, step], logits))


def test_a_lead_is_over_the_best_of_the_others():
    assert leads(np.array([[1, 5, 3], [4, 0, 2]], np.float32), 1).tolist() == [2, -4]
