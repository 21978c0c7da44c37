"""What the first phase leaves of the budget becomes fine-tuning trials, by counting work."""

from typing import Any

import pytest

from stages.config import TrainConfig
from stages.config.train import Finetune
from stages.runtime.errors import ConfigError
from stages.train.cost.finetune_budget import tunable
from stages.train.heads.head_search import Heads

THREE = tuple(f"efficientnet_lite{number}" for number in range(3))
LITE = TrainConfig(families=("efficientnet_lite0",), budget_minutes=20)


def resolve(minutes: float, samples: int, **changes: Any) -> TrainConfig:
    train = TrainConfig(families=THREE, budget_minutes=minutes, **changes)
    return Heads().resolve(train, samples, 1, 1.0)


def tuned(train: TrainConfig, samples: int = 600) -> int | None:
    return Heads().resolve(train, samples, 1, 1.0).finetune.trials


def test_more_minutes_more_trials_and_more_samples_fewer():
    counts = [tuned(LITE.model_copy(update={"budget_minutes": m})) or 0 for m in (5, 10, 20, 40)]

    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
    assert (tuned(LITE, 3000) or 0) < (tuned(LITE) or 0)


def test_a_small_budget_is_spent_on_heads_alone():
    assert tuned(LITE.model_copy(update={"budget_minutes": 1.5})) == 0


def test_what_was_counted_by_hand_stays():
    by_hand = LITE.model_copy(update={"trials": 4})

    assert tuned(by_hand) == 0
    assert tuned(by_hand.with_tuned(3)) == 3
    assert tuned(LITE.with_tuned(0)) == 0


def test_families_without_split_points_are_not_fine_tuned():
    sounds = TrainConfig(families=("yamnet",), budget_minutes=30)

    assert tuned(sounds) == 0


@pytest.mark.parametrize("minutes", [3, 10, 60])
def test_a_resolved_plan_stays_as_it_is(minutes: int):
    resolved = Heads().resolve(LITE.model_copy(update={"budget_minutes": minutes}), 600, 1, 1.0)

    assert Heads().resolve(resolved, 600, 1, 1.0) == resolved


def test_where_time_is_short_the_dearest_are_not_tuned():
    short, long = (resolve(minutes, samples=900).finetune for minutes in (10, 400))

    assert "efficientnet_lite2@256" not in short.inputs
    assert {name.partition("@")[0] for name in long.inputs} == set(THREE)


def test_a_dearer_family_is_worth_more_than_epochs_those_than_a_fold_and_that_than_trials():
    plans = [resolve(minutes, samples=900).finetune for minutes in range(8, 60, 4)]
    finetuned = [finetune for finetune in plans if finetune.trials]
    worth = [
        (len(finetune.inputs), finetune.epochs, finetune.folds, finetune.trials or 0)
        for finetune in finetuned
    ]

    assert worth == sorted(worth)
    assert {trials for *_, trials in worth} >= {1, 2}
    assert {epochs for _, epochs, *_ in worth} == {9, 12}
    assert {folds for *_, folds, _ in worth} == {1, 2}


def test_the_error_for_unknown_inputs_lists_the_known_ones():
    train = LITE.with_tuned(3, ("efficientnet_lite0@300",))

    with pytest.raises(ConfigError, match="There are: efficientnet_lite0@224"):
        tunable(train)


def test_epochs_are_worth_more_than_larger_pictures():
    finetune = resolve(24, samples=480).finetune

    assert finetune.epochs == 12
    assert not [name for name in finetune.inputs if name.endswith("@352")]


def test_epochs_that_the_config_sets_stay():
    finetune = Finetune(epochs=12)

    assert resolve(14, samples=900, finetune=finetune).finetune.epochs == 12


def test_a_plan_is_the_same_of_a_config_that_was_written_and_read_again():
    train = TrainConfig(families=THREE, budget_minutes=14)
    again = TrainConfig.model_validate(train.model_dump(mode="json"))

    assert Heads().resolve(again, 900, 1, 1.0) == Heads().resolve(train, 900, 1, 1.0)
