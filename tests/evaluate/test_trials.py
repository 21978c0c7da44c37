"""The search on the report: rows, the front of the plot, and what a person reads."""

import json
import re

import pytest

from stages.artifacts import Model
from stages.config.device import Device, DeviceCost
from stages.evaluate.trials import page_of, section_of
from stages.evaluate.trials.plot import drawn, pareto_front
from stages.evaluate.trials.rows import rows_of
from stages.pages.translation import missing_texts
from tests import makers

SMALL, LARGE = "efficientnet_lite0@64", "efficientnet_lite2@64"
METRIC = "balanced_accuracy"


def trial(number, value, name=SMALL, chosen=False, rung=9, epochs=9, **fields):
    return {
        "number": number,
        "chosen": chosen,
        "hyperparameters": {"input": name, "learning_rate": 0.001 * (1 + number)},
        "rung": rung,
        "epochs": epochs,
        "measures": {METRIC: value, "log_loss": 1 - value},
        "curve": [],
        **fields,
    }


TRIALS = [
    trial(0, 0.80),
    trial(1, 0.84, rung=3, epochs=3),
    trial(2, 0.83, LARGE),
    trial(3, 0.90, LARGE, chosen=True),
    trial(0, 0.86, SMALL, phase=2, rung=12, epochs=12),
]


@pytest.fixture
def store(tmp_path):
    return makers.store(tmp_path)


def model(store, trials, metric=METRIC) -> Model:
    return Model(
        task="image_classification",
        labels=("a", "b"),
        family="efficientnet_lite2",
        input_shape=(3, 64, 64),
        before=(),
        after=(),
        hyperparameters={},
        selection={"metric": metric, "rule": "the luckiest"},
        files={"trials.json": store.add(json.dumps(trials).encode())},
    )


def test_the_best_trial_comes_first_whatever_best_means():
    assert [row.value for row in rows_of(TRIALS, METRIC, Device())][:2] == [0.90, 0.86]
    assert rows_of(TRIALS, "log_loss", Device())[0].value == pytest.approx(0.1)


def test_a_trial_of_an_older_search_is_of_phase_one_and_one_that_was_stopped_is_told_from_others():
    rows = {(row.phase, row.number): row for row in rows_of(TRIALS, METRIC, Device())}

    assert set(rows) == {(1, 0), (1, 1), (1, 2), (1, 3), (2, 0)}
    assert [key for key, row in rows.items() if not row.whole] == [(1, 1)]


def test_nothing_on_the_front_is_matched_by_what_is_as_cheap():
    rows = rows_of(TRIALS, METRIC, Device())

    found = pareto_front(rows)

    assert [(row.input, row.value) for row in found] == [(SMALL, 0.86), (LARGE, 0.90)]
    for row in found:
        cheap = [row for row in rows if row.cost <= row.cost and row is not row]
        assert all(row.score < row.score for row in cheap)


def test_what_a_device_measured_is_the_cost_and_else_that_of_the_reference_machine():
    table = tuple(
        DeviceCost(input=name, latency_ms_p95=ms) for name, ms in ((SMALL, 7.5), (LARGE, 3.5))
    )

    there = rows_of(TRIALS, METRIC, Device(measured=table))
    half = rows_of(TRIALS, METRIC, Device(measured=table[:1]))

    assert {row.input: row.cost for row in there} == {SMALL: 7.5, LARGE: 3.5}
    assert [(row.input, row.value) for row in pareto_front(there)] == [(LARGE, 0.90)]
    costs = {row.input: row.cost for row in half}
    assert costs[SMALL] == pytest.approx(10 * (64 / 224) ** 2)
    assert costs[LARGE] > costs[SMALL]


@pytest.mark.parametrize("metric", [METRIC, "log_loss"])
def test_better_is_higher_in_the_plot_and_every_mark_is_inside(metric):
    rows = rows_of([*TRIALS, trial(9, 0.1)], metric, Device())

    plot = drawn(rows, metric, Device())

    heights = {(mark.row.phase, mark.row.number): mark.y for mark in plot.marks}
    assert heights[1, 3] < heights[2, 0] < heights[1, 0]
    assert [mark.row.number for mark in plot.marks if mark.below] == [9]
    assert all(72 <= mark.x <= 542 and 14 <= mark.y <= 304 for mark in plot.marks)
    assert all(14 <= y <= 304 for y, _ in plot.down)
    assert 3 <= len(plot.down) <= 8


def test_the_section_tells_the_rule_the_chosen_one_and_folds_long_tables(store):
    many = [*TRIALS, *(trial(number, 0.5 + number / 100) for number in range(4, 24))]

    html = section_of(model(store, many), Device(), store)

    assert "the luckiest" in html
    assert re.search(r"Selected: trial 3 of phase 1.*>efficientnet_lite2@64</b>.*90 %", html)
    assert html.count(">chosen</text>") == 1
    assert f"All {len(many)} trials</summary>" in html
    assert html.count("<title>trial ") == len(many)
    assert missing_texts(html, "zh") == ["the luckiest"]


def test_what_was_left_out_stands_beside_what_is_allowed(store):
    table = (
        DeviceCost(input=SMALL, numeric="int8", latency_ms_p95=4, size_mb=4.2, memory_mb=80),
        DeviceCost(input=LARGE, numeric="int8", size_mb=5.8, why="5.8 MB, 5 allowed"),
    )

    html = section_of(model(store, TRIALS[:2]), Device(size_mb=5, measured=table), store)

    assert "<b>left out:</b> 5.8 MB, 5 allowed" in html
    assert missing_texts(html, "zh") == ["the luckiest"]


def test_detectors_are_told_by_what_they_are_measured_with(store):
    boxes = [
        {**trial, "measures": {"ap50": trial["measures"][METRIC], "loss": 2.5}} for trial in TRIALS
    ]
    saved = model(store, boxes, "ap50").model_copy(update={"task": "object_detection"})

    html = section_of(saved, Device(), store)

    assert "with AP50 90 % on held-out photos" in html
    assert "Log loss" not in html


def test_a_name_from_outside_is_only_text(store):
    wild = trial(1, 0.5, "<script>alert(1)</script>")

    assert "<script>" not in page_of(model(store, [TRIALS[0], wild]), Device(), store)


@pytest.mark.parametrize("trials", [[], [trial(0, 0.5)], [trial(0, 0.5), trial(1, 0.5)]])
def test_few_or_equal_trials_need_no_drawing_but_make_a_page(store, trials):
    html = page_of(model(store, trials), Device(), store)

    assert bool(html) == bool(trials)


def test_equal_searches_make_equal_pages(store):
    saved = model(store, TRIALS)

    assert page_of(saved, Device(), store) == page_of(saved, Device(), store)
    assert "http" not in page_of(saved, Device(), store)
