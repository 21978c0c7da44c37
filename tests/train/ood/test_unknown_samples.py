"""What a report says of samples without any of the labels; they change no other number."""

import json

import numpy as np
import pytest

from stages.config import EvaluateConfig
from stages.deploy.content import Content
from stages.deploy.targets.texts import device_readme
from stages.evaluate.kinds import Unseen
from stages.evaluate.labels import Labels
from stages.evaluate.labels.evaluation import evaluated
from stages.evaluate.labels.scores import scored
from stages.evaluate.labels.unknown_samples import only_answers
from stages.evaluate.predictions import Predicted, read_predicted
from stages.evaluate.rejected import rejected_label

LABELS = ("cat", "dog", "other")
OTHER = 2
REJECT = {"step": "reject", "args": {"other": OTHER, "threshold": 0.1}}


def predicted(truth: list[int], answers: list[list[float]], other: str = "other") -> Predicted:
    names = tuple(str(row) for row in range(len(truth)))
    return Predicted(LABELS, names, names, truth, answers, other=other)


# 8 cats and 8 dogs of which one each is rejected and one cat is a dog
TRUTH = [0] * 8 + [1] * 8
ANSWERS = (
    [[0.9, 0.1, 0.0]] * 6 + [[0.2, 0.7, 0.1], [0.3, 0.1, 0.6]] + [[0.1, 0.8, 0.1]] * 7 + [[0, 0, 1]]
)
UNSEEN = Unseen(
    [0] * 20 + [1] * 20 + [OTHER] * 4,
    [[0.9, 0.1, 0]] * 20
    + [[0, 0.9, 0.1]] * 20
    + [[0, 0.1, 0.9]] * 2
    + [[0.95, 0, 0.05], [0.5, 0.1, 0.4]],
    [f"{row}" for row in range(44)],
    {"40": "noise", "41": "noise", "42": "stripes", "43": "noise"},
    str.encode,
)


@pytest.fixture(scope="module")
def found():
    return evaluated(predicted(TRUTH, ANSWERS), EvaluateConfig(), 1.0, UNSEEN)


def test_a_rejected_sample_is_not_recognised_and_other_is_in_no_mean(found):
    overall, labels = found.measured.overall, found.measured.labels

    assert set(labels) == {"cat", "dog"}
    assert overall["accuracy"].value == 13 / 16
    assert labels["cat"]["recall"].value == 6 / 8
    assert overall["balanced_accuracy"].value == pytest.approx((6 / 8 + 7 / 8) / 2)
    assert overall["macro_precision"].value == pytest.approx((1 + 7 / 8) / 2)
    assert found.measured.confusion[0] == [6, 1, 1]
    assert "of 'other'" not in " ".join(found.advice)


def test_the_unknown_ones_are_counted_for_themselves_and_by_kind(found):
    unknown = found.unknown_samples

    assert (unknown.recall.value, unknown.recall.n) == (0.5, 4)
    assert unknown.accepted.value == pytest.approx(1 / 4 if found.threshold > 0.5 else 2 / 4)
    assert unknown.recall.low < 0.5 < unknown.recall.high
    assert {kind: sample.n for kind, (sample, _) in unknown.kinds.items()} == {
        "noise": 3,
        "stripes": 1,
    }
    assert unknown.rejected.value == 2 / 16
    assert [(sample.digest, sample.label, sample.kind) for sample in unknown.worst] == [
        ("42", "cat", "stripes"),
        ("43", "cat", "noise"),
    ]
    assert "4 photos" in unknown.summary
    assert json.loads(found.record())["unknown_samples"]["recall"]["value"] == 0.5


def test_the_threshold_is_chosen_on_samples_with_a_label_alone(found):
    fewer = Unseen(UNSEEN.truth[:40], UNSEEN.answers[:40])

    assert (
        found.threshold
        == evaluated(predicted(TRUTH, ANSWERS), EvaluateConfig(), 1.0, fewer).threshold
    )
    assert found.thresholds[0].coverage.value == 14 / 16
    assert found.thresholds[0].recall.value == 13 / 16


def test_a_persons_own_unknown_samples_are_counted_too():
    truth, answers = [*TRUTH, OTHER, OTHER], [*ANSWERS, [0, 0, 1], [0.99, 0.01, 0]]

    found = evaluated(predicted(truth, answers), EvaluateConfig(), 1.0, UNSEEN)

    assert found.unknown_samples.kinds["in the test"][0].value == 0.5
    assert set(found.measured.labels) == {*LABELS}
    assert found.unknown_samples.rejected.n == 16


def test_a_test_of_unknown_samples_alone_can_be_measured():
    found = evaluated(
        predicted([OTHER] * 3, [[0, 0, 1], [1, 0, 0], [0, 1, 0]]), EvaluateConfig(), 1.0, None, 0.5
    )

    assert found.unknown_samples.accepted.value == pytest.approx(2 / 3)


def test_a_model_that_rejects_nothing_says_nothing_of_unknown_ones():
    found = evaluated(predicted(TRUTH, ANSWERS, other=""), EvaluateConfig(), 1.0, None)

    assert found.unknown_samples is None
    assert "unknown_samples" not in json.loads(found.record())


def test_predictions_keep_which_label_rejects():
    content = predicted(TRUTH, ANSWERS)

    assert read_predicted(content.record()).other == "other"
    assert read_predicted(predicted(TRUTH, ANSWERS, other="").record()).other == ""


def test_the_label_that_rejects_is_that_of_the_step():
    assert rejected_label([REJECT, {"step": "softmax"}], LABELS) == "other"
    assert rejected_label([{"step": "softmax"}], LABELS) == ""


def test_a_rejected_sample_gets_no_answer_at_any_threshold():
    answered = only_answers(scored([0, 1, 2], [[0.1, 0, 0.9], [0, 1, 0], [1, 0, 0]], 3), OTHER)

    assert answered.truth.tolist() == [0, 1]
    assert (answered.scores[0] < 0).all()
    assert np.allclose(answered.scores[1], [0, 1, 0])


def test_a_package_tells_what_the_label_means_and_compares_no_recall_of_it():
    described = {
        "task": "image_classification",
        "modality": "pictures",
        "answers": "labels",
        "labels": LABELS,
        "after": [REJECT],
        "backend": "onnxruntime",
    }
    same = Labels().agreement(
        predicted(TRUTH, ANSWERS), ANSWERS, LABELS, threshold=0.5, max_drop=0.02, least=0.98
    )

    assert "'other' first means" in device_readme(Content("shapes", described, {}, {}))
    assert set(same.drops) == {"accuracy", "recall of cat", "recall of dog"}
    assert not same.failures
