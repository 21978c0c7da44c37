"""What is foreseen grows with what there is to do, and agrees with what is kept."""

import pytest

from stages.config import TrainConfig
from stages.settings import Settings
from stages.train.detectors import Detectors
from stages.train.estimate import of_heads
from stages.train.heads import Heads

SETTINGS = Settings(threads=2)
HEADS = TrainConfig(families=("efficientnet_lite0",), trials=8, finetune={"trials": 0})
TAILS = HEADS.with_tuned(4)
BOXES = TrainConfig(families=("lite_detector",), trials=2, epochs=10)


def test_features_of_all_views_are_on_the_disk_once_and_in_each_worker():
    one = Heads().foreseen(HEADS, 1000, 0, SETTINGS)
    four = Heads().foreseen(HEADS, 1000, 3, SETTINGS)

    more = 3 * 1000 * 1280 * 4
    assert four.disk - one.disk == more
    assert four.memory - one.memory == (2 + SETTINGS.threads) * more


def test_more_threads_want_more_memory_and_a_faster_machine_fewer_minutes():
    one = of_heads(HEADS, 1000, 0, 1.0, threads=1)
    two = of_heads(HEADS, 1000, 0, 2.0, threads=2)

    assert two.memory > one.memory
    assert two.minutes == one.minutes / 2


def test_tails_want_time_their_maps_and_checkpoints():
    heads = Heads().foreseen(HEADS, 1000, 4, SETTINGS)
    tails = Heads().foreseen(TAILS, 1000, 4, SETTINGS)

    assert tails.minutes > heads.minutes
    assert tails.memory > heads.memory
    assert tails.disk > heads.disk


def test_maps_are_never_more_than_is_held():
    some = Heads().foreseen(TAILS, 100_000, 0, SETTINGS)
    more = Heads().foreseen(TAILS, 100_001, 0, SETTINGS)

    assert more.memory - some.memory == 1280 * 4  # features alone


@pytest.mark.parametrize("changes", [{"epochs": 20}, {"trials": 4}, {"input_sizes": (416,)}])
def test_detectors_want_more_of_more(changes):
    plain = Detectors().foreseen(BOXES, 200, 0, SETTINGS)
    more = Detectors().foreseen(BOXES.model_copy(update=changes), 200, 0, SETTINGS)

    assert more.minutes > plain.minutes
    assert more.memory >= plain.memory
    assert more.disk >= plain.disk
