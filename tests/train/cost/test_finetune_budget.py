"""What the first phase leaves of the budget becomes fine-tuning trials, by counting work."""

from typing import Any

import pytest

from stages.config import TrainConfig
from stages.config.train import Finetune
from stages.runtime.errors import ConfigError
from stages.train.cost.budget import MAX_TRIALS, MIN_TRIALS_PER_INPUT
from stages.train.cost.finetune_budget import tunable, with_leaders
from stages.train.heads.head_search import Heads
from stages.train.search.search_space import Input

THREE = tuple(f"efficientnet_lite{number}" for number in range(3))
LITE = TrainConfig(families=("efficientnet_lite0",), budget_minutes=20)


def resolve(minutes: float, samples: int, **changes: Any) -> TrainConfig:
    train = TrainConfig(families=THREE, budget_minutes=minutes, **changes)
    return Heads().resolve(train, samples, 1, 1.0)


def tuned(train: TrainConfig, samples: int = 600) -> int | None:
    return Heads().resolve(train, samples, 1, 1.0).finetune.trials


ORDER = [  # freeze, epochs, folds: the preferred first
    (("half", "most"), 12, 2),
    (("half", "most"), 12, 1),
    (("half", "most"), 9, 2),
    (("half", "most"), 9, 1),
    (("most",), 12, 1),
    (("most",), 9, 1),
]


def place(finetune: Finetune) -> int:
    return ORDER.index((finetune.search_space.freeze, finetune.longest, finetune.folds))


def led(plan: TrainConfig, samples: int) -> Finetune:
    """The fine-tuning of a plan in which the dearest input leads."""
    return with_leaders(plan, tunable(plan)[::-1], samples).finetune


def test_more_minutes_buy_more_layers_then_epochs_then_folds_then_trials():
    plans = [LITE.model_copy(update={"budget_minutes": minutes}) for minutes in range(4, 40)]
    finetuned = [led(Heads().resolve(train, 900, 1, 1.0), 900) for train in plans]
    worth = [(-place(each), each.trials or 0) for each in finetuned if each.trials]

    assert worth == sorted(worth)
    assert {-place for place, _ in worth} >= {0, 3, 5}
    assert worth[-1][1] > 4


def test_more_samples_take_more_time():
    assert (tuned(LITE, 3000) or 0) < (tuned(LITE) or 0)


def test_a_small_budget_is_spent_on_heads_alone():
    assert tuned(LITE.model_copy(update={"budget_minutes": 1.5})) == 0


def test_what_was_counted_by_hand_stays():
    by_hand = LITE.model_copy(update={"trials": 4})

    assert tuned(by_hand) == 0
    assert tuned(by_hand.with_tuned(3)) == 3
    assert tuned(LITE.with_tuned(0)) == 0


def test_networks_from_scratch_leave_time_for_fine_tuning_once_every_input_has_its_trials():
    both = TrainConfig(families=("efficientnet_lite0", "small_audio"), input_sizes=(320,))
    plan = Heads().resolve(both, 320, 1, 1.0)
    less = Heads().resolve(both.model_copy(update={"budget_minutes": 4}), 320, 1, 1.0)

    assert plan.finetune.trials
    assert plan.finetune.inputs == ("efficientnet_lite0@320",)
    assert 2 * MIN_TRIALS_PER_INPUT <= (plan.trials or 0) < MAX_TRIALS
    assert (less.trials or 0) > 0
    assert not less.finetune.trials


def test_heads_alone_give_up_no_trial_for_fine_tuning():
    config = TrainConfig(families=("efficientnet_lite0", "efficientnet_lite1"))
    plans = [Heads().resolve(config, samples, 1, 1.0) for samples in range(1000, 3000, 100)]

    assert {plan.trials for plan in plans} == {MAX_TRIALS}
    assert [bool(plan.finetune.trials) for plan in plans][:: len(plans) - 1] == [True, False]


def test_families_without_split_points_are_not_fine_tuned():
    sounds = TrainConfig(families=("yamnet",), budget_minutes=30)

    assert tuned(sounds) == 0


@pytest.mark.parametrize("minutes", [3, 10, 60])
def test_a_resolved_plan_stays_as_it_is(minutes: int):
    resolved = Heads().resolve(LITE.model_copy(update={"budget_minutes": minutes}), 600, 1, 1.0)

    assert Heads().resolve(resolved, 600, 1, 1.0) == resolved


def test_where_time_is_short_the_dearest_are_not_tuned():
    short, long = (resolve(minutes, samples=900).finetune for minutes in (10, 400))

    assert "efficientnet_lite2@352" not in short.inputs
    assert {name.partition("@")[0] for name in long.inputs} == set(THREE)


def inputs(train: TrainConfig) -> dict[str, Input]:
    return {model_input.name: model_input for model_input in tunable(train)}


def test_the_leader_gets_the_minutes_even_if_it_is_the_dearest():
    plan = resolve(30, samples=600)
    dearest, cheapest = (
        inputs(plan)[name] for name in ("efficientnet_lite2@352", "efficientnet_lite0@224")
    )

    both = [
        with_leaders(plan, ranking, 600).finetune
        for ranking in ([dearest, cheapest], [cheapest, dearest])
    ]

    assert [each.inputs[0] for each in both] == [dearest.name, cheapest.name]
    assert place(both[0]) > place(both[1])
    assert all(each.minutes == plan.finetune.minutes for each in both)


def test_an_input_for_which_there_is_no_time_leaves_it_to_the_next():
    plan = resolve(10, samples=600)
    tunable_inputs = inputs(resolve(30, samples=600))
    ranking = [tunable_inputs["efficientnet_lite2@352"], tunable_inputs["efficientnet_lite1@256"]]

    assert with_leaders(plan, ranking, 600).finetune.inputs == ("efficientnet_lite1@256",)
    assert with_leaders(plan, ranking[:1], 600).finetune.trials == 0


def test_who_counts_the_trials_by_hand_gets_them_whoever_leads():
    plan = LITE.with_tuned(3)

    assert with_leaders(plan, tunable(plan), 600) == plan


def test_no_more_views_are_computed_than_epochs_take():
    finetune = led(resolve(30, samples=600), 600)

    assert finetune.views < finetune.longest


def test_the_error_for_unknown_inputs_lists_the_known_ones():
    train = LITE.with_tuned(3, ("efficientnet_lite0@300",))

    with pytest.raises(ConfigError, match="There are: efficientnet_lite0@224"):
        tunable(train)


def test_epochs_that_the_config_sets_stay():
    finetune = Finetune(epochs=12)

    assert resolve(14, samples=900, finetune=finetune).finetune.epochs == 12


def test_a_plan_is_the_same_of_a_config_that_was_written_and_read_again():
    train = TrainConfig(families=THREE, budget_minutes=14)
    again = TrainConfig.model_validate(train.model_dump(mode="json"))

    assert Heads().resolve(again, 900, 1, 1.0) == Heads().resolve(train, 900, 1, 1.0)
