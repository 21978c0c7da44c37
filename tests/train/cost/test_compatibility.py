"""A part that is not for the task is reported by its key before any work is done."""

from typing import Any

import pytest

from stages.config import PipelineConfig
from stages.parts import FAMILIES, TASKS
from stages.resources import Resources
from stages.runtime.errors import ConfigError
from stages.train.cost.compatibility import check_compatibility, is_compatible, notices
from stages.train.cost.selected_families import with_weights


def pipeline(task: str, **sections: Any) -> PipelineConfig:
    return PipelineConfig.model_validate({"name": "one", "task": task, "data": "one", **sections})


@pytest.mark.parametrize("task", list(TASKS))
def test_the_defaults_of_a_task_are_compatible_with_it(task: str):
    check_compatibility(pipeline(task))


@pytest.mark.parametrize(
    ("task", "family"),
    [
        ("image_classification", "small_audio"),
        ("image_classification", "lite_detector"),
        ("sound_classification", "lite_detector"),
        ("object_detection", "yamnet"),
    ],
)
def test_a_family_of_another_task_is_refused_and_those_that_suit_are_named(task: str, family: str):
    wrong = pipeline(task, train={"families": [family]})

    with pytest.raises(ConfigError, match=rf"train\.families: '{family}'") as caught:
        check_compatibility(wrong)

    fitting = [name for name in FAMILIES if is_compatible(name, task)]
    assert fitting
    assert all(name in str(caught.value) for name in fitting)


@pytest.mark.parametrize(
    ("task", "targets", "message"),
    [
        ("sound_classification", ["device_sdk"], "does not answer mirror images"),
        ("object_detection", ["device_sdk"], "does not answer mirror images"),
        ("image_classification", ["device_sdk", "android"], "android answers a picture alone"),
    ],
)
def test_mirror_images_are_answered_for_labels_of_pictures_where_the_target_can(
    task: str, targets: list[str], message: str
):
    mirrored = {"train": {"mirrored": True}}
    check_compatibility(pipeline("image_classification", **mirrored))

    with pytest.raises(ConfigError, match=message):
        check_compatibility(pipeline(task, **mirrored, deploy={"targets": targets}))


def test_sizes_that_no_family_takes_are_refused_by_name():
    wrong = pipeline("image_classification", train={"input_sizes": [225, 227]})

    with pytest.raises(ConfigError, match="takes pictures of 225 and 227 pixels"):
        check_compatibility(wrong)


@pytest.mark.parametrize(
    ("task", "change"), [("image_classification", "gain"), ("sound_classification", "crop")]
)
def test_a_change_for_another_modality_is_refused(task: str, change: str):
    wrong = pipeline(task, etl={"augmentations": [change]})

    with pytest.raises(ConfigError, match=rf"etl\.augmentations: '{change}'"):
        check_compatibility(wrong)


def test_a_sound_can_be_seen_or_heard():
    assert is_compatible("efficientnet_lite0", "sound_classification")
    assert is_compatible("small_audio", "sound_classification")


def test_a_notice_is_told_of_those_families_that_have_one():
    assert notices(pipeline("sound_classification").train) == []
    (notice,) = notices(pipeline("sound_classification", train={"families": ["yamnet"]}).train)
    assert "licence" in notice


@pytest.mark.parametrize(
    ("task", "change"), [("image_classification", "gain"), ("sound_classification", "mixup")]
)
def test_fine_tuning_takes_augmentations_of_the_same_modality_alone(task: str, change: str):
    wrong = pipeline(task, train={"finetune": {"augmentations": [change]}})

    with pytest.raises(ConfigError, match=rf"train\.finetune\.augmentations: '{change}'"):
        check_compatibility(wrong)


SEARCH = {"architecture": "search"}


@pytest.mark.parametrize(
    ("task", "train", "message"),
    [
        ("object_detection", SEARCH, "not searched for object_detection"),
        ("image_classification", {**SEARCH, "families": ["small_image"]}, "takes no part"),
        ("image_classification", {"families": ["searched_image"]}, "no architecture of its own"),
        ("image_classification", {"device": {"macs": 10_000}}, "searched architectures alone"),
        ("image_classification", {**SEARCH, "device": {"size_mb": 1}}, "not measured for each"),
    ],
)
def test_what_does_not_go_with_a_search_of_architectures_is_refused(
    task: str, train: dict, message: str
):
    with pytest.raises(ConfigError, match=message) as caught:
        check_compatibility(pipeline(task, train=train))

    assert caught.value.remedy


@pytest.mark.parametrize(
    ("task", "family"),
    [("image_classification", "searched_image"), ("sound_classification", "searched_audio")],
)
def test_a_search_of_architectures_has_the_family_of_what_is_seen_or_heard(
    task: str, family: str, tmp_path
):
    searching = pipeline(task, train={**SEARCH, "device": {"parameters": 30_000}})

    check_compatibility(searching)

    resources = Resources(cores=1, scratch=tmp_path)
    assert with_weights(task, searching.train, resources).families == (family,)


SEARCHED = {"families": ["searched_image"]}
TEXT = "stem 8, widths 8 16 16, repeats 1 1 1, down conv3, add; cell none none 1 none none none; "


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        (SEARCHED, "'searched_image' has no architecture of its own"),
        ({"device": {"macs": 10}}, r"train\.device\.macs is counted for searched architectures"),
        (
            {"architecture": "search", "families": ["squeezenet"]},
            "where the architecture is searched, 'squeezenet' takes no part",
        ),
        (
            {"architecture": "search", **SEARCHED, "device": {"size_mb": 2}},
            r"train\.device\.size_mb: not measured for each architecture",
        ),
        ({"input_sizes": [100], "families": ["pp_lcnet"]}, "pp_lcnet takes no pictures of 100"),
    ],
)
def test_what_does_not_go_with_an_architecture_or_a_size_is_refused(train: dict, expected: str):
    with pytest.raises(ConfigError, match=expected):
        check_compatibility(pipeline("image_classification", train=train))


@pytest.mark.parametrize(
    "train",
    [
        {**SEARCHED, "genotypes": {"found": f"{TEXT}motif none pw none"}},
        {"architecture": "search", **SEARCHED, "device": {"macs": 10**9}},
    ],
)
def test_what_goes_with_an_architecture_is_taken(train: dict):
    check_compatibility(pipeline("image_classification", train=train))


def test_architectures_are_searched_for_labels_alone():
    train = {"architecture": "search"}

    with pytest.raises(ConfigError, match="architectures are not searched for object_detection"):
        check_compatibility(pipeline("object_detection", train=train))
