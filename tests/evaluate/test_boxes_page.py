"""The report on boxes: sorted mistakes, a page that opens alone, a record."""

import json

import numpy as np
import pytest

from stages.evaluate.boxes.gallery import window
from stages.evaluate.boxes.mistakes import SORTS, shown
from stages.evaluate.predictions import read_predicted
from tests.evaluate.boxed import ELSEWHERE, TRUE_BOX, evaluated, page_of, predicted
from tests.evaluate.test_stage import Page
from tests.metrics.worlds import world


@pytest.mark.parametrize(
    ("truth", "answers"),
    [
        ([[[*TRUE_BOX, 0]]] * 3, [[]] * 3),
        ([[]] * 3, [[]] * 3),
        ([[]] * 3, [[[*TRUE_BOX, 0.9, 1]]] * 3),
        ([[[*TRUE_BOX, 1]]], [[[*TRUE_BOX, 0.9, 1]]]),
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
    all_mistakes = evaluated(truth, answers).mistakes
    counts = {sort: sum(mistake.sort == sort for mistake in all_mistakes) for sort in SORTS}

    some, all_of_them = shown(all_mistakes, 10), shown(all_mistakes, 10_000)

    assert sum(map(len, some.values())) == 10
    assert all(len(some[sort]) >= min(counts[sort], 2) for sort in SORTS)
    assert {sort: len(group) for sort, group in all_of_them.items()} == counts


@pytest.mark.parametrize(("worst", "pictures"), [(0, 0), (3, 3), (200, 12)])
def test_the_page_shows_as_many_mistakes_as_asked_for(worst, pictures):
    answers = [[[*TRUE_BOX, 0.9, 0]]] * 8 + [[[*ELSEWHERE, 0.9, 0]]] * 6
    found = evaluated([[[*TRUE_BOX, 0]]] * 14, answers)

    assert page_of(found, worst).count("<image ") == pictures


def test_labels_and_names_with_markup_are_shown_as_they_are():
    labels = ("<b>cat</b>", "dog & <script>alert(1)</script>")
    truth = [[[*TRUE_BOX, 0]]] * 6
    answers = [[[*TRUE_BOX, 0.9, 0]], [[*TRUE_BOX, 0.9, 1]], [], [[*ELSEWHERE, 0.9, 1]], [], []]

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
    case = predicted([[[*TRUE_BOX, 0]], []], [[], [[*TRUE_BOX, 0.25, 1]]])

    assert read_predicted(case.record()).answers == case.answers
    assert read_predicted(case.record()).truth == case.truth


def test_the_record_is_the_same_each_time():
    truth, answers = world(9, 30, 2)

    assert evaluated(truth, answers).record() == evaluated(truth, answers).record()
    assert np.isfinite(evaluated(truth, answers).measured.overall["ap50"].value)
