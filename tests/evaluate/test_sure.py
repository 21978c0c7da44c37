"""Which answers are sure, and what is said where none is."""

import numpy as np

from stages.artifacts import Measure
from stages.evaluate.sure import Answered, sure_answers
from stages.runtime.answers.sure import Sure

NONE = Measure(value=0, low=0, high=1, n=0)
ALL = Measure(value=1, low=0.9, high=1, n=40)


def sure_answers_of(scores, right, packaged=None, measures=(NONE, NONE)):
    answered = Answered(np.array(scores), np.array(right, bool))
    count = lambda _: measures  # noqa: E731
    return sure_answers(
        answered, answered, 0.9, packaged, count, held_out=True, noun="photos", other=None
    )


def test_where_no_threshold_reaches_the_precision_none_is_sure_and_the_best_is_told():
    found = sure_answers_of([0.9] * 20 + [0.4] * 20, [1] * 16 + [0] * 24)

    assert (found.least, found.missed, found.best) == (None, True, (0.41, 0.8))
    assert "No answer is marked as sure: at no threshold are 90 %" in found.summary
    assert "The best is 80 %, from a score of 0.41 on" in found.summary
    assert "add samples of the labels that are recognised worst" in found.summary


def test_where_every_answer_reaches_the_precision_no_threshold_of_zero_is_advised():
    found = sure_answers_of([0.9] * 40, [1] * 40, measures=(ALL, ALL))

    assert found.least == 0
    assert found.title == "All answers are sure"
    assert "0.00" not in found.summary
    assert "look at the rest" not in found.summary


def test_a_score_that_equals_the_threshold_counts_as_sure_where_it_is_chosen():
    found = sure_answers_of([0.7] * 20 + [0.699999] * 20, [1] * 20 + [0] * 20)

    assert found.least == 0.7


def test_too_few_answers_choose_no_threshold():
    found = sure_answers_of([0.9] * 9, [1] * 9)

    assert found.missed
    assert "no threshold is known" in found.summary


def test_what_is_rejected_is_never_sure():
    found = Answered(np.array([-1.0] * 20 + [0.5] * 20), np.ones(40, bool))

    assert found.at(0.0) == (20, 20)


def test_a_package_of_before_is_said_to_be_so():
    found = sure_answers_of([0.9] * 40, [1] * 40, packaged=Sure(measured=False))

    assert not found.missed
    assert "made before answers said whether they are sure" in found.summary
