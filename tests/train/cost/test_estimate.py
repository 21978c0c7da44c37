"""What is estimate grows with what there is to do, and agrees with what is kept."""

import pytest

from stages.config import TrainConfig
from stages.settings import Settings
from stages.train.cost.estimate import finetune_bytes, here, of_heads
from stages.train.cost.finetune_budget import tunable
from stages.train.detection import Detectors
from stages.train.distributed.room import MB
from stages.train.heads.head_search import Heads

SETTINGS = Settings(threads=2)
HEADS = TrainConfig(families=("efficientnet_lite0",), trials=8, finetune={"trials": 0})
TAILS = HEADS.with_tuned(4)
BOXES = TrainConfig(families=("lite_detector",), trials=2, epochs=10)


def test_features_of_all_views_are_on_the_disk_once_and_in_each_worker():
    one = Heads().estimate(HEADS, 1000, 0, SETTINGS)
    four = Heads().estimate(HEADS, 1000, 3, SETTINGS)

    more = 3 * 1000 * 1280 * 4
    assert four.disk - one.disk == more
    assert four.memory - one.memory == (2 + SETTINGS.threads) * more


def test_more_threads_want_more_memory_and_a_faster_machine_fewer_minutes():
    one = of_heads(HEADS, 1000, 0, 1.0, threads=1)
    two = of_heads(HEADS, 1000, 0, 2.0, threads=2)

    assert two.memory > one.memory
    assert two.minutes == one.minutes / 2


def test_tails_want_time_their_maps_and_checkpoints():
    heads = Heads().estimate(HEADS, 1000, 4, SETTINGS)
    tails = Heads().estimate(TAILS, 1000, 4, SETTINGS)

    assert tails.minutes > heads.minutes
    assert tails.memory > heads.memory
    assert tails.disk > heads.disk


def test_maps_are_never_more_than_is_held():
    some = Heads().estimate(TAILS, 100_000, 0, SETTINGS)
    more = Heads().estimate(TAILS, 100_001, 0, SETTINGS)

    assert more.memory - some.memory == 1280 * 4  # features alone


@pytest.mark.parametrize("changes", [{"epochs": 20}, {"trials": 4}, {"input_sizes": (416,)}])
def test_detectors_want_more_of_more(changes):
    plain = Detectors().estimate(BOXES, 200, 0, SETTINGS)
    more = Detectors().estimate(BOXES.model_copy(update=changes), 200, 0, SETTINGS)

    assert more.minutes > plain.minutes
    assert more.memory >= plain.memory
    assert more.disk >= plain.disk


def test_each_worker_wants_its_memory():
    two, three = (
        Detectors().estimate(BOXES.model_copy(update={"workers": count}), 200, 0, SETTINGS)
        for count in (2, 3)
    )

    assert three.memory - two.memory > 10**9
    assert three.driver == two.driver


@pytest.mark.parametrize("taught", [HEADS, TAILS])
def test_on_a_cluster_this_machine_has_room_for_the_driver_alone(taught):
    whole = Heads().estimate(taught, 1000, 3, SETTINGS)
    far = here(whole, SETTINGS.model_copy(update={"ray": "auto"}))

    assert here(whole, SETTINGS) == whole
    assert 0 < far.memory < whole.memory
    assert far.disk == whole.disk


def test_of_a_job_this_machine_keeps_what_is_in_its_own_store_alone():
    whole = Heads().estimate(TAILS, 1000, 3, SETTINGS)
    job = SETTINGS.model_copy(update={"ray": "http://host:8265"})

    shared, far = here(whole, job), here(whole, job.model_copy(update={"store": "s3://a/b"}))

    assert (shared.memory, shared.disk, shared.temporary) == (0, whole.disk, 0)
    assert (far.memory, far.disk) == (0, 0)
    assert far.minutes == whole.minutes


@pytest.mark.parametrize(
    ("family", "trials", "measured"),
    [
        ("efficientnet_lite0", 1, 580),
        ("efficientnet_lite0", 3, 1000),
        ("resnet50", 1, 1740),
        ("resnet50", 2, 3020),
        ("efficientnet_lite2", 1, 1640),
    ],
)
def test_a_tails_worker_is_foreseen_by_its_network(family, trials, measured):
    """Against what the peak of a process was, beside Paddle and its maps, on the machine that the
    numbers are from."""
    train = TrainConfig(families=(family,), input_sizes=(352,) if family.endswith("2") else ())
    told = finetune_bytes(train.with_tuned(trials), tunable(train)) / MB

    assert 0.8 * measured < told < 1.4 * measured


def test_where_all_of_a_backbone_is_taught_a_step_makes_more():
    half = TAILS.model_copy(update={"weights": {}})
    whole = TAILS.model_copy(update={"weights": {"efficientnet_lite0": "scratch"}})

    assert finetune_bytes(whole, tunable(whole)) > finetune_bytes(half, tunable(half)) + 300 * MB


def test_a_larger_network_wants_more_memory_for_its_workers():
    small, large = (
        Heads().estimate(TAILS.model_copy(update={"families": (one,)}), 100, 0, SETTINGS)
        for one in ("efficientnet_lite0", "resnet50")
    )

    assert large.memory > 2 * small.memory
