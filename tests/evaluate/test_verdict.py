"""When a model may be shipped, and what a person is told to do."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from stages.artifacts import Measure
from stages.config import EvaluateConfig
from stages.evaluate import formatting
from stages.evaluate.kinds import Unseen
from stages.evaluate.labels import Labels
from stages.evaluate.minimum import yaml_line
from stages.evaluate.predictions import Predicted
from stages.evaluate.verdict import Judgement, against_guessing, judgements_of, outcome, verdict
from stages.metrics import measure, recommended, wilson
from stages.runtime.errors import UnknownPart


def predicted(truth, answers, labels, sure=0.8) -> Predicted:
    """Predictions of `given`, each with the score `sure`."""
    n, k = len(truth), len(labels)
    scores = np.full((n, k), (1 - sure) / (k - 1))
    scores[np.arange(n), answers] = sure
    names = tuple(f"{labels[true]}/{row:03}.png" for row, true in enumerate(truth))
    files = tuple(f"{row:064}" for row in range(n))
    return Predicted(tuple(labels), names, files, list(truth), scores.round(6).tolist())


def evaluated(predicted, config, tested=1.0, unseen=None):
    return Labels().evaluated(predicted, config, tested=tested, unseen=unseen)


def of(value, low, high):
    return Measure(value=value, low=low, high=high, n=100)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (of(0.9, 0.8, 0.95), "reached"),
        (of(0.9, 0.79, 0.95), "undecided"),
        (of(0.8, 0.7, 0.9), "undecided"),
        (of(0.79, 0.7, 0.9), "missed"),
        (of(0.5, 0.4, 0.6), "missed"),
    ],
)
def test_an_interval_stands_to_a_gate_of_80_percent(measure, expected):
    assert outcome(measure, 0.8) == expected


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["reached", "reached"], "ship"),
        (["reached", "undecided"], "undecided"),
        (["reached", "undecided", "missed"], "do not ship"),
    ],
)
def test_the_worst_gate_decides(outcomes, expected):
    assert (
        verdict([Judgement("accuracy", 0.8, of(0.8, 0.7, 0.9), outcome) for outcome in outcomes])
        == expected
    )


def test_without_a_gate_a_model_has_to_beat_guessing():
    labels = ["a", "b"]
    truth = [0] * 60 + [1] * 40
    guessing = measure(truth, predicted(truth, [0] * 100, labels).answers, labels)
    good = measure(truth, predicted(truth, truth, labels).answers, labels)

    (guess,), (better,) = (
        judgements_of({}, guessing, against_guessing),
        judgements_of({}, good, against_guessing),
    )

    assert (guess.gate, guess.guessed, guess.outcome) == (0.6, "a", "missed")
    assert better.outcome == "reached"


def test_every_label_gets_the_gate_of_every_label():
    labels = ["a", "b"]
    truth = [0] * 50 + [1] * 50
    measured = measure(truth, predicted(truth, [0] * 100, labels).answers, labels)

    judgements = judgements_of({"recall of every label": 0.5}, measured, against_guessing)
    outcomes = {judgement.name: judgement.outcome for judgement in judgements}

    assert outcomes == {"recall of a": "reached", "recall of b": "missed"}


@pytest.mark.parametrize("name", ["acuracy", "recall of ", "log_loss", "speed of a", "ap50"])
def test_an_unknown_metric_is_refused(name):
    with pytest.raises(UnknownPart, match="no metric is called") as refused:
        EvaluateConfig(gate={name: 0.5}).check_gate("labels")

    assert name != "acuracy" or "Did you mean 'accuracy'" in str(refused.value)


def test_the_weakest_label_is_named_with_the_photos_it_needs():
    truth = [0] * 40 + [1] * 40 + [2] * 40
    answers = [0] * 40 + [1] * 40 + [2] * 28 + [1] * 12

    advice = evaluated(predicted(truth, answers, ["a", "b", "c"]), EvaluateConfig(), 0.2).advice

    weakest = next(line for line in advice if "weakest" in line)
    assert "'c': 12 of its 40 test photos are not recognised, all taken for 'b'" in weakest
    # 317 photos tell a share of 70 % to 5 points; 277 more, and five times that at a fifth tested
    assert "280 more test photos of it (collect about 1,400, as 20 % are tested)" in weakest


def test_an_undecided_gate_says_how_many_photos_would_decide():
    truth = [0] * 50 + [1] * 50
    answers = [0] * 45 + [1] * 5 + [1] * 45 + [0] * 5

    found = evaluated(
        predicted(truth, answers, ["a", "b"]), EvaluateConfig(gate={"accuracy": 0.85})
    )

    assert found.verdict == "undecided"
    assert wilson(0.9 * 190, 190)[0] < 0.85 < wilson(0.9 * 196, 196)[0]
    assert found.advice[0].startswith("To decide on the accuracy, test on about 96 more photos")


def test_a_gate_on_a_label_that_was_not_tested_is_undecided():
    truth, labels = [0] * 40 + [1] * 40, ["a", "b", "c"]
    config = EvaluateConfig(gate={"recall of every label": 0.8})

    found = evaluated(predicted(truth, truth, labels), config)

    assert found.verdict == "undecided"
    assert found.reasons[-1] == "The test has no photo to measure the recall of 'c'."


def test_sure_mistakes_are_to_be_looked_at_first():
    truth = [0] * 50 + [1] * 50
    answers = [0] * 48 + [1] * 2 + [1] * 50

    found = evaluated(predicted(truth, answers, ["a", "b"], sure=0.97), EvaluateConfig())

    assert found.advice[0].startswith("Check the labels of 2 photos first")
    assert [mistake.suspicious for mistake in found.mistakes] == [True, True]


def test_if_all_is_wrong_it_is_the_model_and_not_the_labels():
    truth = [0] * 50 + [1] * 50
    answers = [1] * 50 + [0] * 50

    found = evaluated(predicted(truth, answers, ["a", "b"], sure=0.97), EvaluateConfig())

    assert found.verdict == "do not ship"
    assert len(found.advice) == 1
    assert "learnt nothing" in found.advice[0]


def test_fewer_than_five_samples_of_a_label_decide_nothing():
    labels = ["a", "b", "c", "d"]
    truth = [0] * 60 + [1] * 60 + [2] * 4 + [3]
    case = predicted(truth, truth, labels)

    open_, gated = (
        evaluated(case, EvaluateConfig(gate=gate), 0.2) for gate in ({}, {"accuracy": 0.9})
    )

    assert (open_.verdict, gated.verdict) == ("undecided", "undecided")
    assert "at least 5 photos of each label" in gated.reasons[0]
    assert "'c' has 4, 1 too few, 'd' has 1, 4 too few" in gated.reasons[0]
    assert "1 of 'c', 4 of 'd' (collect about 25" in gated.advice[0]


def test_five_samples_of_each_label_are_enough_for_a_verdict():
    truth = [0] * 60 + [1] * 5

    found = evaluated(predicted(truth, truth, ["a", "b"]), EvaluateConfig(gate={"accuracy": 0.9}))

    assert found.verdict == "ship"


@pytest.mark.parametrize("name", ["recall of c", "recall of every label"])
@pytest.mark.parametrize("answers", [2, 0])
def test_a_gate_on_a_label_with_few_samples_is_neither_reached_nor_missed(name, answers):
    truth = [0] * 60 + [1] * 60 + [2] * 3
    case = predicted(truth, [0] * 60 + [1] * 60 + [answers] * 3, ["a", "b", "c"])

    found = evaluated(case, EvaluateConfig(gate={name: 0.05}))

    assert found.verdict == "undecided"
    assert (
        next(judgement for judgement in found.judgements if judgement.name == "recall of c").outcome
        == "undecided"
    )


def test_with_few_samples_of_a_label_only_a_sure_miss_is_one():
    truth = [0] * 8 + [1] * 8 + [2]
    answers = [0] * 7 + [1] + [1] * 6 + [0] * 2 + [0]
    case = predicted(truth, answers, ["a", "b", "c"])

    near, far = (evaluated(case, EvaluateConfig(gate={"accuracy": gate})) for gate in (0.8, 0.99))

    assert 0.7 < near.measured.overall["accuracy"].value < 0.8
    assert (near.verdict, far.verdict) == ("undecided", "do not ship")
    assert "surely below the gate" in far.reasons[0]


def test_with_few_samples_a_model_no_better_than_guessing_may_have_been_unlucky():
    truth, labels = [0] * 6 + [1] * 3, ["a", "b"]

    unlucky = evaluated(predicted(truth, [0] * 9, labels), EvaluateConfig())

    assert unlucky.verdict == "undecided"


def test_without_a_gate_no_verdict_is_good_and_the_line_to_add_is_told():
    truth = [0] * 60 + [1] * 40
    found = evaluated(predicted(truth, truth, ["a", "b"]), EvaluateConfig())
    gated = evaluated(predicted(truth, truth, ["a", "b"]), EvaluateConfig(gate={"accuracy": 0.9}))

    assert found.headline == "better than guessing; no minimum was set"
    assert formatting.verdict_style(found.verdict, found.minimum) == "doubt"
    assert (gated.headline, formatting.verdict_style(gated.verdict, gated.minimum)) == (
        "ship",
        "good",
    )


@pytest.mark.parametrize(
    ("truth", "line"),
    [
        ([0] * 50 + [1] * 30, "evaluate: {gate: {accuracy: 0.9}}"),
        ([0] * 90 + [1] * 10, "evaluate: {gate: {balanced_accuracy: 0.9}}"),
    ],
)
def test_the_minimum_that_is_asked_for_can_be_put_into_the_yaml_as_it_is(truth, line):
    found = evaluated(predicted(truth, truth, ["a", "b"]), EvaluateConfig()).measured

    suggested = yaml_line(found.overall, found.labels)

    assert suggested == line
    EvaluateConfig.model_validate(yaml.safe_load(suggested)["evaluate"]).check_gate("labels")


def test_confused_labels_are_named_with_the_commoner_direction_first():
    truth = [0] * 30 + [1] * 30 + [2] * 30
    answers = [0] * 30 + [1] * 28 + [2] * 2 + [2] * 24 + [1] * 6

    found = evaluated(predicted(truth, answers, ["a", "b", "c"]), EvaluateConfig())

    assert found.pairs[0] == ("c", "b", 6, 2)
    assert any("'c' is taken for 'b' 6 times, the reverse twice" in line for line in found.advice)


def test_a_label_without_test_photos_is_told():
    truth, labels = [0] * 20 + [1] * 20, ["a", "b", "c"]

    found = evaluated(predicted(truth, truth, labels), EvaluateConfig())

    assert any("no test photo of 'c'" in line for line in found.advice)


def test_mistakes_are_told_worst_first():
    truth, labels = [0, 0, 0], ["a", "b"]
    scores = [[0.4, 0.6], [0.1, 0.9], [0.7, 0.3]]
    case = Predicted(("a", "b"), ("x", "y", "z"), ("1", "2", "3"), truth, scores)

    found = evaluated(case, EvaluateConfig())

    assert [mistake.name for mistake in found.mistakes] == ["y", "x"]
    assert labels == list(found.measured.labels)


def test_a_group_of_photos_that_fares_worse_is_named():
    truth = [0, 1] * 100
    answers = [0, 1] * 50 + [0, 1] * 25 + [1, 0] * 25
    case = predicted(truth, answers, ["a", "b"])
    columns = [{"type": "mono" if row < 100 else "poly", "row": str(row)} for row in range(200)]

    found = evaluated(replace(case, extras=tuple(columns)), EvaluateConfig())

    assert {value: accuracy.value for value, accuracy in found.groups["type"].items()} == {
        "mono": 1,
        "poly": 0.5,
    }
    assert list(found.groups) == ["type"]  # a column with a value for each photo is no group
    assert any("type 'poly' are recognised worse" in line for line in found.advice)


def test_the_threshold_is_chosen_on_photos_that_are_not_measured():
    truth = [0, 1] * 50
    test, unseen = predicted(truth, truth, ["a", "b"], sure=0.9), [[0.6, 0.4]] * 100

    alone = evaluated(test, EvaluateConfig())
    apart = evaluated(test, EvaluateConfig(), unseen=Unseen(truth, unseen))

    assert alone.threshold == 0
    assert apart.threshold == recommended(truth, unseen, 0.95)
    assert "held out of training" in apart.threshold_summary
