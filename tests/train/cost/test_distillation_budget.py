"""Students get at most half of the budget, and the same network alone gets equal minutes."""

import re

import pytest

from stages.config import TrainConfig
from stages.config.distillation import Distil, Prune
from stages.runtime.errors import BudgetTooSmall, ConfigError
from stages.train.architecture.counted_limits import CountedLimits
from stages.train.architecture.hand_designs import hand_designs
from stages.train.cost.distillation_budget import (
    MOST_SHARE,
    distilled,
    student_input,
    student_seconds,
    with_student_family,
    with_students_within,
)
from stages.train.cost.finetune_budget import TRAINING_SHARE
from stages.train.cost.minutes import minutes_of
from stages.train.heads.head_search import Heads
from stages.train.search.search_space import Input, inputs_of
from stages.train.search.successive_halving import Trial, TrialResult

LITE = TrainConfig(families=("efficientnet_lite0",), larger=False, budget_minutes=25)
SAMPLES = 600


def with_changes(**changes) -> TrainConfig:
    return LITE.model_copy(update=changes)


@pytest.mark.parametrize("changes", [{"distil": "small_image"}, {"prune": 0.4}])
def test_students_get_at_most_half_of_the_budget(changes):
    resolved = Heads().resolve(with_changes(**changes), SAMPLES, 2, 1.0)

    students = student_seconds(resolved, SAMPLES)
    assert 0 < students <= MOST_SHARE * 25 * 60
    assert resolved.budget_minutes == 25
    assert Heads().estimate(resolved, SAMPLES, 2, resources()).minutes < 25.5


def test_a_larger_budget_buys_more_epochs():
    def epochs(minutes):
        config = with_changes(distil="small_image", budget_minutes=minutes)
        return Heads().resolve(config, SAMPLES, 2, 1.0).distils.epochs

    assert epochs(12) < epochs(60) == 60


def test_without_students_the_plan_is_as_before():
    assert Heads().resolve(LITE, SAMPLES, 2, 1.0).distil == "off"
    assert student_seconds(LITE, SAMPLES) == 0


def test_a_budget_that_is_too_small_says_which_is_enough():
    with pytest.raises(BudgetTooSmall, match=r"train\.prune(.|\n)*budget_minutes to \d+"):
        with_students_within(with_changes(prune=0.4), SAMPLES, 60.0)


def test_the_network_alone_takes_as_long_as_with_its_teacher():
    teacher = Input("efficientnet_lite0", 224)
    cost = distilled(LITE, Distil(family="small_image", epochs=10), teacher)

    epochs = cost.epochs_alone(SAMPLES, 10, views=10)

    of_epoch = 0.8 * cost.epoch_seconds(SAMPLES)
    with_teacher = 10 * of_epoch + cost.answer_seconds(SAMPLES)
    assert epochs * of_epoch == pytest.approx(with_teacher, abs=of_epoch)


def test_what_was_not_answered_or_has_no_label_counts_in_the_time_of_the_network_alone():
    cost = distilled(LITE, Distil(family="small_image", epochs=10), Input("resnet18", 224))

    plain = cost.epochs_alone(SAMPLES, 10, views=0)

    assert plain < cost.epochs_alone(SAMPLES, 10, views=10)
    assert plain + 5 <= cost.epochs_alone(SAMPLES, 10, views=0, unlabelled=SAMPLES // 2)


@pytest.mark.parametrize(
    ("changes", "minutes"), [({"distil": "small_image"}, 8), ({"prune": 0.4}, 20)]
)
def test_epochs_and_views_shrink_to_a_budget_of_minutes(changes, minutes):
    config = with_changes(**changes, budget_minutes=minutes)

    resolved = with_students_within(config, 1617, minutes * 60)

    student = resolved.distils or resolved.prunes
    assert 1 <= student.epochs < 20
    assert 0 <= student.views <= min(3, student.epochs)
    assert student_seconds(resolved, 1617) <= MOST_SHARE * minutes * 60


def test_epochs_that_the_config_names_are_not_changed():
    named = Distil(family="small_image", epochs=7)

    resolved = with_students_within(with_changes(distil=named), SAMPLES, 25 * 60)

    assert resolved.distils.epochs == 7


def test_the_budget_that_is_named_as_enough_is_enough():
    with pytest.raises(BudgetTooSmall) as error:
        with_students_within(with_changes(prune=0.4, budget_minutes=1), SAMPLES, 60.0)

    minutes = int(re.search(r"budget_minutes to (\d+)", str(error.value))[1])
    assert with_students_within(with_changes(prune=0.4), SAMPLES, 60.0 * minutes)


def test_a_named_architecture_decides_what_its_student_costs():
    design = hand_designs("plain", CountedLimits((3, 64, 64), 10, 1))[0].text
    teacher = Input("efficientnet_lite0", 224)
    by_hand, wide = (
        distilled(LITE, Distil(family="searched_image", genotype=text), teacher)
        for text in ("", design)
    )

    assert wide.epoch_seconds(SAMPLES) > 2 * by_hand.epoch_seconds(SAMPLES)


def test_the_minutes_of_a_student_are_those_of_its_plan():
    config = with_student_family(with_changes(distil="small_image"))
    cost = distilled(config, config.distils, Input("efficientnet_lite0", 224))
    hyperparameters = {"input": cost.model_input.name, "freeze": cost.freeze}
    result = TrialResult({}, 6, False, [{}] * 6, b"")
    trial = Trial(0, hyperparameters, result=result, phase=3)

    planned = 6 * TRAINING_SHARE * cost.epoch_seconds(SAMPLES) / 60
    assert minutes_of(config, SAMPLES, 0)(trial) == pytest.approx(planned, abs=1e-3)


def test_the_student_stands_among_the_inputs_of_what_follows():
    config = with_changes(distil="small_image", input_sizes=(64,))

    inputs = inputs_of(with_student_family(config))

    assert student_input(config, config.distils) in inputs
    assert "small_image" not in config.families


def test_a_teacher_that_breaks_a_limit_takes_part_only_if_a_student_may_ship():
    device = LITE.device.model_copy(update={"excluded": ("efficientnet_lite0@224",)})
    never = Distil(family="small_image", ship="never")

    assert inputs_of(with_changes(device=device, distil="small_image"))
    for config in (with_changes(device=device), with_changes(device=device, distil=never)):
        with pytest.raises(ConfigError):
            inputs_of(config)


def test_an_unresolved_student_is_an_error_that_says_how_to_name_one():
    with pytest.raises(ConfigError, match="name a family"):
        student_input(LITE, Distil())


def test_the_short_forms_and_the_tables_say_the_same():
    assert TrainConfig(distil="small_image").distils == Distil(family="small_image")
    assert TrainConfig(prune=0.3).prunes == Prune(share=0.3)
    assert TrainConfig(distil=False, prune=False).has_students is False


def resources():
    from pathlib import Path

    from stages.resources import Resources

    return Resources(cores=2, scratch=Path("unused"))
