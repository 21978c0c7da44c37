"""What values a pipeline's keys may have."""

import pytest

from stages.config import parse_pipeline
from stages.runtime.errors import ConfigError

SMALLEST = "name: flowers\ntask: image_classification\ndata: flowers\n"


@pytest.mark.parametrize(
    "added",
    [
        "train: {budget_minutes: .inf}",
        "train: {search_space: {learning_rate: {low: .nan, high: 1}}}",
        "schedule: every now and then",
        "schedule: 0 3",
    ],
)
def test_a_value_that_cannot_be_is_told_with_its_line(added):
    with pytest.raises(ConfigError, match=r"line 4"):
        parse_pipeline(SMALLEST + added)


@pytest.mark.parametrize("when", ["@daily", "0 3 * * 1", "*/5 0-6,12 1 jan mon-fri", ""])
def test_a_schedule_is_cron_or_a_word(when):
    assert parse_pipeline(f"{SMALLEST}schedule: '{when}'\n").schedule == when


@pytest.mark.parametrize("task", ["[image_classification]", "{a: b}", "7"])
def test_a_task_that_is_no_word_is_told_with_its_line(task):
    with pytest.raises(ConfigError, match="line 2: task"):
        parse_pipeline(f"name: flowers\ntask: {task}\ndata: flowers\n", "flowers.yaml")


def test_what_a_task_means_stands_beside_what_is_said_of_the_same_section():
    tuned = parse_pipeline(SMALLEST + "train: {finetune: {epochs: 3}}\n").train.finetune

    assert tuned.epochs == 3
    assert [name for augmentation in tuned.augmentations for name in augmentation] == [
        "rotate",
        "crop",
        "colour",
    ]


@pytest.mark.parametrize(
    ("task", "key"), [("image_classification", "train"), ("sound_classification", "etl")]
)
def test_a_section_that_a_task_would_fill_is_told_if_it_is_left_empty(task: str, key: str):
    with pytest.raises(ConfigError, match=f"line 4: {key}: this key holds a table"):
        parse_pipeline(f"name: flowers\ntask: {task}\ndata: flowers\n{key}:\n")


def test_an_inner_section_that_a_task_would_fill_is_told_if_it_is_left_empty():
    with pytest.raises(ConfigError, match=r"line 4: train\.finetune: this key holds a table"):
        parse_pipeline(SMALLEST + "train: {finetune: }\n")


def test_what_a_task_means_gives_way_to_what_is_said():
    pipeline = parse_pipeline(SMALLEST + "train: {finetune: {augmentations: []}}\n")

    assert pipeline.train.finetune.augmentations == ()
