"""Whether an answer is sure: by the package's own score, for each kind of answer."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from stages.runtime.answers import KINDS
from stages.runtime.answers.sure import Sure, sure_of
from stages.runtime.drawing import drawn

LABELS = ["a", "b", "c"]
VALUES = {  # of the kinds of one network: what is sure in a chain is decided by its predictor
    "labels": [0.2, 0.7, 0.1],
    "boxes": [[1.0, 2.0, 30.0, 40.0, 0.7, 1], [0.0, 0.0, 5.0, 5.0, 0.2, 0]],
}


def answered(name, sure, threshold=0.0):
    answer = KINDS[name]().named(VALUES[name], LABELS, 0, threshold, {}, sure)
    return answer, [row["sure"] for row in answer[name]]


@pytest.mark.parametrize("name", list(VALUES))
def test_a_score_that_equals_the_least_is_sure_and_the_next_lower_one_is_not(name):
    assert answered(name, Sure(0.7))[1][:2] == [True, False]
    assert not any(answered(name, Sure(0.700001))[1])


@pytest.mark.parametrize("name", list(VALUES))
def test_nothing_is_sure_where_no_threshold_reaches_the_precision(name):
    answer, each = answered(name, Sure(None))

    assert set(each) == {False}
    assert "(not sure)" in KINDS[name]().line(answer)


@pytest.mark.parametrize("name", list(VALUES))
def test_a_threshold_hides_answers_and_makes_none_sure(name):
    assert answered(name, Sure(0.9), threshold=0.5)[1] == [False]
    assert answered(name, Sure(0.5), threshold=0.6)[1] == [True]


@pytest.mark.parametrize("name", list(VALUES))
def test_a_package_of_before_says_neither(name):
    answer, each = answered(name, sure_of({"after": [], "threshold": 0.5}))

    assert set(each) == {None}
    assert "sure" not in KINDS[name]().line(answer)
    assert json.loads(json.dumps(answer)) == answer


def test_only_the_likeliest_label_is_sure_and_none_where_all_are_hidden():
    answer, each = answered("labels", Sure(0.0))
    assert (answer["sure"], each) == (True, [True, False, False])

    hidden, _ = answered("labels", Sure(0.0), threshold=0.9)
    assert (hidden["sure"], hidden["labels"]) == (False, [])


def test_that_a_sample_has_none_of_the_labels_is_never_sure():
    reject = {"step": "reject", "args": {"other": 1, "threshold": 0.0}}

    answer, _ = answered("labels", sure_of({"after": [reject], "sure_from": 0.1}))

    assert answer["labels"][0]["label"] == "b"
    assert answer["sure"] is False


def test_a_box_that_is_not_sure_is_drawn_dashed():
    photo = io.BytesIO()
    Image.new("RGB", (200, 100)).save(photo, "PNG")
    box = {"label": "a", "score": 0.5, "box": [20, 40, 180, 90]}

    solid, dashed = (
        np.asarray(Image.open(io.BytesIO(drawn(photo.getvalue(), [{**box, "sure": sure}]))))
        for sure in (True, False)
    )

    below = [picture[89:91, 21:179].max(axis=(0, 2)) > 80 for picture in (solid, dashed)]
    assert below[0].all()
    assert 0.3 < below[1].mean() < 0.8
