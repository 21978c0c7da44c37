"""Faults are planted as asked, and what suspects find of them is counted right."""

import re

import numpy as np
import pytest

from stages.etl import source
from stages.runtime.errors import ConfigError
from stages.studio.planted_faults import (
    FaultsFound,
    faulty_boxes,
    flipped,
    found_boxes,
    found_labels,
    found_of,
    out_of_fold_scores,
    planted_in,
)
from tests import makers

BOXES = [[[10.0, 10.0, 30.0, 20.0, 0], [50.0, 50.0, 90.0, 90.0, 1]], [], [[0.0, 0.0, 9.0, 9.0, 1]]]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_a_share_of_the_labels_becomes_another(share):
    labels = rng().integers(0, 4, 400)

    wrong, planted = flipped(labels, 4, share, rng(1))

    assert planted.sum() == round(400 * share)
    assert ((wrong != labels) == planted).all()
    assert set(wrong) == {0, 1, 2, 3}


@pytest.mark.parametrize("kind", ["dropped", "shifted"])
def test_one_box_of_a_picture_is_dropped_or_shifted(kind):
    changed, planted = faulty_boxes(BOXES, kind, 1.0, rng())

    assert planted.tolist() == [True, False, True]
    counts = [len(boxes) for boxes in changed]
    assert counts == ([1, 0, 0] if kind == "dropped" else [2, 0, 1])
    assert BOXES[2] == [[0.0, 0.0, 9.0, 9.0, 1]]
    if kind == "shifted":
        left, top, right, bottom, label = changed[2][0]
        assert (right - left, bottom - top, label) == (9.0, 9.0, 1)
        assert {abs(left), abs(top)} == {4.5}


def test_scores_are_of_heads_that_did_not_see_the_group():
    # two copies of each row in one group: a head that saw a copy would know its random label
    copies, labels = (
        np.repeat(rng().normal(size=(60, 90)), 2, axis=0),
        np.repeat(np.arange(60) % 2, 2),
    )
    groups = [str(row // 2) for row in range(120)]

    grouped = out_of_fold_scores(copies, labels, 2, groups, 1e-3)
    alone = out_of_fold_scores(copies, labels, 2, [str(row) for row in range(120)], 1e-3)

    def right(scores):
        return (scores.argmax(axis=1) == labels).mean()

    assert right(alone) > 0.9
    assert right(grouped) < 0.75
    assert grouped.sum(axis=1) == pytest.approx(1)


def test_flipped_labels_of_separable_samples_are_found():
    truth = rng().integers(0, 3, 300)
    features = np.eye(3)[truth] * 4 + rng(1).normal(size=(300, 3))
    labels, planted = flipped(truth, 3, 0.1, rng(2))

    scores = out_of_fold_scores(features, labels, 3, [str(row) for row in range(300)], 0.01)
    found = found_labels(labels, scores, planted)

    assert found.planted == 30
    assert found.first >= 24
    assert found.among >= found.first


def test_a_dropped_box_is_found_by_a_detector_that_sees_it():
    answers = [[[*box[:4], 0.9, box[4]] for box in boxes] for boxes in BOXES]
    truth, planted = faulty_boxes(BOXES, "dropped", 1.0, rng())

    assert found_boxes(truth, answers, planted) == FaultsFound(2, 2, 2, 2)
    assert found_boxes(BOXES, answers, np.zeros(3, bool)) == FaultsFound(0, 0, 0, 0)


def test_without_doubt_nothing_is_found():
    planted = np.array([True, False, False])

    assert found_of(np.zeros(3), planted) == FaultsFound(1, 0, 0, 0)
    assert found_of(np.array([0.2, 0.9, 0.0]), planted) == FaultsFound(1, 0, 2, 1)


def test_without_a_model_it_is_said_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match="Train one"):
        planted_in("shapes", makers.settings(tmp_path), "flipped", 0.05)


def test_the_page_says_what_is_missing_and_what_can_be_planted(browser, settings, tmp_path):
    source.add("shapes", makers.folder_of_pictures(tmp_path / "shapes", 3), settings)

    page = browser.get("/data/shapes/faults?kind=flipped&share=30").text
    found = browser.get("/data/shapes/faults/found?kind=flipped&share=30").text

    assert "/data/shapes/faults/found?kind=flipped&amp;share=30" in page
    assert "There is no model of these data yet. Train one" in " ".join(
        re.sub("<[^>]*>", " ", found).split()
    )
    assert "data-load" not in browser.get("/data/shapes/faults?kind=stolen").text
