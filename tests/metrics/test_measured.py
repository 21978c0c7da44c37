"""Every number, against scikit-learn's and against what must hold for any prediction."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from stages.config.evaluate import GATED
from stages.metrics import OVERALL, measure, wilson
from stages.metrics.intervals import Z
from stages.metrics.macro import MACRO, macro, smoothed
from stages.runtime.errors import DataError


def scores_for(predicted, labels, seed=0):
    """Scores that add up to 1 and are highest at `predicted`."""
    scores = np.random.default_rng(seed).dirichlet(np.ones(labels), len(predicted))
    rows = np.arange(len(predicted))
    scores[rows, predicted] += 1
    return scores / scores.sum(axis=1, keepdims=True)


def names(labels):
    return [f"label {index}" for index in range(labels)]


@st.composite
def cases(draw):
    """Truth, scores and the number of labels: from one sample up, right, wrong or in between."""
    labels = draw(st.integers(2, 6))
    index = st.integers(0, labels - 1)
    pairs = draw(st.lists(st.tuples(index, index), min_size=1, max_size=40))
    truth, predicted = (np.array(side) for side in zip(*pairs, strict=True))
    return truth, scores_for(predicted, labels), labels


@given(cases())
@settings(max_examples=80, deadline=None)
def test_values_are_those_of_scikit_learn(case):
    truth, scores, labels = case
    predicted = scores.argmax(axis=1)

    measured = measure(truth, scores, names(labels))

    every = range(labels)
    each = sklearn.precision_recall_fscore_support(truth, predicted, labels=every, zero_division=0)
    for place, metric in enumerate(("precision", "recall", "f1", "support")):
        ours = [measures[metric].value for measures in measured.labels.values()]
        np.testing.assert_allclose(ours, each[place], atol=1e-12)
    macro = sklearn.precision_recall_fscore_support(
        truth, predicted, average="macro", zero_division=0
    )
    for place, metric in enumerate(("precision", "recall", "f1")):
        assert measured.overall[f"macro_{metric}"].value == pytest.approx(macro[place])
    assert measured.overall["accuracy"].value == np.mean(truth == predicted)
    loss = sklearn.log_loss(truth, scores, labels=every)
    assert measured.overall["log_loss"].value == pytest.approx(loss)
    matrix = sklearn.confusion_matrix(truth, predicted, labels=every)
    assert measured.confusion == matrix.tolist()


@given(cases())
@settings(max_examples=80, deadline=None)
def test_an_interval_holds_its_value_and_nothing_is_ever_undefined(case):
    truth, scores, labels = case

    measured = measure(truth, scores, names(labels))

    each = [interval for table in measured.labels.values() for interval in table.values()]
    for interval in [*measured.overall.values(), *each]:
        assert np.isfinite([interval.value, interval.low, interval.high]).all()
        assert interval.low <= interval.value + 1e-9
        assert interval.value <= interval.high + 1e-9
    shares = [interval for name, interval in measured.overall.items() if name != "log_loss"]
    assert all(interval.low >= 0 and interval.high <= 1 for interval in shares)


@given(cases(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_samples_does_not_matter(case, random):
    truth, scores, labels = case
    order = list(range(len(truth)))
    random.shuffle(order)

    first = measure(truth, scores, names(labels))
    again = measure(truth[order], scores[order], names(labels))

    assert first.labels == again.labels
    assert first.overall["macro_f1"] == again.overall["macro_f1"]


def test_balanced_accuracy_leaves_out_labels_that_were_not_tested():
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])

    overall = measure(truth, scores_for(predicted, 4), names(4)).overall

    assert overall["balanced_accuracy"].value == 0.75
    assert overall["macro_recall"].value == 0.5  # label 2 was predicted, so it counts


def test_a_label_without_predictions_has_a_precision_that_may_be_anything():
    measured = measure([0, 1], [[0.9, 0.1], [0.8, 0.2]], ["a", "b"])

    precision = measured.labels["b"]["precision"]

    assert (precision.value, precision.low, precision.high, precision.n) == (0, 0, 1, 0)


def test_few_samples_without_a_mistake_prove_little():
    truth = np.array([0, 1] * 5)

    overall = measure(truth, scores_for(truth, 2), ["a", "b"]).overall

    for name in ("accuracy", "macro_f1", "macro_recall", "macro_precision"):
        assert overall[name].high == 1
        assert 0.5 < overall[name].low < 0.8, name


def test_a_right_label_without_a_score_costs_as_much_as_the_smallest_score():
    loss = measure([0, 1], [[0.0, 1.0], [0.0, 1.0]], "ab").overall["log_loss"]

    assert loss.value == pytest.approx(-np.log(1e-7) / 2)
    assert (loss.low, loss.high) == pytest.approx((0, -np.log(1e-7)))
    assert loss.n == 2


def test_a_score_that_rounding_made_larger_than_one_costs_nothing():
    loss = measure([0, 1], [[1.0001, 0.0], [0.0, 1.0]], "ab").overall["log_loss"]

    assert (loss.value, loss.low, loss.high) == (0, 0, 0)


def test_samples_of_none_of_the_labels_count_where_the_test_has_them():
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    scores = scores_for(predicted, 3)

    measured = measure(truth, scores, ["a", "b", "other"], rejected="other")
    had = measure([0, 2, 1, 1], scores, ["a", "b", "other"], rejected="other")

    assert list(measured.labels) == ["a", "b"]
    assert measured.overall["macro_recall"].value == 0.75
    assert measured.overall["macro_precision"].value == 1
    assert measured.overall["accuracy"].value == 0.75
    assert measured.confusion == [[1, 0, 1], [0, 2, 0], [0, 0, 0]]
    assert list(had.labels) == ["a", "b", "other"]
    assert had.overall["macro_recall"].value == 1


def test_a_single_label_is_always_right():
    overall = measure([1] * 12, scores_for([1] * 12, 3), "abc").overall

    for name in MACRO:
        assert (overall[name].value, overall[name].high, overall[name].n) == (1, 1, 12)
        assert overall[name].low == pytest.approx(12 / (12 + Z * Z))


def test_one_sample_more_for_each_label_is_like_an_average_one():
    counts = np.array([[3.0, 1, 0], [0, 4, 0], [1, 0, 1]])

    added = smoothed(counts) - counts

    assert np.diag(added) == pytest.approx(9 / 12)  # 8 of 10 right, with one right and one wrong
    assert added.sum(axis=1) == pytest.approx(1)
    assert added[0, 1] == added[0, 2] == pytest.approx(1.5 / 12)


def test_a_mean_over_labels_as_many_and_as_good_knows_as_much_as_all_samples():
    counts = np.array([[400, 100], [100, 400]])

    recall = macro(counts, 0)["macro_recall"]

    assert recall.value == 0.8
    assert (recall.low, recall.high) == pytest.approx(wilson(800, 1000), abs=0.002)


def test_one_seed_gives_one_interval():
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(0, 3, 50), rng.dirichlet(np.ones(3), 50)

    first, same = (measure(truth, scores, "abc", seed=4) for _ in range(2))
    other = measure(truth, scores, "abc", seed=5)

    assert first == same
    assert measure(truth, scores, "abc") == measure(truth, scores, "abc", seed=0)
    assert first.overall["macro_f1"] != other.overall["macro_f1"]


def test_what_may_be_gated_is_measured():
    assert set(GATED["labels"]) == set(OVERALL) - {"log_loss"}


@pytest.mark.parametrize(
    ("truth", "scores", "message"),
    [
        ([], np.zeros((0, 2)), "no sample"),
        ([0, 1], [[0.5, 0.5]], "do not belong together|2 samples"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "not within 0 to 1"),
        ([0, 1], [[0.5, 0.5], [np.nan, 0.5]], "sample 1 are not numbers"),
    ],
)
def test_what_cannot_be_measured_is_told(truth, scores, message):
    with pytest.raises(DataError, match=message):
        measure(truth, scores, ["a", "b"])


def test_a_thousand_samples_take_less_than_a_second():
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(0, 30, 1000), rng.dirichlet(np.ones(30), 1000)
    start = time.process_time()

    measure(truth, scores, names(30))

    assert time.process_time() - start < 1
