"""Who is tuned: the best inputs, one trial of each, and none that is far behind."""

from stages.config import TrainConfig
from stages.train.finetune.candidates import best_of_each, finalists_of
from stages.train.heads.prepared import Prepared
from stages.train.search.successive_halving import Trial, TrialResult
from tests.train.conftest import blobs

TRAIN = TrainConfig(
    families=("efficientnet_lite0", "efficientnet_lite1"), metric="accuracy"
).with_tuned(4)
SIZES = TRAIN.model_copy(update={"input_sizes": (224, 320)})


def trial(number: int, lite: int, accuracy: float, size: int = 0) -> Trial:
    size = size or {0: 224, 1: 256}[lite]
    measures = {"accuracy": accuracy, "log_loss": 1 - accuracy}
    taught = TrialResult(measures, 1, True, [measures], b"")
    hyperparameters = {"input": f"efficientnet_lite{lite}@{size}", "head": "linear"}
    return Trial(number, hyperparameters, 1, accuracy, True, taught)


def numbers(*trials: Trial, train: TrainConfig = TRAIN) -> list[int]:
    prepared = Prepared(blobs(samples=90), (), 3, {})  # one standard error is about 0.04
    return [one.number for one in finalists_of(trials, train, prepared)]


def test_the_best_trial_of_each_input_is_one():
    assert numbers(trial(0, 0, 0.80), trial(1, 0, 0.85), trial(2, 1, 0.84)) == [1, 2]


def test_an_input_that_is_far_behind_is_none():
    assert numbers(trial(0, 0, 0.85), trial(1, 1, 0.60)) == [0]


def test_a_family_is_worth_what_it_shows_at_its_best_size():
    small = SIZES.with_tuned(4, ("efficientnet_lite0@224", "efficientnet_lite1@224"))
    shown = [trial(0, 0, 0.80, 224), trial(1, 1, 0.79, 224), trial(2, 1, 0.86, 320)]

    assert numbers(*shown, train=small) == [1, 0]


def test_there_are_no_more_of_them_than_trials():
    one = TRAIN.with_tuned(1)

    assert numbers(trial(0, 0, 0.85), trial(1, 1, 0.84), train=one) == [0]


def test_only_families_for_which_there_is_time_are_tuned():
    short = TRAIN.with_tuned(4, ("efficientnet_lite0@224",))

    assert numbers(trial(0, 0, 0.80), trial(1, 1, 0.84), train=short) == [0]


def test_a_tail_has_the_best_head_of_every_input_for_a_rival():
    short = TRAIN.with_tuned(4, ("efficientnet_lite0@224",))
    trials = [trial(0, 0, 0.80), trial(1, 0, 0.70), trial(2, 1, 0.84)]
    prepared = Prepared(blobs(samples=90), (), 3, {})

    assert [one.number for one in best_of_each(trials, short, prepared)] == [2, 0]
