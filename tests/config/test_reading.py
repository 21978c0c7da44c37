"""What a pipeline YAML may say, and how a mistake in it is told."""

import os
from itertools import pairwise
from pathlib import Path

import pytest

from stages.config import named_pipeline, parse_pipeline, read_pipeline
from stages.runtime.errors import ConfigError

SMALLEST = "name: flowers\ntask: image_classification\ndata: flowers\n"


def problems(text: str, *changes: str) -> str:
    with pytest.raises(ConfigError) as raised:
        parse_pipeline(text, "flowers.yaml", changes)
    return str(raised.value)


def test_three_keys_are_enough():
    pipeline = parse_pipeline(SMALLEST)

    assert pipeline.data.name == "flowers"
    assert pipeline.deploy.targets == ("device_sdk", "cloud_api")


def test_data_may_name_its_revision():
    pipeline = parse_pipeline(SMALLEST.replace("data: flowers", "data: flowers@abc.dir"))

    assert pipeline.data.revision == "abc.dir"


def test_an_unknown_key_is_told_with_line_and_nearest():
    message = problems(SMALLEST + "train:\n  trails: 5\n")

    assert "flowers.yaml, line 5: train.trails" in message
    assert "Did you mean 'trials'?" in message


def test_an_unknown_part_is_told_with_the_nearest():
    message = problems(SMALLEST + "deploy: {targets: [device_skd]}\n")

    assert "line 4" in message
    assert "Did you mean 'device_sdk'?" in message


def test_an_unknown_augmentation_is_told_with_the_nearest():
    assert "Did you mean 'rotate'?" in problems(SMALLEST + "etl: {augmentations: [rotat]}\n")


def test_a_key_of_another_name_before_is_told_with_its_name_now():
    text = "train:\n  space: {head: [linear]}\n  finetune: {finalists: 1, space: {}}\n"

    message = problems(SMALLEST + text)

    assert "train.space: there is no such key. It is called 'search_space' now." in message
    assert "train.finetune.space: there is no such key. It is called 'search_space' now." in message
    assert "It is called 'candidates' now." in message


def test_every_mistake_is_told_at_once():
    message = problems("name: Flo wers\ntask: clasification\n")

    assert all(text in message for text in ("name:", "task:", "data: this key is required"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a\n- b\n", "a list"),
        ("", "empty"),
        ("just words", "a single value"),
        ("a: [1\nb: 2", "line 2: this is not YAML"),
    ],
)
def test_what_is_no_table_is_told(text, problem):
    assert problem in problems(text)


def test_changes_reach_any_key_and_are_checked():
    pipeline = parse_pipeline(SMALLEST, changes=("train.trials=3", "data.revision=r1"))

    assert pipeline.train.trials == 3
    assert (pipeline.data.name, pipeline.data.revision) == ("flowers", "r1")
    assert "no such key" in problems(SMALLEST, "train.trals=3")
    assert "is not a change" in problems(SMALLEST, "train.trials")


def test_shares_that_do_not_add_up_are_told():
    assert "add up to 1.200" in problems(SMALLEST + "etl: {splits: {train: 0.9}}\n")


def test_nothing_in_a_yaml_is_executed():
    assert "this is not YAML" in problems("name: !!python/object/apply:os.getcwd []\n")


def test_a_missing_file_offers_the_nearest(tmp_path):
    (tmp_path / "flowers.yaml").write_text(SMALLEST)

    with pytest.raises(ConfigError, match=r"flowers\.yaml"):
        read_pipeline(tmp_path / "flower.yaml")


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALLEST.encode())

    assert read_pipeline(path).name == "flowers"


def test_a_key_that_stands_twice_is_told_with_its_line():
    text = "name: a\ntask: image_classification\ndata: a\ntrain:\n  trials: 2\n  trials: 3\n"

    with pytest.raises(ConfigError, match=r"line 6: there is a second 'trials'"):
        parse_pipeline(text)


def test_a_key_that_stands_twice_in_a_table_of_a_list_is_told_with_its_line():
    text = SMALLEST + "etl:\n  expectations:\n  - type: a\n    kwargs: {}\n    type: b\n"

    with pytest.raises(ConfigError, match=r"line 8: there is a second 'type'"):
        parse_pipeline(text)


def test_a_text_that_is_nested_without_end_is_told():
    assert "nested too deep" in problems("name: " + "[" * 5000)


def test_labels_in_a_pipeline_are_text_as_written():
    gate = "evaluate: {gate: {recall of no: 0.5, recall of 007: 0.6}}\n"
    rule = "etl: {expectations: [{type: x, kwargs: {value_set: [no, yes, 007, 2020-01-01]}}]}\n"

    pipeline = parse_pipeline(SMALLEST + gate + rule)

    assert pipeline.evaluate.gate == {"recall of no": 0.5, "recall of 007": 0.6}
    assert pipeline.etl.expectations[0]["kwargs"]["value_set"] == ["no", "yes", "007", "2020-01-01"]


