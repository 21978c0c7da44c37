"""What a person reads of more data, and of the rivals of the chosen model."""

import pytest

from stages.evaluate.labels.baselines import Selection
from stages.evaluate.labels.growth import Growth

POINTS = [
    {
        "share": share,
        "samples": 480 * share,
        "value": value,
        "low": value - 0.04,
        "high": value + 0.04,
    }
    for share, value in ((0.25, 0.70), (0.5, 0.76), (0.75, 0.79), (1.0, 0.81))
]


def growth(gain=(0.018, 0.004, 0.031), sure=0.9, wrong=90.0) -> Growth:
    gains = dict(zip(("value", "low", "high"), gain, strict=True))
    record = {
        "points": POINTS,
        "law": {"floor": 0.1, "scale": 2.0, "rate": 0.5},
        "factor": 2,
        "gain": gains,
        "labels": {"hat": gains, "skirt": {"value": 0.05, "low": 0.01, "high": 0.09}},
        "first": {"label": "skirt", "sure": sure},
        "samples": 480,
        "seeds": 3,
        "wrong": wrong,
    }
    return Growth(record, "photo")


def test_a_gain_is_told_with_its_bounds_and_the_label_that_gains_most():
    assert growth().summary == (
        "Twice as many photos of every label would bring about +1.8 points (0.4 to 3.1) of "
        "balanced accuracy. Most would be gained by 'skirt': +5.0 points (1.0 to 9.0) of its "
        "recall."
    )
    assert growth().advice == [growth().summary]


@pytest.mark.parametrize(
    ("curve", "text"),
    [
        (growth(gain=(0.01, 0.0, 0.05)), "not known whether twice as many"),
        (growth(gain=(0.002, 0.0, 0.008)), "would hardly help"),
        (growth(wrong=2.0), "too few to estimate"),
        (Growth({"why_not": "a label has only 3 groups"}, "photo"), "only 3 groups"),
    ],
)
def test_where_nothing_sure_can_be_told_that_is_told_and_nobody_is_sent_for_more(curve, text):
    assert text in curve.summary
    assert curve.advice == []


def test_the_label_is_only_named_where_it_is_likely():
    assert "Probably most would be gained by 'skirt'" in growth(sure=0.5).summary
    assert "Which label would gain most is not known." in growth(sure=0.2).summary


def test_the_plot_goes_on_to_twice_as_many():
    lines, axis = growth().lines, growth().axis

    assert [text for _, text in axis.ticks] == ["0", "200", "400", "600", "800"]
    assert [text for _, text in growth().upright.ticks] == ["0.6", "0.7", "0.8", "0.9", "1.0"]
    assert [line.name for line in lines if line.name] == [
        "measured on held-out samples",
        "expected: an inverse power law",
    ]
    assert len([line for line in lines if not line.name]) == 5  # bounds


def candidate_record(verdict: str, **changes) -> dict:
    gain = {"value": 0.012, "low": -0.004, "high": 0.028}
    record = {
        "trial": 1,
        "phase": 1,
        "input": "efficientnet_lite1@256",
        "gain": gain,
        "samples": 200,
    }
    return record | {"chosen": 0.9, "rival": 0.888, "verdict": verdict} | changes


def test_baselines_are_described_in_words_and_points():
    selection = Selection(
        {"metric": "balanced_accuracy", "finalists": [candidate_record("undecided")]}
    )

    (baseline,) = selection.baselines

    assert baseline.name == "efficientnet_lite1@256, head alone"
    assert (baseline.reached, baseline.chosen, baseline.gain) == (
        "88.8 %",
        "90 %",
        "+1.2 points (-0.4 to 2.8)",
    )
    assert "any of the baselines may be as good" in selection.summary


@pytest.mark.parametrize(
    ("verdicts", "text"),
    [
        (["better", "better"], "surely better than every baseline"),
        (["better", "undecided"], "1 of 2 baselines may be as good"),
        (["worse", "undecided"], "1 of 2 baselines did surely better"),
        ([], ""),
    ],
)
def test_what_the_verdicts_come_to(verdicts, text):
    assert (
        text
        in Selection(
            {"metric": "accuracy", "finalists": [candidate_record(verdict) for verdict in verdicts]}
        ).summary
    )


def test_log_loss_is_no_share():
    gain = {"value": 0.1, "low": 0.05, "high": 0.15}
    record = candidate_record("better", chosen=0.4, rival=0.5, gain=gain)

    (baseline,) = Selection({"metric": "log_loss", "finalists": [record]}).baselines

    assert (baseline.reached, baseline.gain) == ("0.500", "+0.100 (0.050 to 0.150)")
