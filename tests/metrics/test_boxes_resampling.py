"""Resamples of pictures, and the intervals that follow from them, in closed form."""

import numpy as np
import pytest
from scipy.stats import t

from stages.metrics.boxes import resampling
from stages.metrics.boxes.box_measures import _effective_boxes
from stages.metrics.boxes.resampling import resampled, share
from stages.metrics.intervals import Z, f1, f1_of, proportion, student, wilson


def test_the_deviate_is_students():
    """From the third degree of freedom on all but the next term of the published expansion."""
    for freedom in (1, 2):
        assert student(freedom) == pytest.approx(t.ppf(0.975, freedom), abs=5e-5)
    for freedom in (3, 4, 5):
        assert student(freedom) == pytest.approx(t.ppf(0.975, freedom), rel=0.01)
    for freedom in (50, 100, 1000):
        z = Z
        next_term = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
        expected = t.ppf(0.975, freedom) - next_term / freedom**4
        assert student(freedom) == pytest.approx(expected, abs=9 / freedom**5 + 1e-12)


@pytest.mark.parametrize(
    ("boxes", "count"), [(0, 2000), (50_000, 2000), (100_000, 1000), (1_000_000, 400)]
)
def test_with_more_boxes_there_are_fewer_resamples(boxes, count):
    drawn = resampled(lambda weights: weights, 5, boxes, 0)

    assert drawn.shape == (count, 5)
    assert (drawn.sum(axis=1) == 5).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=5 / np.sqrt(count))
    np.testing.assert_allclose(drawn.var(axis=0), 0.8, rtol=0.4)  # multinomial: n * p * (1 - p)


def test_blocks_of_resamples_are_joined_along_the_axis(monkeypatch):
    whole = resampled(lambda weights: weights[None], 4, 4, seed=3, axis=1)
    monkeypatch.setattr(resampling, "_BLOCK", 4 * 300)

    parts = resampled(lambda weights: weights[None], 4, 4, seed=3, axis=1)

    assert whole.shape == (1, 2000, 4)
    np.testing.assert_array_equal(parts, whole)
    assert (whole != resampled(lambda weights: weights[None], 4, 4, seed=4, axis=1)).any()


def test_a_share_has_wilsons_interval_for_what_its_resamples_know():
    drawn = np.array([0.5, 0.7, np.nan, 0.6, 0.6])

    measure = share(0.6, drawn, boxes=1000, pictures=10, n=300)

    variance = 0.005 * 10 / 9
    knows = 0.24 / variance * (Z / student(9)) ** 2
    assert (measure.value, measure.n) == (0.6, 300)
    assert (measure.low, measure.high) == pytest.approx(wilson(0.6 * knows, knows))


@pytest.mark.parametrize("value", [0.0, 0.6, 1.0])
def test_it_knows_no_more_than_its_boxes_and_pictures(value):
    measure = share(value, np.full(9, value), boxes=40, pictures=2, n=80)

    knows = 40 * (Z / 12.7062) ** 2
    assert (measure.low, measure.high) == pytest.approx(wilson(value * knows, knows))


@pytest.mark.parametrize(
    ("boxes", "pictures", "n", "expected"),
    [
        (0, 5, 5, (0, 0, 1, 0)),
        (5, 5, 0, (0, 0, 1, 0)),
        (5, 1, 5, (0.4, 0, 1, 5)),
        (5, 0, 5, (0.4, 0, 1, 5)),
    ],
)
def test_without_boxes_or_with_one_picture_nothing_is_known(boxes, pictures, n, expected):
    measure = share(0.4, np.array([0.3, 0.5]), boxes, pictures, n)

    assert (measure.value, measure.low, measure.high, measure.n) == expected


def test_f1_of_boxes_is_that_of_labels():
    assert f1_of(proportion(6, 6 + 3 + 1)) == f1(6, 3, 1)


def test_a_mean_over_labels_knows_as_much_as_its_rarest_label_lets_it():
    assert _effective_boxes(np.array([10, 10, 10])) == pytest.approx(30)
    assert _effective_boxes(np.array([10, 40])) == pytest.approx(4 / (1 / 10 + 1 / 40))
    assert _effective_boxes(np.array([0, 40])) == pytest.approx(4 / (1 + 1 / 40))
    assert _effective_boxes(np.array([], int)) == 0
