"""The student's family is selected when a run is planned."""

from dataclasses import replace

import pytest

from stages.config import PipelineConfig, TrainConfig
from stages.models.available_weights import sha256
from stages.parts import FAMILIES
from stages.runtime.errors import ConfigError
from stages.train.cost.selected_families import with_weights
from stages.train.cost.student_family import (
    check_student,
    student_notices,
    with_prunable_heads,
    with_student,
)
from stages.user_weights import WeightsFolder
from tests import makers
from tests.models import stand_ins

TASK = "image_classification"


@pytest.fixture
def own_weights(tmp_path):
    return stand_ins.own(tmp_path / "own", "squeezenet", "pp_lcnet")


@pytest.fixture
def resources(own_weights, tmp_path):
    return replace(makers.resources(tmp_path), weights=WeightsFolder(own_weights))


def test_auto_is_the_lightest_family_with_weights(resources, own_weights):
    config = with_weights(TASK, TrainConfig(distil="auto"), resources)

    resolved = with_student(TASK, config, resources)

    lightest = min(
        (name for name in config.families if FAMILIES[name].split_points),
        key=lambda name: FAMILIES[name].cost,
    )
    assert resolved.distils.family == lightest
    assert resolved.families == config.families


def test_the_students_weights_are_resolved_and_stay(resources, own_weights, tmp_path):
    train = TrainConfig(families=("efficientnet_lite0",), distil="pp_lcnet")

    resolved = with_student(TASK, with_weights(TASK, train, resources), resources)

    assert resolved.weights == {"pp_lcnet": sha256(own_weights / "pp_lcnet.npz")}
    bare = makers.resources(tmp_path)
    assert with_student(TASK, with_weights(TASK, resolved, bare), bare) == resolved


def test_a_student_without_weights_is_an_error_that_names_others(tmp_path):
    train = TrainConfig(families=("efficientnet_lite0",), distil="pp_lcnet")

    with pytest.raises(ConfigError, match=r"no weights of pp_lcnet(.|\n)*small_image"):
        with_student(TASK, train, makers.resources(tmp_path))


@pytest.mark.parametrize("family", ["small_audio", "lite_detector"])
def test_a_family_that_is_not_for_the_task_is_refused(family, resources):
    with pytest.raises(ConfigError, match="cannot be a student"):
        with_student(TASK, TrainConfig(distil=family), resources)


def test_a_network_from_scratch_and_a_searched_one_may_be_students(resources):
    for family in ("small_image", "searched_image"):
        train = TrainConfig(families=("efficientnet_lite0",), distil=family)
        assert with_student(TASK, train, resources).distils.family == family


def test_detectors_have_no_students():
    pipeline = PipelineConfig(name="boxes", task="object_detection", data={"name": "boxes"})

    check_student("object_detection", pipeline.train)
    with pytest.raises(ConfigError, match="not for object_detection"):
        check_student("object_detection", pipeline.train.model_copy(update={"prune": 0.4}))


def test_heads_of_a_network_that_is_pruned_take_the_last_map_alone():
    plain = TrainConfig(families=("efficientnet_lite0",))
    pruned = plain.model_copy(update={"prune": 0.4})

    assert with_prunable_heads(plain) == plain
    assert len(plain.search_space.feature_maps) > 1
    assert with_prunable_heads(pruned).search_space.feature_maps == ("last",)
    assert any("last map alone" in line for line in student_notices(pruned))
    assert not any("last map alone" in line for line in student_notices(plain))
    assert not any(
        "last map alone" in line
        for line in student_notices(pruned.model_copy(update={"families": ("squeezenet",)}))
    )


def test_without_distillation_nothing_is_resolved(resources):
    plain = TrainConfig(families=("efficientnet_lite0",), prune=0.4)

    assert with_student(TASK, plain, resources) is plain


def test_where_no_family_can_be_split_the_student_is_a_network_from_scratch(tmp_path):
    bare = makers.resources(tmp_path)
    train = TrainConfig(families=("yamnet",), distil="auto", weights={})

    resolved = with_student("sound_classification", train, bare)

    assert (
        FAMILIES[resolved.distils.family].split_points or resolved.distils.family == "small_audio"
    )
    assert resolved.families == ("yamnet",)


def test_a_teacher_is_named_for_an_architecture_search_alone():
    for teacher, is_wrong in (("auto", False), ("efficientnet_lite0", True)):
        distil = {"family": "small_image", "teacher": teacher}
        train = TrainConfig(families=("efficientnet_lite0",), distil=distil)
        if is_wrong:
            with pytest.raises(ConfigError, match=r"teacher is for train\.architecture"):
                check_student(TASK, train)
        else:
            check_student(TASK, train)


def test_the_notice_names_the_dearest_input_as_the_teacher():
    train = TrainConfig(
        families=("efficientnet_lite0", "efficientnet_lite2"), larger=False, distil="small_image"
    )

    [line] = student_notices(train)

    assert "planned for efficientnet_lite2@" in line
    assert student_notices(train.model_copy(update={"distil": "off"})) == []
