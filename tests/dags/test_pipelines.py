"""One DAG for each YAML: edges, form, schedule; a broken one takes no other along."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

DAGS = Path(__file__).parents[2] / "dags" / "pipelines.py"
HEAVY = """
    paddle ray mlflow great_expectations dvc cv2 onnxruntime onnx pandas sklearn matplotlib
    numpy PIL optuna pydantic_settings
"""
PIPELINE = "name: {}\ntask: image_classification\ndata: shapes\n"


@pytest.fixture
def parse(tmp_path, monkeypatch):
    """Write YAMLs by file name, and read them as Airflow's DAG processor does."""

    def parsed(**texts: str):
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        monkeypatch.setenv("AIWF_PIPELINES", str(tmp_path))
        from airflow.sdk import DAG

        names = runpy.run_path(str(DAGS))
        return {dag.dag_id: dag for dag in names.values() if isinstance(dag, DAG)}

    return parsed


def test_each_yaml_is_a_dag_with_its_schedule(parse):
    dags = parse(
        one=PIPELINE.format("flowers"), two=PIPELINE.format("birds") + "schedule: '0 3 * * 1'\n"
    )

    assert set(dags) == {"flowers", "birds"}
    assert "0 3 * * 1" in str(dags["birds"].schedule)
    assert dags["flowers"].schedule is None
    assert not dags["birds"].catchup


def test_edges_follow_what_each_stage_needs(parse):
    [dag] = parse(one=PIPELINE.format("flowers")).values()

    after = {task.task_id: task.downstream_task_ids for task in dag.tasks}
    deploys = {"deploy_device_sdk", "deploy_cloud_api"}
    assert after["etl"] == {"train", "evaluate", *deploys}
    assert after["train"] == {"evaluate", *deploys}
    assert after["evaluate"] == {"verdict", *deploys}
    assert after["verdict"] == set()
    assert all(after[deploy] == set() for deploy in deploys)


def test_each_target_is_a_task_of_its_own(parse):
    [dag] = parse(one=PIPELINE.format("flowers") + "deploy: {targets: [device_sdk]}\n").values()

    assert [task for task in dag.task_ids if "deploy" in task] == ["deploy_device_sdk"]


def test_the_form_has_the_pipelines_own_values(parse):
    [dag] = parse(one=PIPELINE.format("flowers") + "train: {trials: 7}\n").values()

    assert dag.params["train.trials"] == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a list\n", "a list"),
        (PIPELINE.format("bad") + "trian: {}\n", "trian"),
        (PIPELINE.format("bad") + "schedule: every now and then\n", "every now and then"),
        ("name: [", "YAML"),
        ("", "empty"),
    ],
)
def test_a_broken_yaml_stands_there_with_what_is_wrong_and_harms_no_other(parse, text, message):
    dags = parse(good=PIPELINE.format("flowers"), bad=text)

    assert set(dags) == {"flowers", "bad.yaml"}
    assert message in dags["bad.yaml"].doc_md
    assert "broken" in dags["bad.yaml"].tags


@pytest.mark.parametrize(
    "names",
    [
        ("x" * 246, "x" * 245 + "y"),
        ("two words", "two_words", "two\twords"),
        ("größe 1", "größe-1", "\udcff"),
        ("," * 100, ";" * 100),
    ],
    ids=["long", "spaces", "other letters", "only signs"],
)
def test_whatever_a_broken_file_is_called_each_stands_there(parse, names):
    dags = parse(good=PIPELINE.format("flowers"), **dict.fromkeys(names, "name: ["))

    assert len(dags) == 1 + len(names)
    assert all(dag_id == "flowers" or dag_id.endswith(".yaml") for dag_id in dags)
    assert all(dag.doc_md.encode() for dag in dags.values())


def test_a_name_of_251_letters_is_told_and_harms_no_other(parse):
    dags = parse(good=PIPELINE.format("flowers"), bad=PIPELINE.format("a" * 251))

    assert set(dags) == {"flowers", "bad.yaml"}
    assert "is not a name" in dags["bad.yaml"].doc_md


def test_when_the_time_for_reading_is_over_the_others_are_read_nevertheless(parse, monkeypatch):
    from airflow.sdk.exceptions import AirflowTaskTimeout

    import stages.config

    def read(path, read=stages.config.read_pipeline):
        if path.name == "slow.yaml":
            raise AirflowTaskTimeout("DagBag import timeout")  # as its alarm does, anywhere
        return read(path)

    monkeypatch.setattr(stages.config, "read_pipeline", read)
    dags = parse(
        good=PIPELINE.format("flowers"),
        slow=PIPELINE.format("slow"),
        zebra=PIPELINE.format("zebras"),
    )

    assert set(dags) == {"flowers", "slow.yaml", "zebras"}
    assert "dagbag_import_timeout" in dags["slow.yaml"].doc_md


def test_a_pipe_among_the_pipelines_is_told_and_not_opened(parse, tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")

    assert "is not a file" in parse(good=PIPELINE.format("flowers"))["pipe.yaml"].doc_md


def test_running_a_broken_pipeline_says_what_is_wrong(parse):
    from airflow.sdk.exceptions import AirflowFailException

    [dag] = parse(bad="- a list\n").values()

    with pytest.raises(AirflowFailException, match="a list"):
        dag.task_dict["read_pipeline"].execute({})


def test_two_pipelines_with_one_name_are_told(parse):
    dags = parse(one=PIPELINE.format("flowers"), two=PIPELINE.format("flowers"))

    assert set(dags) == {"flowers", "two.yaml"}
    assert "flowers" in dags["two.yaml"].doc_md


@pytest.mark.parametrize("name", ["path", "dag", "error", "os"])
def test_a_pipeline_may_be_called_as_a_name_of_the_dag_file_is(parse, name):
    assert set(parse(one=PIPELINE.format(name))) == {name}


def test_the_page_of_a_dag_says_what_it_does(parse):
    [dag] = parse(one=PIPELINE.format("flowers") + "evaluate: {gate: {accuracy: 0.8}}\n").values()

    assert "accuracy ≥ 0.8" in dag.doc_md
    assert "searches over all families" in dag.doc_md


def test_the_pipelines_of_this_project_can_be_read():
    from airflow.sdk import DAG

    dags = [dag for dag in runpy.run_path(str(DAGS)).values() if isinstance(dag, DAG)]

    assert {"digits", "solar_cells"} <= {dag.dag_id for dag in dags}
    assert not [dag for dag in dags if "broken" in dag.tags]


def test_parsing_loads_nothing_heavy_beyond_airflow_itself():
    script = f"import runpy, sys; runpy.run_path({str(DAGS)!r}); print(*sys.modules)"

    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    loaded = {name.partition(".")[0] for name in shown.stdout.split()}
    assert not loaded & set(HEAVY.split())
