"""The numbers that a search compares."""

import numpy as np
import pytest

from stages.train.heads.scores import best_temperature, log_loss, measures


def test_balanced_accuracy_counts_labels_alike():
    logits = np.array([[9, 0], [9, 0], [9, 0], [9, 0]], np.float32)

    found = measures(logits, np.array([0, 0, 0, 1]))

    assert found["accuracy"] == 0.75
    assert found["balanced_accuracy"] == 0.5


def test_log_loss_is_that_of_scikit_learn():
    from sklearn import metrics

    rng = np.random.default_rng(0)
    logits = rng.normal(size=(50, 4)).astype(np.float32) * 3
    truth = rng.integers(0, 4, 50)
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    expected = metrics.log_loss(truth, scores, labels=range(4))

    assert log_loss(logits, truth) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("sureness", [0.5, 1.0, 2.5])
def test_temperature_undoes_what_makes_scores_too_sure_or_not_sure_enough(sureness: float):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 3)) * 2
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (rng.random((len(scores), 1)) > scores.cumsum(axis=1)).sum(axis=1)

    found = best_temperature((logits * sureness).astype(np.float32), truth)

    assert found == pytest.approx(sureness, rel=0.05)