@pytest.mark.parametrize("scalar", ["no", "off", "false"])
def test_a_key_that_is_true_or_false_takes_the_older_words_too(scalar):
    assert not parse_pipeline(SMALLEST + f"etl: {{near_duplicates: {scalar}}}").etl.near_duplicates


def test_of_many_mistakes_twenty_are_told(tmp_path):
    message = problems(SMALLEST + f"deploy: {{ladder: [{', '.join(['int4'] * 5000)}]}}\n")

    assert len(message) < 10_000
    assert "and 4980 more mistakes" in message


@pytest.mark.parametrize("coding", ["utf-16", "utf-8-sig"])
def test_a_pipeline_may_begin_with_a_byte_order_mark(coding, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_bytes(SMALLEST.encode(coding))

    assert read_pipeline(path).name == "flowers"


@pytest.mark.parametrize("coding", ["utf-16-le", "latin-1"])
def test_a_pipeline_that_is_not_utf8_is_told(coding, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_bytes((SMALLEST + "# größe").encode(coding))

    with pytest.raises(ConfigError, match="Save it as UTF-8"):
        read_pipeline(path)


def test_a_pipe_is_no_pipeline_and_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "p.yaml")

    with pytest.raises(ConfigError, match="is not a file"):
        read_pipeline(tmp_path / "p.yaml")


def test_a_folder_is_no_pipeline(tmp_path):
    with pytest.raises(ConfigError, match="is a folder"):
        read_pipeline(tmp_path)


def test_a_value_that_aliases_blow_up_is_told_in_brief():
    rows = [f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]" for old, new in pairwise("abcdef")]
    text = "\n".join(["a: &a [x]", *rows, "name: *f"])

    assert len(problems(text)) < 2000


def test_a_section_that_is_no_table_is_told_in_words():
    assert "line 4: train: this key holds a table of keys; it is 5." in problems(
        SMALLEST + "train: 5\n"
    )


def test_a_list_of_one_unknown_name_is_one_mistake():
    assert len(problems(SMALLEST + "deploy: {ladder: [int4]}\n").splitlines()) == 1


def test_minutes_decide_nothing_once_the_trials_are_counted():
    short, long = (
        parse_pipeline(SMALLEST, changes=("train.trials=9", f"train.budget_minutes={minutes}"))
        for minutes in (5, 50)
    )

    assert short.slice("train") == long.slice("train")


@pytest.mark.parametrize(
    ("change", "start"),
    [
        ("train.trials=abc", "'train.trials=abc': train.trials: this has to be a whole number"),
        ("train.trails=3", "'train.trails=3': train.trails: there is no such key"),
        ("train.trials.x=3", "'train.trials.x=3': train.trials: this has to be a whole number"),
        ("deploy.ladder=[int8, int7]", "'deploy.ladder=[int8, int7]': deploy.ladder.1: No number"),
    ],
)
def test_an_error_in_a_change_names_the_change_and_no_line(change, start):
    message = problems(SMALLEST + "train:\n  trials: 5\n", change)

    assert message.startswith(start)
    assert "flowers.yaml" not in message


def test_an_error_beside_a_change_names_the_line():
    message = problems(SMALLEST + "train:\n  trials: none\n", "train.seed=3")

    assert message.startswith("flowers.yaml, line 5: train.trials")


@pytest.mark.parametrize("value", ["squeezenet", "[squeezenet]"])
def test_one_value_where_a_list_is_expected_is_a_list_of_one(value):
    in_yaml = parse_pipeline(SMALLEST + f"train: {{families: {value}, input_sizes: 64}}\n").train
    as_change = parse_pipeline(SMALLEST, changes=(f"train.families={value}",)).train

    assert in_yaml.families == as_change.families == ("squeezenet",)
    assert in_yaml.input_sizes == (64,)


def test_one_value_is_no_list_where_a_table_or_nothing_is_expected():
    assert "table of keys" in problems(SMALLEST + "train: squeezenet\n")
    assert parse_pipeline(SMALLEST + "schedule: '@daily'\n").schedule == "@daily"


def test_a_pipeline_is_found_by_its_name(tmp_path):
    (tmp_path / "flowers.yaml").write_text(SMALLEST)

    assert named_pipeline(Path("flowers"), tmp_path) == tmp_path / "flowers.yaml"
    assert named_pipeline(Path("trees"), tmp_path) == Path("trees")
    assert named_pipeline(Path("flowers.yaml"), tmp_path) == Path("flowers.yaml")
    assert named_pipeline(Path("other/flowers"), tmp_path) == Path("other/flowers")


def test_a_file_goes_before_a_pipeline_of_that_name(tmp_path, monkeypatch):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "flowers.yaml").write_text(SMALLEST)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flowers").write_text(SMALLEST)

    assert named_pipeline(Path("flowers"), tmp_path / "pipelines") == Path("flowers")
