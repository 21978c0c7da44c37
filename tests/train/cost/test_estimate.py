"""Estimates grow with the work, and agree with what is stored."""

from pathlib import Path

import pytest

from stages.config import TrainConfig
from stages.config.search_space import SearchSpace
from stages.parts import FAMILIES
from stages.resources import Resources
from stages.train.cost.estimate import finetune_bytes, of_heads
from stages.train.cost.finetune_budget import tunable
from stages.train.detection import Detectors
from stages.train.distributed.memory import MB
from stages.train.heads.head_search import Heads
from stages.train.search.search_space import HIDDEN_UNITS

RESOURCES = Resources(cores=2, scratch=Path("/nowhere"))
HEADS = TrainConfig(families=("efficientnet_lite0",), trials=8, finetune={"trials": 0})
FINETUNED = HEADS.with_tuned(4)
WIDTH = 1280 + 3 * (112 + 40)  # features of the last map, and statistics of two inner ones
BOXES = TrainConfig(families=("lite_detector",), trials=2, epochs=10)


def test_features_of_all_samples_are_on_the_disk_once_and_in_each_worker():
    few, many = (Heads().estimate(HEADS, samples, 0, RESOURCES) for samples in (1000, 4000))

    further_bytes = 3 * 1000 * WIDTH * 4
    assert many.disk - few.disk == further_bytes
    assert many.memory - few.memory == (2 + RESOURCES.cores) * further_bytes


def test_augmented_views_take_room_only_with_networks_from_scratch():
    scratch = HEADS.model_copy(update={"families": ("small_image",)})
    rises = [
        Heads().estimate(train, 1000, 3, RESOURCES).disk
        - Heads().estimate(train, 1000, 0, RESOURCES).disk
        for train in (HEADS, scratch)
    ]

    assert rises[0] == 0
    assert rises[1] > 0


def test_features_of_inner_maps_take_room_only_if_heads_may_take_them():
    last = HEADS.model_copy(update={"search_space": SearchSpace(feature_maps=("last",))})
    without, with_feature_maps = (
        Heads().estimate(each, 1000, 3, RESOURCES) for each in (last, HEADS)
    )

    rows = 1000 * (WIDTH - 1280) * 4
    heads = 2 * 8 * last.folds * (WIDTH - 1280) * HIDDEN_UNITS * 4
    assert with_feature_maps.disk - without.disk == rows + heads
    assert with_feature_maps.memory > without.memory


def test_more_threads_want_more_memory_and_a_faster_machine_fewer_minutes():
    single_thread = of_heads(HEADS, 1000, 0, 1.0, threads=1)
    two_threads = of_heads(HEADS, 1000, 0, 2.0, threads=2)

    assert two_threads.memory > single_thread.memory
    assert two_threads.minutes == single_thread.minutes / 2


def test_fine_tuning_takes_time_feature_maps_and_checkpoints():
    heads = Heads().estimate(HEADS, 1000, 4, RESOURCES)
    finetuned = Heads().estimate(FINETUNED, 1000, 4, RESOURCES)

    assert finetuned.minutes > heads.minutes
    assert finetuned.memory > heads.memory
    assert finetuned.disk > heads.disk


def test_the_disk_holds_the_widest_network_that_may_be_chosen():
    plain, wide = (
        TrainConfig(families=("small_image",), trials=1, search_space={"width": widths})
        for widths in ((1.0,), (1.0, 2.0))
    )

    further = of_heads(wide, 10, 0, 1.0, 1).disk - of_heads(plain, 10, 0, 1.0, 1).disk

    assert further >= 3 * 4 * FAMILIES["small_image"].parameters


def test_feature_maps_never_take_more_than_their_limit():
    at_limit = Heads().estimate(FINETUNED, 100_000, 0, RESOURCES)
    beyond = Heads().estimate(FINETUNED, 100_001, 0, RESOURCES)

    assert beyond.memory - at_limit.memory == WIDTH * 4  # features alone


@pytest.mark.parametrize("changes", [{"epochs": 20}, {"trials": 4}, {"input_sizes": (416,)}])
def test_longer_larger_or_more_detectors_take_more(changes):
    plain = Detectors().estimate(BOXES, 200, 0, RESOURCES)
    larger = Detectors().estimate(BOXES.model_copy(update=changes), 200, 0, RESOURCES)

    assert larger.minutes > plain.minutes
    assert larger.memory >= plain.memory
    assert larger.disk >= plain.disk


def test_each_worker_wants_its_memory():
    two, three = (
        Detectors().estimate(BOXES.model_copy(update={"workers": count}), 200, 0, RESOURCES)
        for count in (2, 3)
    )

    assert three.memory - two.memory > 10**9
    assert three.driver == two.driver


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
def test_the_memory_of_a_fine_tuning_worker_is_estimated_from_its_network(family, trials, measured):
    """Against the measured peak of a process, without Paddle and the feature maps, on the reference
    machine."""
    train = TrainConfig(families=(family,), input_sizes=(352,) if family.endswith("2") else ())
    estimated = finetune_bytes(train.with_tuned(trials), tunable(train)) / MB

    assert 0.8 * measured < estimated < 1.4 * measured


def test_training_a_whole_backbone_takes_more_memory():
    half = FINETUNED.model_copy(update={"weights": {}})
    whole = FINETUNED.model_copy(update={"weights": {"efficientnet_lite0": "scratch"}})

    assert finetune_bytes(whole, tunable(whole)) > finetune_bytes(half, tunable(half)) + 300 * MB


def test_a_larger_network_wants_more_memory_for_its_workers():
    small, large = (
        Heads().estimate(FINETUNED.model_copy(update={"families": (family,)}), 100, 0, RESOURCES)
        for family in ("efficientnet_lite0", "resnet50")
    )

    assert large.memory > 2 * small.memory
