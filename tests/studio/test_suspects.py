"""Planted faults in labels and boxes come first."""

import numpy as np
import pytest

from stages.studio.suspects import box_doubt, label_doubts


def scored(flipped, seed=0, samples=1000, labels=5):
    """Labels of which a share is flipped, and the scores of a model that is right mostly."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, labels, samples)
    logits = rng.normal(0, 1, (samples, labels))
    logits[np.arange(samples), truth] += 4
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wrong = rng.random(samples) < flipped
    annotated = np.where(wrong, (truth + rng.integers(1, labels, samples)) % labels, truth)
    return annotated, scores, truth, wrong


@pytest.mark.parametrize("flipped", [0.05, 0.3])
def test_flipped_labels_come_first_with_the_right_suggestion(flipped):
    annotated, scores, truth, wrong = scored(flipped)

    suggested, doubts = label_doubts(annotated, scores)

    count = int(wrong.sum())
    first = np.argsort(-doubts, kind="stable")[:count]
    assert wrong[first].mean() > 0.85
    found = np.flatnonzero(wrong & (doubts > 0))
    assert len(found) > 0.9 * count
    assert (suggested[found] == truth[found]).mean() > 0.95


def test_good_labels_of_a_perfect_model_are_no_suspects():
    labels = np.array([0, 1, 2, 0])
    _, doubts = label_doubts(labels, np.eye(3)[labels])

    assert not doubts.any()


def test_the_label_with_the_least_score_of_its_own_comes_first():
    # the first has the smaller margin between its own label and the suggested one
    labels = np.array([0, 0, 0, 0, 1, 2])
    sure = np.eye(3)[labels[2:]] * 0.85 + 0.05
    scores = np.vstack([[[0.1, 0.5, 0.4], [0.15, 0.85, 0.0]], sure])
    suggested, doubts = label_doubts(labels, scores)

    assert suggested[:2].tolist() == [1, 1]
    assert doubts == pytest.approx([0.9, 0.85, 0, 0, 0, 0])


def test_a_label_that_the_data_does_not_have_is_never_suggested():
    labels, scores = np.array([0, 0, 1]), np.array([[0.2, 0.1, 0.7]] * 3)
    suggested, _ = label_doubts(labels, scores)

    assert 2 not in suggested


BOX = [10, 10, 30, 30]


@pytest.mark.parametrize(
    ("truth", "answers", "doubt"),
    [
        ([[*BOX, 0]], [[*BOX, 0.9, 0]], 0.0),
        ([], [[*BOX, 0.9, 0]], 0.9),  # overlooked
        ([[*BOX, 1]], [[*BOX, 0.8, 0]], 0.8),  # swapped
        ([[*BOX, 1]], [[*BOX, 0.6, 0], [*BOX, 0.4, 1]], 0.36),  # it finds the true label, too
        ([[22, 10, 42, 30, 0]], [[*BOX, 0.6, 0]], 0.625),  # 8 of 32 in common: badly placed
        ([[22, 10, 42, 30, 0]], [[*BOX, 0.6, 0], [22, 10, 42, 30, 0.7, 0]], 0.3),  # or both
        ([], [[*BOX, 0.4, 0]], 0.0),  # the model is not sure
    ],
)
def test_the_doubt_in_boxes(truth, answers, doubt):
    assert box_doubt(truth, answers) == pytest.approx(doubt)


def test_a_shifted_box_is_doubted_less_than_a_missing_one():
    shifted = box_doubt([[20, 10, 40, 30, 0]], [[*BOX, 0.9, 0]])

    assert 0 < shifted < box_doubt([], [[*BOX, 0.9, 0]])
