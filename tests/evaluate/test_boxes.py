"""What is said of boxes: verdict, threshold, advice."""

import pytest

from stages.artifacts import Box
from stages.etl.manifest import Sample
from stages.evaluate.boxes import Boxes
from stages.evaluate.kinds import Unseen
from stages.metrics.boxes import matches, recommended_threshold
from stages.runtime.errors import DataError
from tests.evaluate.boxed import ELSEWHERE, LABELS, TRUE_BOX, evaluated, page_of
from tests.metrics.worlds import world


def test_truth_is_edges_and_the_labels_index():
    samples = [Sample("a.png", "1", boxes=(Box("dog", 1, 2, 3, 4),)), Sample("b.png", "2")]

    assert Boxes().truth(samples, LABELS) == [[[1, 2, 3, 4, 1]], []]


def test_a_label_that_the_model_does_not_know_is_told():
    samples = [Sample("a.png", "1", boxes=(Box("cow", 1, 2, 3, 4),))]

    with pytest.raises(DataError, match="does not know the label 'cow'"):
        Boxes().truth(samples, LABELS)


def test_without_a_gate_half_an_ap50_is_asked_for_and_told():
    truth, answers = world(1, 60, 2, finds=0.95)

    good, bad = evaluated(truth, answers), evaluated(truth, [[] for _ in truth])

    assert (good.verdict, bad.verdict) == ("ship", "do not ship")
    assert good.judgements[0][:2] == ("ap50", 0.5)
    assert "No minimum was set: evaluate.gate is empty" in good.reasons[-1]


def test_a_gate_on_recall_of_every_label_is_held_against_boxes():
    truth, answers = world(1, 60, 2, finds=0.95)

    found = evaluated(truth, answers, gate={"recall of every label": 0.2, "ap50_95": 0.99})

    outcomes = {judgement.name: judgement.outcome for judgement in found.judgements}
    assert outcomes == {"recall of cat": "reached", "recall of dog": "reached", "ap50_95": "missed"}
    assert found.reasons[0].startswith("AP50:95 is ")


def test_the_threshold_is_chosen_on_photos_that_are_not_measured():
    truth, answers = world(1, 60, 2)
    unseen = Unseen(*world(2, 60, 2))

    apart, alone = evaluated(truth, answers, unseen=unseen), evaluated(truth, answers)

    assert apart.threshold == recommended_threshold(matches(unseen.truth, unseen.answers, 2), None)
    assert "on photos held out of training, as the best compromise" in apart.threshold_summary
    assert "on these same photos" in alone.threshold_summary


def test_a_threshold_in_use_is_kept_and_what_it_gives_is_counted():
    truth = [[[*TRUE_BOX, 0]] for _ in range(20)]
    answers = [[[*TRUE_BOX, 0.6 + 0.01 * row, 0]] for row in range(20)]  # 0.6 would find all

    evaluation = evaluated(truth, answers, threshold=0.7)

    assert evaluation.threshold == 0.7
    assert evaluation.measured.overall["micro_recall"].value == 0.5
    assert "came with the package" in evaluation.threshold_summary


def test_a_precision_that_is_asked_for_sets_the_threshold():
    truth = [[[*TRUE_BOX, 0]]] * 20
    answers = [[[*TRUE_BOX, 0.9 if k < 12 else 0.3, 0], [*ELSEWHERE, 0.2, 0]] for k in range(20)]

    found = evaluated(truth, answers, precision=0.4)

    assert (found.threshold, evaluated(truth, answers).threshold) == (0.01, 0.25)
    assert "so that 40 % of the boxes are right" in found.threshold_summary


def test_the_weakest_label_is_told_in_photos_with_what_became_of_its_boxes():
    both = [[*TRUE_BOX, 0], [60, 60, 90, 90, 0], [*ELSEWHERE, 1]]
    right = [[*TRUE_BOX, 0.9, 0], [60, 60, 90, 90, 0.9, 0], [*ELSEWHERE, 0.9, 1]]
    answers = [right[:2] if k < 8 else [*right[:2], [*ELSEWHERE, 0.9, 0]] for k in range(12)]
    answers += [right] * 28

    found = evaluated([both] * 40, answers, tested=0.2)

    weakest = next(line for line in found.advice if "weakest" in line)
    assert "'dog': 12 of its 40 boxes are not found (8 overlooked, 4 with another label)" in weakest
    assert "about 280 more test photos with it (collect about 1,400, as 20 % are tested)" in weakest


