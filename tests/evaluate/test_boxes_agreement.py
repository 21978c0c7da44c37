"""Whether a packed detector does what the trained one did."""

import json

from stages.evaluate.boxes import Boxes
from tests.evaluate.boxed import ELSEWHERE, LABELS, TRUE_BOX, predicted
from tests.metrics.worlds import world


def agreed(trained, packed, truth, max_drop=0.02, least=0.85):
    trained_answers = predicted(truth, trained)
    return Boxes().agreement(
        trained_answers, packed, LABELS, threshold=0.5, max_drop=max_drop, least=least
    )


def test_equal_boxes_agree():
    truth, answers = world(5, 40, 2)

    agreement = agreed(answers, answers, truth)

    assert agreement.failures == ()
    assert agreement.same.value == 1
    assert agreement.drops["ap50"].value == 0
    assert set(agreement.drops) == {"ap50", "recall of cat", "recall of dog"}


def test_one_box_in_a_small_test_is_forgiven_and_many_are_not():
    truth = [[[*TRUE_BOX, 0]]] * 12
    right = [[[*TRUE_BOX, 0.9, 0]]] * 12

    single, many = ([*right[:-k], *([[]] * k)] for k in (1, 5))

    assert agreed(right, single, truth).failures == ()
    failures = " ".join(agreed(right, many, truth).failures)
    assert "AP50 drops by" in failures
    assert "recall of 'cat' drops by 41.7% of 12 boxes" in failures


def test_other_boxes_are_no_agreement_even_if_as_many_are_right():
    truth = [[[*TRUE_BOX, 0], [*ELSEWHERE, 0]]] * 30
    first, second = [[[*TRUE_BOX, 0.9, 0]]] * 30, [[[*ELSEWHERE, 0.9, 0]]] * 30

    agreement = agreed(first, second, truth)

    assert agreement.same.value == 0
    assert any(
        "of the boxes are the same at the threshold" in failure for failure in agreement.failures
    )
    json.dumps(agreement.record())


def test_a_box_below_the_threshold_counts_for_neither():
    truth = [[[*TRUE_BOX, 0]]] * 4
    sure, unsure = [[[*TRUE_BOX, 0.9, 0], [*ELSEWHERE, 0.3, 0]]] * 4, [[[*TRUE_BOX, 0.8, 0]]] * 4

    assert agreed(sure, unsure, truth).same == agreed(unsure, sure, truth).same
    assert agreed(sure, unsure, truth).same.value == 1
