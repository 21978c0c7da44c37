"""Whether a packed detector does what the trained one did."""

import json

from stages.evaluate.boxes import Boxes
from tests.evaluate.boxed import ELSEWHERE, LABELS, THING, predicted
from tests.metrics.worlds import world


def agreed(trained, packed, truth, max_drop=0.02, least=0.85):
    known = predicted(truth, trained)
    return Boxes().agreement(known, packed, LABELS, threshold=0.5, max_drop=max_drop, least=least)


def test_equal_boxes_agree():
    truth, answers = world(5, 40, 2)

    said = agreed(answers, answers, truth)

    assert said.failures == ()
    assert said.same.value == 1
    assert said.drops["ap50"].value == 0
    assert set(said.drops) == {"ap50", "recall of cat", "recall of dog"}


def test_one_box_in_a_small_test_is_forgiven_and_many_are_not():
    truth = [[[*THING, 0]]] * 12
    right = [[[*THING, 0.9, 0]]] * 12

    one, many = ([*right[:-k], *([[]] * k)] for k in (1, 5))

    assert agreed(right, one, truth).failures == ()
    said = " ".join(agreed(right, many, truth).failures)
    assert "AP50 drops by" in said
    assert "recall of 'cat' drops by 41.7% of 12 boxes" in said


def test_other_boxes_are_no_agreement_even_if_as_many_are_right():
    truth = [[[*THING, 0], [*ELSEWHERE, 0]]] * 30
    first, second = [[[*THING, 0.9, 0]]] * 30, [[[*ELSEWHERE, 0.9, 0]]] * 30

    said = agreed(first, second, truth)

    assert said.same.value == 0
    assert any("of the boxes are the same at the threshold" in one for one in said.failures)
    json.dumps(said.record())


def test_a_box_below_the_threshold_counts_for_neither():
    truth = [[[*THING, 0]]] * 4
    sure, unsure = [[[*THING, 0.9, 0], [*ELSEWHERE, 0.3, 0]]] * 4, [[[*THING, 0.8, 0]]] * 4

    assert agreed(sure, unsure, truth).same == agreed(unsure, sure, truth).same
    assert agreed(sure, unsure, truth).same.value == 1
