"""What is said of boxes: verdict, advice, sorted mistakes, a page that opens alone."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from stages.artifacts import Box
from stages.config import EvaluateConfig
from stages.etl.manifest import Sample
from stages.evaluate.about import About
from stages.evaluate.boxes import Boxes
from stages.evaluate.boxes.gallery import window
from stages.evaluate.boxes.mistakes import SORTS, shown
from stages.evaluate.kinds import Unseen
from stages.evaluate.predictions import Predicted, read_predicted
from stages.media.pictures import Pictures
from stages.metrics.boxes import matches, recommended_threshold
from stages.runtime.errors import DataError
from tests.evaluate.test_stage import Page
from tests.metrics.worlds import world

LABELS = ("cat", "dog")
THING = [10.0, 10.0, 40.0, 40.0]
ELSEWHERE = [300.0, 200.0, 340.0, 240.0]


def predicted(truth, answers, labels=LABELS) -> Predicted:
    names = tuple(f"yard/{row:03}.png" for row in range(len(truth)))
    return Predicted(
        tuple(labels), names, tuple(f"{row:064}" for row in range(len(truth))), truth, answers
    )


def evaluated(truth, answers, labels=LABELS, tested=1.0, unseen=None, curve=(), **config):
    case = predicted(truth, answers, labels)
    asked = EvaluateConfig(**config)
    return Boxes().evaluated(case, asked, tested=tested, unseen=unseen, curve=curve)


def page_of(evaluation, worst=24, photo=None):
    about = About("yard", "a detector", "photo", [], [], {"test": {"cat": 3}}, {"test": 3})
    fetch = lambda row: photo or grey()  # noqa: E731
    return Boxes().page(evaluation, about, fetch, Pictures(), worst)


def grey(width=420, height=420) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (90, 90, 90)).save(out, "PNG")
    return out.getvalue()


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
    assert "More was not asked for: evaluate.gate is empty" in good.reasons[-1]


def test_a_gate_on_recall_of_every_label_is_held_against_boxes():
    truth, answers = world(1, 60, 2, finds=0.95)

    found = evaluated(truth, answers, gate={"recall of every label": 0.2, "ap50_95": 0.99})

    outcomes = {one.name: one.outcome for one in found.judgements}
    assert outcomes == {"recall of cat": "reached", "recall of dog": "reached", "ap50_95": "missed"}
    assert found.reasons[0].startswith("AP50:95 is ")


def test_the_threshold_is_chosen_on_photos_that_are_not_measured():
    truth, answers = world(1, 60, 2)
    unseen = Unseen(*world(2, 60, 2))

    apart, alone = evaluated(truth, answers, unseen=unseen), evaluated(truth, answers)

    assert apart.threshold == recommended_threshold(matches(*unseen, 2), None)
    assert "on photos held out of training, as the best compromise (F1)" in apart.threshold_says
    assert "on these very photos" in alone.threshold_says


def test_a_precision_that_is_asked_for_sets_the_threshold():
    truth = [[[*THING, 0]]] * 20
    answers = [[[*THING, 0.9 if k < 12 else 0.3, 0], [*ELSEWHERE, 0.2, 0]] for k in range(20)]

    found = evaluated(truth, answers, precision=0.4)

    assert (found.threshold, evaluated(truth, answers).threshold) == (0.01, 0.21)
    assert "so that 40 % of the boxes be right" in found.threshold_says


def test_the_weakest_label_is_told_in_photos_with_what_became_of_its_boxes():
    both = [[*THING, 0], [60, 60, 90, 90, 0], [*ELSEWHERE, 1]]
    right = [[*THING, 0.9, 0], [60, 60, 90, 90, 0.9, 0], [*ELSEWHERE, 0.9, 1]]
    answers = [right[:2] if k < 8 else [*right[:2], [*ELSEWHERE, 0.9, 0]] for k in range(12)]
    answers += [right] * 28

    found = evaluated([both] * 40, answers, tested=0.2)

    weakest = next(one for one in found.advice if "weakest" in one)
    assert "'dog': 12 of its 40 boxes are not found (8 overlooked, 4 with another label)" in weakest
    assert "about 280 more test photos with it (collect about 1,400, as 20 % are tested)" in weakest


def test_boxes_are_counted_in_photos_that_have_several():
    cats = [[*THING, 0], [60, 60, 90, 90, 0]]
    answers = [
        [[*THING, 0.9, 0]] if k % 2 else [[*row[:4], 0.9, 0] for row in cats] for k in range(40)
    ]

    advice = " ".join(evaluated([cats] * 40, answers, labels=("cat",)).advice)

    # 288 boxes tell a share of 75 % to 5 points, so 208 more, in half as many photos, roughly
    assert "about 110 more test photos with it" in advice


def test_small_things_that_are_missed_are_told():
    small, large = [5, 5, 15, 15, 0], [100, 100, 200, 200, 0]
    answers = [[[100, 100, 200, 200, 0.9, 0]]] * 40

    advice = evaluated([[small, large]] * 40, answers, labels=("cat",)).advice

    assert any(
        "below about 10 × 10 pixels 0 % are found, of larger ones 100 %" in one for one in advice
    )


def test_many_false_alarms_ask_for_photos_without_anything():
    answers = [[[*THING, 0.9, 0], [*ELSEWHERE, 0.5, 0]]] * 20

    advice = evaluated([[[*THING, 0]]] * 20, answers, labels=("cat",), precision=0.1).advice

    assert any("20 of 40 given boxes are false alarms" in one for one in advice)


def test_second_boxes_on_one_thing_are_told_apart_from_false_alarms():
    again = [10, 10, 40, 38]
    found = evaluated(
        [[[*THING, 0]]] * 20, [[[*THING, 0.9, 0], [*again, 0.8, 0]]] * 20, precision=0.1
    )

    assert all(one.again for one in found.mistakes)
    assert any("20 of 40 given boxes are second ones" in one for one in found.advice)


def test_where_the_model_is_as_sure_as_ever_the_annotation_may_be_missing():
    answers = [[[*THING, 0.8, 0]]] * 18
    answers += [[[*THING, 0.8, 0], [*ELSEWHERE, score, 0]] for score in (0.9, 0.6)]

    found = evaluated([[[*THING, 0]]] * 20, answers, precision=0.1)

    assert [(one.score, one.suspicious) for one in found.mistakes] == [(0.9, True), (0.6, False)]
    assert found.advice[0].startswith("Check the annotations of 1 photo first")
    assert "check the annotation" in page_of(found)


def test_labels_that_are_taken_for_each_other_are_told():
    answers = [[[*THING, 0.9, int(k < 6)]] for k in range(30)]

    advice = evaluated([[[*THING, 0]]] * 30, answers).advice

    assert any(
        "'cat' is taken for 'dog' 6 times (100 % of all wrong labels)" in one for one in advice
    )


def test_a_label_without_a_test_box_and_a_test_without_any_are_told():
    one_label = evaluated([[[*THING, 0]]] * 20, [[[*THING, 0.9, 0]]] * 20)
    negatives = evaluated([[]] * 5, [[[*THING, 0.9, 0]], [], [], [], []])

    assert any("No test photo has a box of 'dog'" in one for one in one_label.advice)
    assert negatives.verdict == "undecided"
    assert negatives.reasons[0] == "The test has no photo that would tell the AP50."
    assert negatives.advice[0].startswith("No test photo has a box")


@pytest.mark.parametrize(
    ("truth", "answers"),
    [
        ([[[*THING, 0]]] * 3, [[]] * 3),
        ([[]] * 3, [[]] * 3),
        ([[]] * 3, [[[*THING, 0.9, 1]]] * 3),
        ([[[*THING, 1]]], [[[*THING, 0.9, 1]]]),
    ],
    ids=["nothing is answered", "nothing at all", "negatives only", "one photo"],
)
def test_whatever_the_test_holds_there_is_a_page_and_a_record(truth, answers):
    found = evaluated(truth, answers)

    page = Page(page_of(found))

    assert not page.open
    assert json.loads(found.record())["verdict"] == found.verdict


def test_worst_mistakes_are_shared_out_among_the_sorts():
    truth, answers = world(3, 80, 2, finds=0.6)
    made = evaluated(truth, answers).mistakes
    counts = {sort: sum(one.sort == sort for one in made) for sort in SORTS}

    some, all_of_them = shown(made, 10), shown(made, 10_000)

    assert sum(map(len, some.values())) == 10
    assert all(len(some[sort]) >= min(counts[sort], 2) for sort in SORTS)
    assert {sort: len(ones) for sort, ones in all_of_them.items()} == counts


@pytest.mark.parametrize(("worst", "pictures"), [(0, 0), (3, 3), (200, 12)])
def test_the_page_shows_as_many_mistakes_as_asked_for(worst, pictures):
    answers = [[[*THING, 0.9, 0]]] * 8 + [[[*ELSEWHERE, 0.9, 0]]] * 6
    found = evaluated([[[*THING, 0]]] * 14, answers)

    assert page_of(found, worst).count("<image ") == pictures


def test_labels_and_names_with_markup_are_shown_as_they_are():
    labels = ("<b>cat</b>", "dog & <script>alert(1)</script>")
    truth = [[[*THING, 0]]] * 6
    answers = [[[*THING, 0.9, 0]], [[*THING, 0.9, 1]], [], [[*ELSEWHERE, 0.9, 1]], [], []]

    text = page_of(evaluated(truth, answers, labels))

    assert "<script" not in text
    assert "<b>cat" not in text
    assert "&lt;b&gt;cat" in text


def test_the_course_of_training_is_drawn_over_minutes():
    truth, answers = world(1, 20, 2)
    curve = [{"ap50": 0.1 * k, "minutes": 1.5 * k, "loss": 1.0} for k in range(1, 9)]

    drawn = page_of(evaluated(truth, answers, curve=curve))
    bare = page_of(evaluated(truth, answers, curve=[{"loss": 1.0}]))

    assert "reference minutes of training" in drawn
    assert ">12</text>" in drawn
    assert "reference minutes" not in bare


def test_a_large_photo_is_cropped_around_the_mistake_and_a_small_one_is_not():
    (missed,) = evaluated([[[1500, 900, 1540, 960, 0]]], [[]]).mistakes

    assert window(missed, 4000, 3000) == (1430, 840, 1610, 1020)
    assert window(missed, 1600, 1000) == (1420, 820, 1600, 1000)  # moved to within the photo
    assert window(missed, 240, 200) == (0, 0, 240, 200)


def test_predictions_can_be_read_again():
    case = predicted([[[*THING, 0]], []], [[], [[*THING, 0.25, 1]]])

    assert read_predicted(case.record()).answers == case.answers
    assert read_predicted(case.record()).truth == case.truth


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


def test_the_record_is_the_same_each_time():
    truth, answers = world(9, 30, 2)

    assert evaluated(truth, answers).record() == evaluated(truth, answers).record()
    assert np.isfinite(evaluated(truth, answers).measured.overall["ap50"].value)