def test_boxes_are_counted_in_photos_that_have_several():
    cats = [[*TRUE_BOX, 0], [60, 60, 90, 90, 0]]
    answers = [
        [[*TRUE_BOX, 0.9, 0]] if k % 2 else [[*row[:4], 0.9, 0] for row in cats] for k in range(40)
    ]

    advice = " ".join(evaluated([cats] * 40, answers, labels=("cat",)).advice)

    # 288 boxes tell a share of 75 % to 5 points, so 208 more, in half as many photos, roughly
    assert "about 110 more test photos with it" in advice


def test_small_things_that_are_missed_are_told():
    small, large = [5, 5, 15, 15, 0], [100, 100, 200, 200, 0]
    answers = [[[100, 100, 200, 200, 0.9, 0]]] * 40

    advice = evaluated([[small, large]] * 40, answers, labels=("cat",)).advice

    assert any(
        "below about 10 × 10 pixels 0 % are found, of larger ones 100 %" in line for line in advice
    )


def test_many_false_alarms_ask_for_photos_without_anything():
    answers = [[[*TRUE_BOX, 0.9, 0], [*ELSEWHERE, 0.5, 0]]] * 20

    advice = evaluated([[[*TRUE_BOX, 0]]] * 20, answers, labels=("cat",), precision=0.1).advice

    assert any("20 of 40 predicted boxes are false alarms" in line for line in advice)


def test_second_boxes_on_one_thing_are_told_apart_from_false_alarms():
    again = [10, 10, 40, 38]
    found = evaluated(
        [[[*TRUE_BOX, 0]]] * 20, [[[*TRUE_BOX, 0.9, 0], [*again, 0.8, 0]]] * 20, precision=0.1
    )

    assert all(mistake.again for mistake in found.mistakes)
    assert any("20 of 40 predicted boxes are second boxes" in line for line in found.advice)


def test_where_the_model_is_as_sure_as_ever_the_annotation_may_be_missing():
    answers = [[[*TRUE_BOX, 0.8, 0]]] * 18
    answers += [[[*TRUE_BOX, 0.8, 0], [*ELSEWHERE, score, 0]] for score in (0.9, 0.6)]

    found = evaluated([[[*TRUE_BOX, 0]]] * 20, answers, precision=0.1)

    assert [(mistake.score, mistake.suspicious) for mistake in found.mistakes] == [
        (0.9, True),
        (0.6, False),
    ]
    assert found.advice[1].startswith("Check the annotations of 1 photo first")
    assert "check the annotation" in page_of(found)


def test_labels_that_are_taken_for_each_other_are_told():
    answers = [[[*TRUE_BOX, 0.9, int(k < 6)]] for k in range(30)]

    advice = evaluated([[[*TRUE_BOX, 0]]] * 30, answers).advice

    assert any(
        "'cat' is taken for 'dog' 6 times (100 % of all wrong labels)" in line for line in advice
    )


def test_a_label_without_a_test_box_and_a_test_without_any_are_told():
    single_label = evaluated([[[*TRUE_BOX, 0]]] * 20, [[[*TRUE_BOX, 0.9, 0]]] * 20)
    negatives = evaluated([[]] * 5, [[[*TRUE_BOX, 0.9, 0]], [], [], [], []])

    assert any("No test photo has a box of 'dog'" in line for line in single_label.advice)
    assert negatives.verdict == "undecided"
    assert negatives.reasons[1] == "The test has no photo to measure the AP50."
    assert negatives.advice[0].startswith("No test photo has a box")


def test_fewer_than_five_test_boxes_of_a_label_decide_nothing():
    truth = [[[*TRUE_BOX, 0]]] * 40 + [[[*TRUE_BOX, 1]]] * 2
    answers = [[[*TRUE_BOX, 0.9, 0]]] * 40 + [[[*TRUE_BOX, 0.9, 1]]] * 2

    found = evaluated(truth, answers)

    assert found.verdict == "undecided"
    assert "at least 5 boxes of each label, and 'dog' has 2, 3 too few" in found.reasons[0]
    assert any("3 of 'dog'" in line for line in found.advice)
