"""The Pareto front of an architecture search on the report: which trials are on it, and what a
person reads of the arms."""

import json

import pytest

from stages.artifacts import Model
from stages.config.device import Device, DeviceCost
from stages.evaluate.trials import page_of, trials_of
from stages.evaluate.trials.pareto import nondominated, points_of
from stages.models.genotype import macs_of, parameters_of, parse
from stages.pages.translation import missing_texts
from stages.train.cost.architecture_cost import network_seconds
from tests import makers

SHAPE, LABELS, FOLDS = (3, 32, 32), ("a", "b", "c"), 2
GENOTYPE = (
    "stem {0}, widths {0} 12 16, repeats 1 1 1, down {1}, add; "
    "cell none none 1 none none none; motif none {2} none"
)
SMALL, MIDDLE, LARGE = (
    GENOTYPE.format(*each)
    for each in ((8, "max2", "dw3"), (8, "conv3", "sep3"), (16, "conv3", "conv3"))
)
DEEP = GENOTYPE.format(8, "max2", "pw")


def trial(number: int, genotype: str, value: float, arm="hierarchical_ppo", **fields) -> dict:
    return {
        "number": number,
        "chosen": False,
        "hyperparameters": {"input": "searched_image@32", "genotype": genotype, "arm": arm},
        "rung": 9,
        "epochs": 9,
        "measures": {"accuracy": value, "log_loss": 1 - value},
        "curve": [],
        **fields,
    }


TRIALS = [
    trial(0, SMALL, 0.6, rung=3, epochs=3),
    trial(1, MIDDLE, 0.8, "plain"),
    trial(2, LARGE, 0.9, chosen=True),
    trial(3, LARGE, 0.7),  # as large as 2, and worse
    trial(4, MIDDLE, 0.8, "random"),  # equal to 1, and later
    trial(5, DEEP, 0.55),
]
RECORD = {
    "controller": "hierarchical_ppo",
    "arms": {
        name: {"trials": 2, "minutes": 0.5, "accuracy": 0.8, "interval": {"low": 0.7, "high": 0.9}}
        for name in ("hierarchical_ppo", "plain", "random")
    },
    "gains": {name: {"value": 0.01, "low": -0.02, "high": 0.04} for name in ("plain", "random")},
    "verdict": "Do not search: the hand design is within the interval: gain over the hand design "
    "'plain' +0.010 (-0.020 to +0.040). The controller is not better than random search: +0.010 "
    "(-0.020 to +0.040)",
}


@pytest.fixture
def store(tmp_path):
    return makers.store(tmp_path)


def model(store, trials=TRIALS, **selection) -> Model:
    return Model(
        task="image_classification",
        labels=LABELS,
        family="searched_image",
        input_shape=SHAPE,
        before=(),
        after=(),
        hyperparameters={},
        selection={"metric": "accuracy", "rule": "the luckiest", "folds": FOLDS, **selection},
        files={"trials.json": store.add(json.dumps(trials).encode())},
    )


def points(store):
    searched = model(store)
    return points_of(trials_of(searched, Device(), store), searched)


def test_figures_are_those_of_all_folds_that_ship(store):
    point = next(point for point in points(store) if point.row.number == 0)
    genotype = parse(SMALL)

    assert point.parameters == parameters_of(genotype, 3, len(LABELS), FOLDS)
    assert point.macs == macs_of(genotype, SHAPE, len(LABELS), FOLDS)
    assert point.kilobytes == point.parameters * 4 / 1000
    assert point.milliseconds == pytest.approx(2000 * network_seconds(genotype, SHAPE))


def test_no_trial_matches_one_of_the_front_and_each_other_trial_is_matched(store):
    every = points(store)

    pareto_front = nondominated(every)

    assert [point.row.number for point in pareto_front] == [0, 1, 2]
    for point in every:
        better = [
            other
            for other in every
            if other.row.score >= point.row.score
            and other.parameters <= point.parameters
            and other.macs <= point.macs
            and other.row.number != point.row.number
        ]
        assert bool(better) == (point not in pareto_front) or point.row.number == 1


def test_a_trial_costs_what_its_own_network_does(store):
    costs = {row.number: row.cost for row in trials_of(model(store), Device(), store)}

    assert costs[0] < costs[1] < costs[2] == costs[3]


def test_the_page_shows_arms_front_and_sizes(store):
    html = page_of(model(store, architecture=RECORD), Device(), store)

    assert "Do not search: the hand design is within the interval" in html
    assert "0.700 to 0.900" in html
    assert "+0.010 (-0.020 to +0.040)" in html
    assert html.count('<svg class="trials"') == 2
    assert html.count(">stopped early</span>") == 1
    assert "aiwf pick RUN --size-kb" in html
    assert missing_texts(html, "zh") == ["the luckiest"]


def test_the_record_of_an_older_version_has_a_page_too(store):
    arms = {name: {"trials": 2, "minutes": 0.5, "accuracy": 0.8} for name in ("searched", "plain")}

    record = {"arms": arms, "gains": {}, "verdict": "none"}
    assert "searched" in page_of(model(store, architecture=record), Device(), store)


def test_without_a_search_of_architectures_there_is_no_front(store):
    html = page_of(model(store), Device(), store)

    assert "Pareto front</h3>" not in html
    assert html.count('<svg class="trials"') == 1


def test_the_page_shows_what_was_measured_in_place_of_what_is_computed(store):
    found = model(store, architecture={**RECORD, "seeds": 3})
    cost = DeviceCost(input="searched_image@32", numeric="int8", latency_ms_p95=0.042, size_mb=0.02)

    html = page_of(found, Device(), store, {2: cost})

    assert "20.0 int8" in html
    assert "0.042" in html
    assert "Reference ms" not in html
    assert "trained with 3 seeds" in html
    assert missing_texts(html, "zh") == ["the luckiest"]


def test_the_page_tells_what_the_teacher_brought(store):
    about = {
        "teacher": "efficientnet_lite0",
        "of_teacher": 0.95,
        "with": {"accuracy": 0.9},
        "without": {"accuracy": 0.87},
        "gain": {"value": 0.03, "low": -0.01, "high": 0.07},
    }

    html = page_of(model(store, architecture={**RECORD, "distillation": about}), Device(), store)

    assert "a gain of +0.030 (-0.010 to +0.070)" in html
    assert missing_texts(html, "zh") == ["the luckiest"]
