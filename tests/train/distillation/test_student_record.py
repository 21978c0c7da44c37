"""What a student costs in its record, by which it ships or not."""

import pytest

from stages.config import TrainConfig
from stages.config.distillation import Distil, Prune
from stages.train.cost.distillation_budget import distilled, pruned
from stages.train.distillation.student_record import _seconds, is_lighter
from stages.train.search.search_space import Input

TEACHER = Input("efficientnet_lite0", 224)


@pytest.mark.parametrize(("after", "share"), [(1000, 1.0), (620, 0.62)])
def test_a_pruned_network_costs_what_is_left_of_it_and_not_what_was_asked_for(after, share):
    cost = pruned(Prune(share=0.4), TEACHER)

    seconds = _seconds(cost, {"multiply_adds": [1000, after]})

    assert seconds == pytest.approx(share * TEACHER.seconds)


def test_a_student_of_sounds_costs_all_windows_of_a_clip():
    config = TrainConfig(families=("yamnet",))
    student, windowed = (
        distilled(config, Distil(family=name), TEACHER) for name in ("small_audio", "yamnet")
    )

    assert _seconds(student, {}) == student.model_input.seconds
    assert _seconds(windowed, {}) == 10 * windowed.model_input.seconds


@pytest.mark.parametrize(
    ("seconds", "pruning", "lighter"),
    [
        (0.5, {}, True),
        (1.0, {}, False),
        (1.0, {"zip_bytes": [100, 60]}, True),
        (1.0, {"zip_bytes": [100, 100]}, False),
    ],
)
def test_lighter_is_faster_or_smaller_once_compressed(seconds, pruning, lighter):
    assert is_lighter(seconds, 1.0, pruning) is lighter
