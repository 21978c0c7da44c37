"""The trigger form has every key of a pipeline, typed and described, and reads back to a config."""

import pytest
from airflow.sdk.exceptions import ParamValidationError

from operators.form import MAIN, filled_in, params_of
from stages.config import PipelineConfig, form_fields
from stages.etl import source
from stages.parts import FAMILIES, SEARCHERS, TASKS
from stages.runtime.errors import ConfigError


@pytest.fixture
def pipeline() -> PipelineConfig:
    return PipelineConfig(name="shapes", task="image_classification", data="shapes")


def test_every_key_is_in_the_form_and_the_main_ones_come_first(pipeline):
    form = params_of(pipeline)

    assert set(form) == set(form_fields(pipeline))
    assert tuple(form)[: len(MAIN)] == tuple(MAIN)
    assert len(MAIN) <= 10
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
    answers = {"train.trials": 3, "evaluate.gate": "accuracy=0.8", "data.revision": "abc"}

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

    assert set(form["train.families"].schema["examples"]) < set(FAMILIES)
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


@pytest.mark.parametrize("task", list(TASKS))
def test_untouched_the_form_of_every_task_changes_nothing(task):
    full = {"other": "auto"} if task == "image_classification" else {}
    pipeline = PipelineConfig(name="a", task=task, data="a@f00d", train=full).model_dump(
        mode="json"
    )
    form = params_of(PipelineConfig.model_validate(pipeline))

    assert filled_in(pipeline, {key: param.resolve() for key, param in form.items()}) == pipeline


@pytest.mark.parametrize("task", list(TASKS))
def test_families_are_those_of_the_task(task):
    form = params_of(PipelineConfig(name="a", task=task, data="a"))

    for key in ("train.families", "train.finetune.families"):
        names = form[key].schema["examples"]
        assert ("nanodet" in names) == (task == "object_detection")
        assert ("yamnet" in names) == (task == "sound_classification") or task.startswith("image")
        with pytest.raises(ParamValidationError):
            form[key].resolve(["small_image" if task == "object_detection" else "nanodet"])


def test_a_family_of_another_task_in_the_yaml_does_not_break_the_form(pipeline):
    wrong = pipeline.model_copy(
        update={"train": pipeline.train.model_copy(update={"families": ("nanodet",)})}
    )

    assert params_of(wrong)["train.families"].resolve() == ["nanodet"]


def test_no_field_is_an_editor_of_json(pipeline):
    for key, param in params_of(pipeline).items():
        kinds = param.schema["type"] if isinstance(param.schema["type"], list) else []
        shown = next((kind for kind in kinds if kind != "null"), param.schema["type"])
        assert shown != "object", key
        if shown == "array":
            assert param.schema["items"]["type"] == "string", key
        if len([kind for kind in kinds if kind != "null"]) > 1:
            assert "examples" in param.schema, key  # without, it would be a box for JSON


@pytest.mark.parametrize(
    ("key", "line", "value"),
    [
        ("evaluate.gate", "accuracy=0.9, recall of every label=80 %",
         {"accuracy": 0.9, "recall of every label": 0.8}),
        ("evaluate.gate", "accuracy: 0.9\nmacro_f1 >= 0.7", {"accuracy": 0.9, "macro_f1": 0.7}),
        ("evaluate.gate", "recall of 'a, b: c=2'=.5", {"recall of a, b: c=2": 0.5}),
        ("evaluate.gate", '{"accuracy": 0.9}', {"accuracy": 0.9}),
        ("train.input_sizes", "128, 224", [128, 224]),
        ("train.input_sizes", "[128]", [128]),
        ("train.search_space.batch_size", "16", [16]),
        ("etl.augmentations", "[{rotate: {degrees: 5}}, {colour: {}}]",
         [{"rotate": {"degrees": 5}}, {"colour": {}}]),
        ("etl.augmentations", " ", []),
    ],
)  # fmt: skip
def test_a_line_of_text_becomes_the_value_that_it_stands_for(pipeline, key, line, value):
    filled = filled_in(pipeline.model_dump(mode="json"), {key: line})

    for part in key.split("."):
        filled = filled[part]
    assert filled == value


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"evaluate.gate": "accuracy=0,9"}, "'9' does not begin with a metric"),
        ({"evaluate.gate": "accuracy"}, "'accuracy' does not begin"),
        ({"evaluate.gate": "accuracy=0.9.1"}, "does not begin"),
        ({"evaluate.gate": "accuracy=0.9, accuracy=0.8"}, "'accuracy' is there twice"),
        ({"evaluate.gate": "acuracy=0.9"}, "no metric is called 'acuracy'"),
        ({"evaluate.gate": "accuracy=90"}, "at most 1.0; it is 90"),
        ({"train.input_sizes": "big"}, "train.input_sizes"),
        ({"train.input_sizes": "1], [2"}, "train.input_sizes"),
        ({"train.budget_minuts": 5}, "Did you mean 'train.budget_minutes'"),
        ({"name": "other"}, "'name' is not a setting of a run"),
        ({"train.budget_minutes": 0}, "train.budget_minutes"),
    ],
)
def test_an_answer_that_cannot_be_is_told_in_a_sentence(pipeline, answers, message):
    with pytest.raises(ConfigError) as raised:
        filled_in(pipeline.model_dump(mode="json"), answers)

    assert message in str(raised.value)
    assert "schema" not in str(raised.value)


def test_data_sets_and_revisions_are_suggested_and_a_newer_one_can_be_typed(settings):
    own = PipelineConfig(name="a", task="image_classification", data="shapes")
    [revision] = source.revisions("shapes", settings)

    form = params_of(own)

    assert form["data.name"].schema["examples"] == ["shapes"]
    assert form["data.revision"].schema["examples"] == [revision.revision[:8]]
    assert form["data.revision"].resolve("0123abcd") == "0123abcd"
    assert form["data.name"].resolve("added_later") == "added_later"


def test_a_damaged_list_of_revisions_leaves_the_form_as_it_is(tmp_path, monkeypatch, pipeline):
    monkeypatch.setenv("AIWF_WORKSPACE", str(tmp_path))
    (tmp_path / "data" / "shapes").mkdir(parents=True)
    (tmp_path / "data" / "shapes" / "revisions.json").write_text("{")

    form = params_of(pipeline)

    assert "examples" not in form["data.revision"].schema
    assert form["data.name"].schema["examples"] == ["shapes"]


def test_what_is_open_has_a_title_in_words_and_the_key_of_the_yaml(pipeline):
    form = params_of(pipeline)

    for key in MAIN:
        assert form[key].schema["title"] != key
        assert key in form[key].description
    assert "(minutes)" in form["train.budget_minutes"].schema["title"]
