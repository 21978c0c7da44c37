"""Two models side by side: on common samples alone, paired, and told where it cannot be."""

import pytest

from stages.artifacts import Measure, Report
from stages.evaluate.predictions import Predicted
from stages.evaluate.side_by_side import LEAST, side_by_side
from stages.metrics import paired_drop
from stages.runtime.errors import ConfigError
from tests import makers

LABELS = ("cat", "dog")
CAT = [0.9, 0.1]
DOG = [0.2, 0.8]


@pytest.fixture
def store(tmp_path):
    return makers.store(tmp_path)


def report(store, answers, truth=None, first=0, labels=LABELS, task="image_classification"):
    """A report of the samples from number `first` on; all are cats unless `truth` says more."""
    count = len(answers)
    numbers = range(first, first + count)
    predicted = Predicted(
        labels,
        tuple(f"{number}.png" for number in numbers),
        tuple(f"{number:064}" for number in numbers),
        truth or [0] * count,
        answers,
    )
    found = Report(
        task=task,
        labels=labels,
        verdict="ship",
        reasons=(),
        overall={"accuracy": Measure(value=0.9, low=0.8, high=0.95, n=count)},
        labels_measured={},
        threshold=0.5,
        files={"predictions.json": store.add(predicted.record())},
    )
    store.save(found)
    return found


def test_the_difference_is_paired_over_the_samples_that_both_answered(store):
    before = report(store, [CAT] * 30 + [DOG] * 10)
    after = report(store, [DOG] + [CAT] * 39)

    found = side_by_side(before, after, store)

    drop = paired_drop([0] * 40, [0] * 30 + [1] * 10, [1] + [0] * 39)
    assert found.gain == Measure(value=9 / 40, low=-drop.high, high=-drop.low, n=40)
    assert (found.common, found.is_same_test, found.verdict) == (40, True, "better")
    assert side_by_side(after, before, store).verdict == "worse"


def test_what_only_one_gets_right_is_listed_with_both_answers(store):
    found = side_by_side(
        report(store, [CAT] * 30 + [DOG] * 2), report(store, [DOG] + [CAT] * 31), store
    )

    assert [sample.name for sample in found.won] == ["30.png", "31.png"]
    (lost,) = found.lost
    assert (lost.first.answered, lost.second.answered, lost.second.true) == ("cat", "dog", "cat")
    assert lost.second.score == 0.8


def test_samples_of_one_test_alone_are_counted_and_not_compared(store):
    found = side_by_side(report(store, [CAT] * 50), report(store, [DOG] * 60, first=10), store)

    assert (found.common, found.only_first, found.only_second) == (40, 10, 20)
    assert found.gain.value == -1
    assert not found.is_same_test


def test_samples_that_were_annotated_anew_are_not_compared(store):
    relabelled = report(store, [CAT] * 40, truth=[1] * 5 + [0] * 35)

    found = side_by_side(report(store, [CAT] * 40), relabelled, store)

    assert (found.common, found.reannotated, found.gain.value) == (35, 5, 0)


def test_too_few_common_samples_give_no_difference(store):
    found = side_by_side(
        report(store, [CAT] * 40), report(store, [DOG] * 40, first=40 - LEAST + 1), store
    )

    assert (found.common, found.gain, found.verdict) == (LEAST - 1, None, "")
    assert len(found.lost) == LEAST - 1
    apart = side_by_side(report(store, [CAT] * 40), report(store, [CAT] * 40, first=40), store)
    assert (apart.common, apart.gain) == (0, None)


def test_labels_are_matched_by_name(store):
    before = report(store, [CAT] * 40)
    after = report(store, [[0.0, 0.1, 0.9]] * 40, truth=[2] * 40, labels=("ant", "dog", "cat"))

    found = side_by_side(before, after, store)

    assert (found.common, found.reannotated, found.same.value) == (40, 0, 1)


def test_boxes_are_compared_by_average_precision(store):
    box, elsewhere = [10.0, 10.0, 40.0, 40.0], [50.0, 50.0, 70.0, 70.0]
    truth = [[[*box, 0]] for _ in range(40)]
    right, wrong = [[*box, 0.9, 0]], [[*elsewhere, 0.9, 0]]
    options = {"truth": truth, "task": "object_detection"}

    found = side_by_side(
        report(store, [wrong] * 20 + [right] * 20, **options),
        report(store, [right] * 40, **options),
        store,
    )

    assert found.metric == "ap50"
    assert found.gain.value > 0.3
    assert found.gain.low > 0
    assert len(found.won) == 20
    assert found.won[0].first.answered == "cat 1"


def test_models_of_different_tasks_are_refused(store):
    with pytest.raises(ConfigError, match="One model is of"):
        side_by_side(
            report(store, [CAT] * 40),
            report(store, [[]] * 40, truth=[[]] * 40, task="object_detection"),
            store,
        )
