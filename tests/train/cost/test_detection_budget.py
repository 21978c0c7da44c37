"""What minutes allow, counted and not timed."""

import pytest

from stages.runtime.errors import BudgetTooSmall
from stages.train.cost.detection_budget import (
    MAX_TRIALS,
    MIN_EPOCHS,
    STARTUP_SECONDS,
    detection_seconds,
    passes_of,
    plan,
    seconds_per_image,
)
from stages.train.search.search_space import inputs_of
from tests.train.detection.conftest import config

TWO = {"families": ("lite_detector", "mobile_ssd"), "input_sizes": (320,), "trials": None}


def planned(minutes: float, samples: int = 300, speed: float = 1.0, **changes):
    train = config(budget_minutes=minutes, **{**TWO, "epochs": 60, **changes})
    return plan(train, samples, speed)


def test_more_minutes_allow_more_epochs_and_then_more_trials():
    short, middle, long = planned(14), planned(20), planned(120)

    assert MIN_EPOCHS <= short.epochs < middle.epochs <= long.epochs == 60
    assert short.trials == middle.trials == 2
    assert long.trials == MAX_TRIALS


def test_few_minutes_go_into_the_cheapest_family():
    short, alone = planned(10), planned(10, families=("mobile_ssd",))

    assert short.families == ("mobile_ssd",)
    assert short.trials == 1
    assert short.epochs == alone.epochs > planned(14).epochs
    assert short.notices() == [
        "lite_detector left out: 10 minutes are too few to compare it with others"
    ]
    assert planned(10, epochs=12).families == TWO["families"]  # there is time for these epochs


def test_an_epoch_takes_equally_long_for_every_input():
    inputs = inputs_of(config(families=TWO["families"], input_sizes=(256, 320)))
    passes = passes_of(inputs)

    times = [passes[each.name] * seconds_per_image(each) for each in inputs]
    assert times == pytest.approx([times[0]] * 4)
    assert min(passes.values()) == passes["lite_detector@320"] == 1
    assert max(passes.values()) == passes["mobile_ssd@256"]


def test_a_machine_twice_as_fast_does_in_half_the_minutes_what_the_reference_does():
    assert planned(20) == planned(10, speed=2.0).model_copy(update={"budget_minutes": 20})


def test_every_input_has_a_trial():
    assert planned(60, input_sizes=(256, 320)).trials >= 4


def test_what_is_planned_fits_into_the_budget():
    train = planned(20)

    assert 10 < detection_seconds(train, 300) / 60 <= 20


def test_the_error_for_too_few_minutes_names_enough_of_them():
    with pytest.raises(BudgetTooSmall) as caught:
        planned(1.5, samples=5000)

    wanted = float(str(caught.value).split("budget_minutes to ")[1].split(" ")[0])
    assert planned(wanted, samples=5000).epochs >= MIN_EPOCHS


def test_few_epochs_are_enough_if_the_config_sets_them():
    assert planned(3, samples=20, epochs=2).epochs == 2


def test_one_worker_keeps_one_core_busy_and_more_than_two_cannot_share_a_trial():
    single_worker, two_workers, four_workers = (
        config(**TWO, epochs=20).model_copy(update={"trials": 2, "workers": count})
        for count in (1, 2, 4)
    )

    assert detection_seconds(single_worker, 300) - STARTUP_SECONDS == 2 * (
        detection_seconds(two_workers, 300) - STARTUP_SECONDS
    )
    assert detection_seconds(four_workers, 300) == detection_seconds(two_workers, 300)
    assert planned(20, workers=1).epochs < planned(20).epochs
