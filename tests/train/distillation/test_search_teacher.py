"""The teacher of an architecture search: what it answers, who learns from it, what it costs."""

from dataclasses import replace

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.etl.augmentations.mixup import Mixup
from stages.runtime.errors import ConfigError
from stages.train.architecture.arms import training_of
from stages.train.cost.budget import head_search_seconds, teacher_input, trials_within
from stages.train.cost.student_family import check_student, with_student
from stages.train.distillation.search_teacher import answers_of_folds, teacher_measures
from stages.train.heads.scratch_fit import ScratchFit
from tests import makers
from tests.train.conftest import hyperparameters
from tests.train.heads.test_scratch import FOLDS, IMAGE, colours

TASK, TEACHER = "image_classification", "efficientnet_lite0"
SOFT = {"soft_weight": 1.0, "soft_temperature": 2.0}


def config(**distil) -> TrainConfig:
    return TrainConfig(
        families=("searched_image",),
        input_sizes=(32,),
        architecture="search",
        budget_minutes=10,
        device={"parameters": 30_000, "macs": 1_000_000},
        distil={"family": "searched_image", "teacher": TEACHER, **distil},
    )


def fit(problem, epochs: int = 1, **changes) -> ScratchFit:
    trained = ScratchFit(problem, hyperparameters(input=IMAGE, batch_size=6, **changes))
    trained.fit(epochs, patience=100)
    return trained


def with_answers(wrong: int = 0):
    """Pictures of colours, and a teacher that is sure of the label that is `wrong` further on."""
    problem = colours()
    logits = 8 * np.eye(3, dtype=np.float32)[(problem.labels + wrong) % 3]
    return replace(problem, teacher_logits=np.stack([logits] * FOLDS))


def test_a_network_learns_what_its_teacher_answers_and_not_the_labels():
    right, wrong = (fit(with_answers(shift), epochs=6, **SOFT) for shift in (0, 1))

    assert right.best.measures["accuracy"] > 0.9
    assert max(epoch["accuracy"] for epoch in wrong.curve) < 0.5


def test_a_weight_between_learns_from_both():
    curves = [
        fit(with_answers(wrong=1), **{**SOFT, "soft_weight": weight}).curve for weight in (0.0, 0.3)
    ]

    assert curves[0] != curves[1]


def test_mixed_batches_mix_the_answers_too():
    mixing = replace(with_answers(), changes=(Mixup(alpha=0.4),))

    assert fit(mixing, **SOFT).curve != fit(with_answers(), **SOFT).curve


def test_a_trial_without_a_teacher_takes_no_notice_of_its_answers():
    assert fit(with_answers(wrong=1)).curve == fit(colours()).curve


def test_each_fold_is_answered_by_a_head_that_has_not_seen_its_samples():
    problem, rng = colours(), np.random.default_rng(0)
    features = rng.normal(size=(len(problem.labels), 1280)).astype(np.float32)

    before = answers_of_folds(problem, f"{TEACHER}@224", features, config())
    labels = np.where(problem.fold_of_row == 0, (problem.labels + 1) % 3, problem.labels)
    after = answers_of_folds(replace(problem, labels=labels), f"{TEACHER}@224", features, config())

    assert before.shape == (FOLDS, len(problem.labels), 3)
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[1].argmax(axis=1) != after[1].argmax(axis=1)).any()
    # what it cannot have learnt, random features of held-out samples, it does not know
    held_out = teacher_measures(replace(problem, teacher_logits=before))
    assert held_out["accuracy"] < 0.7


def test_all_networks_of_the_search_learn_from_it():
    defaults = training_of(config(temperature=4.0, weight=0.5)).defaults

    assert (defaults["soft_weight"], defaults["soft_temperature"]) == (0.5, 4.0)
    assert "soft_weight" not in training_of(config().model_copy(update={"distil": "off"})).defaults


def test_its_answers_and_further_seeds_are_in_the_budget():
    with_teacher, samples = config(), 600
    without = with_teacher.model_copy(update={"distil": "off"})
    single_seed = without.model_copy(update={"architecture_seeds": 1})

    seconds = [
        head_search_seconds(each, 10, samples, 0) for each in (with_teacher, without, single_seed)
    ]

    assert seconds[0] > seconds[1] > seconds[2]
    assert trials_within(with_teacher, samples, 0, 1.0) < trials_within(
        single_seed, samples, 0, 1.0
    )
    assert teacher_input(with_teacher).name == f"{TEACHER}@224"
    assert teacher_input(without) is None


def test_auto_is_the_lightest_family_with_weights(tmp_path):
    resources = makers.resources(tmp_path)
    planned = with_student(TASK, config(family="auto", teacher="auto"), resources)

    assert planned.distils.family == "searched_image"
    assert planned.distils.teacher not in ("auto", "searched_image")
    assert with_student(TASK, planned, resources) == planned
    check_student(TASK, planned)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distil": {"family": "mobilenet_v3_small"}}, "its networks are the students"),
        ({"distil": {"teacher": "small_image"}}, "cannot be the teacher"),
        ({"distil": {"teacher": "yamnet"}}, "cannot be the teacher"),
        ({"prune": 0.4}, "train.prune needs a chosen network with published weights"),
    ],
)
def test_what_does_not_go_with_a_search_is_refused(changes: dict, message: str):
    wrong = TrainConfig(architecture="search", **changes)

    with pytest.raises(ConfigError, match=message):
        check_student(TASK, wrong)


def test_without_a_search_there_is_no_teacher_to_name():
    with pytest.raises(ConfigError, match=r"train\.distil\.teacher is for train\.architecture"):
        check_student(TASK, TrainConfig(distil={"teacher": TEACHER}))
