"""The trigger form has every key of a pipeline, typed and described, and reads back to a config."""

import pytest
from airflow.sdk.exceptions import ParamValidationError

from operators.form import MAIN, filled_in, params_of
from stages.config import PipelineConfig, form_fields
from stages.parts import FAMILIES, SEARCHERS
from stages.runtime.errors import ConfigError


@pytest.fixture
def pipeline() -> PipelineConfig:
    return PipelineConfig(name="shapes", task="image_classification", data="shapes")


def test_every_key_is_in_the_form_and_the_main_ones_come_first(pipeline):
    form = params_of(pipeline)

    assert set(form) == set(form_fields(pipeline))
    assert tuple(form)[: len(MAIN)] == MAIN
    assert {key for key in form if "section" not in form[key].schema} == set(MAIN)


def test_untouched_the_form_changes_nothing(pipeline):
    form = params_of(pipeline)
    answers = {key: param.resolve() for key, param in form.items()}

    config = filled_in(pipeline.model_dump(mode="json"), answers)

    assert config == pipeline.model_dump(mode="json")


def test_emptied_fields_mean_what_was_empty_before(pipeline):
    config = pipeline.model_dump(mode="json")

    assert filled_in(config, {"data.revision": None, "train.input_sizes": None}) == config


def test_answers_go_to_their_keys(pipeline):
    answers = {"train.trials": 3, "evaluate.gate": {"accuracy": 0.8}, "data.revision": "abc"}

    config = filled_in(pipeline.model_dump(mode="json"), answers)

    assert config["train"]["trials"] == 3
    assert config["evaluate"]["gate"] == {"accuracy": 0.8}
    assert config["data"] == {"name": "shapes", "revision": "abc"}


def test_a_value_of_the_yaml_can_be_emptied_in_the_form():
    pipeline = PipelineConfig(
        name="shapes", task="image_classification", data="shapes", train={"trials": 5}
    )

    config = filled_in(pipeline.model_dump(mode="json"), {"train.trials": None})

    assert config["train"]["trials"] is None


def test_parts_are_chosen_from_the_board(pipeline):
    form = params_of(pipeline)

    assert form["train.families"].schema["examples"] == list(FAMILIES)
    assert form["train.searcher"].schema["enum"] == list(SEARCHERS)


def test_targets_are_those_that_the_dag_has_tasks_for(pipeline):
    single_target = pipeline.model_copy(
        update={"deploy": pipeline.deploy.model_copy(update={"targets": ("device_sdk",)})}
    )

    form = params_of(single_target)

    assert form["deploy.targets"].schema["examples"] == ["device_sdk"]


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("train.trials", "many"),
        ("train.trials", 0),
        ("train.families", ["resnet"]),
        ("train.searcher", "luck"),
        ("deploy.max_drop", 2),
        ("etl.near_duplicates", "yes"),
    ],
)
def test_airflow_itself_refuses_what_has_the_wrong_type(pipeline, key, wrong):
    with pytest.raises(ParamValidationError):
        params_of(pipeline)[key].resolve(wrong)


def test_what_airflow_cannot_see_is_told_with_key_and_value(pipeline):
    answers = {"etl.splits.train": 0.9, "train.search_space.learning_rate.low": 5.0}

    with pytest.raises(ConfigError) as raised:
        filled_in(pipeline.model_dump(mode="json"), answers)

    assert "etl.splits" in raised.value.problem
    assert "train.search_space.learning_rate" in raised.value.problem
    assert "line" not in raised.value.problem


def test_the_form_says_what_the_pipeline_says(pipeline):
    named = pipeline.model_copy(
        update={"train": pipeline.train.model_copy(update={"families": ("squeezenet",)})}
    )

    assert 'says: ["squeezenet"]' in params_of(named)["train.families"].description
    assert "says" not in params_of(pipeline)["train.families"].description
