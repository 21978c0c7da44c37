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
    """Write YAMLs by file name, and read them as Airflow's DAG processor does: the DAGs with `tag`,
    or all of them."""

    def parsed(tag: str = "pipeline", **texts: str):
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        monkeypatch.setenv("AIWF_PIPELINES", str(tmp_path))
        from airflow.sdk import DAG

        names = runpy.run_path(str(DAGS))
        dags = [dag for dag in names.values() if isinstance(dag, DAG)]
        return {dag.dag_id: dag for dag in dags if not tag or tag in dag.tags}

    return parsed


def test_each_yaml_is_a_dag_with_its_schedule(parse):
    dags = parse(
        one=PIPELINE.format("flowers"), two=PIPELINE.format("birds") + "schedule: '0 3 * * 1'\n"
    )

    assert set(dags) == {"flowers", "birds"}
    assert "0 3 * * 1" in str(dags["birds"].schedule)
    assert dags["flowers"].schedule is None
    assert not dags["birds"].catchup


def test_beside_a_pipeline_there_is_a_dag_for_samples_of_one_s_own_and_one_for_arrivals(parse):
    watching = PIPELINE.format("flowers") + "airflow: {watch_folder: /srv/incoming}\n"

    dags = parse("", one=watching, two=PIPELINE.format("birds"))

    assert set(dags) == {
        *("flowers", "flowers_evaluate", "flowers_arrival", "birds", "birds_evaluate")
    }
    assert set(dags["flowers_evaluate"].params) == {"samples", "subject", "gate"}
    assert dags["birds_evaluate"].schedule is None


def test_a_pipeline_that_is_called_as_a_dag_of_another_is_told(parse):
    dags = parse(one=PIPELINE.format("flowers"), two=PIPELINE.format("flowers_evaluate"))

    assert set(dags) == {"flowers", "two.yaml"}
    assert "flowers_evaluate" in dags["two.yaml"].doc_md


def uris(condition) -> set[str]:
    return {asset.uri for asset in getattr(condition, "objects", condition)}


def test_new_data_start_a_run_where_the_yaml_says_so(parse):
    on_data = PIPELINE.format("flowers") + "airflow: {on_data_change: true}\n"
    either = PIPELINE.format("birds") + "airflow: {on_data_change: true}\nschedule: '@daily'\n"

    dags = parse(one=on_data, two=either)

    assert uris(dags["flowers"].schedule) == {"aiwf://data/shapes"}
    assert uris(dags["birds"].schedule.asset_condition) == {"aiwf://data/shapes"}
    assert "0 0 * * *" in str(dags["birds"].schedule.timetable)
    assert "when `shapes` has a new revision" in dags["birds"].doc_md


def test_what_arrives_in_a_folder_becomes_data_that_start_the_pipeline(parse):
    watching = PIPELINE.format("flowers") + "airflow: {watch_folder: /srv/new ones}\n"

    dags = parse("", one=watching)

    [folder] = dags["flowers_arrival"].schedule
    assert folder.uri == "aiwf://folder/srv/new%20ones"
    assert folder.watchers[0].trigger.serialize()[1]["folder"] == "/srv/new ones"
    [task] = dags["flowers_arrival"].tasks
    assert uris(task.outlets) == uris(dags["flowers"].schedule) == {"aiwf://data/shapes"}


def test_raw_data_the_model_and_the_packages_are_assets(parse):
    [dag] = parse(one=PIPELINE.format("flowers")).values()

    outlets = {task.task_id: uris(task.outlets) for task in dag.tasks if task.outlets}
    assert uris(dag.task_dict["etl"].inlets) == {"aiwf://data/shapes"}
    assert outlets == {
        "train": {"aiwf://model/flowers"},
        "deploy_device_sdk": {"aiwf://package/flowers/device_sdk"},
        "deploy_cloud_api": {"aiwf://package/flowers/cloud_api"},
    }


def test_nothing_is_packed_before_a_person_approves(parse):
    text = "airflow: {approval: {assigned_users: [anna, bo], response_hours: 24}}\n"

    [dag] = parse(one=PIPELINE.format("flowers") + text).values()

    approve = dag.task_dict["approve"]
    assert approve.upstream_task_ids == {"evaluate"}
    assert approve.downstream_task_ids == {"deploy_device_sdk", "deploy_cloud_api"}
    assert [user["id"] for user in approve.assigned_users] == ["anna", "bo"]
    assert approve.defaults == ["Reject"]
    assert approve.response_timeout.total_seconds() == 24 * 3600
    assert dag.max_active_runs > 1  # a run that waits holds back no newer one
    assert "anna, bo" in dag.doc_md


def test_pools_are_used_only_where_they_are_there(parse, monkeypatch):
    watching = PIPELINE.format("flowers") + "airflow: {watch_folder: /srv/incoming}\n"

    without = parse("", one=watching)
    monkeypatch.setenv("AIWF_POOLS", "yes")
    within = parse("", one=watching)

    assert {task.pool for dag in without.values() for task in dag.tasks} == {"default_pool"}
    assert within["flowers"].task_dict["train"].pool == "aiwf_training"
    assert within["flowers_arrival"].task_dict["add_data"].pool == "aiwf_data"


def test_notifiers_are_called_for_what_the_yaml_names(parse):
    text = "{http_conn_id: ops}"
    named = f"airflow: {{approval: {{}}, notify: [{{arguments: {text}, events: NAMES}}]}}\n"
    yaml = PIPELINE.format("flowers") + named

    [on_failure] = parse(one=yaml.replace("NAMES", "[failure]")).values()
    [on_verdict] = parse(one=yaml.replace("NAMES", "verdict")).values()

    count = {task.task_id: len(task.on_failure_callback) for task in on_failure.tasks}
    plain = {task.task_id: len(task.on_failure_callback) for task in on_verdict.tasks}
    assert {task for task in count if count[task] > plain[task]} == set(count) - {"verdict"}
    assert len(on_verdict.task_dict["verdict"].notifiers) == 1
    assert not on_failure.task_dict["verdict"].notifiers


@pytest.mark.parametrize(
    ("notifier", "message"),
    [
        ("{notifier: nowhere.at.All}", "nowhere.at.All"),
        ("{notifier: pathlib.Path}", "not a notifier"),
        ("{arguments: {adress: x}}", "adress"),
    ],
)
def test_a_notifier_that_cannot_be_used_is_told(parse, notifier, message):
    dags = parse(
        good=PIPELINE.format("flowers"),
        bad=PIPELINE.format("bad") + f"airflow: {{notify: [{notifier}]}}\n",
    )

    assert set(dags) == {"flowers", "bad.yaml"}
    assert message in dags["bad.yaml"].doc_md


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
        (
            PIPELINE.format("bad") + "schedule: '@once'\nairflow: {on_data_change: true}\n",
            "@once",
        ),
        (
            PIPELINE.format("bad").replace("shapes", "shapes@1234")
            + "airflow: {on_data_change: true}\n",
            "data@1234",
        ),
        (PIPELINE.format("bad") + "airflow: {watch_folder: incoming}\n", "not an absolute path"),
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

    assert {f"{dag.dag_id}_evaluate" for dag in dags if "pipeline" in dag.tags} <= {
        dag.dag_id for dag in dags
    }
    assert {"digits", "solar_cells"} <= {dag.dag_id for dag in dags}
    assert not [dag for dag in dags if "broken" in dag.tags]


def test_parsing_loads_nothing_heavy_beyond_airflow_itself(tmp_path):
    every = (
        "airflow: {on_data_change: true, watch_folder: /srv/incoming, approval: {}, "
        "notify: [{arguments: {http_conn_id: ops}}]}\n"
    )
    (tmp_path / "every.yaml").write_text(PIPELINE.format("every") + every)
    script = f"import runpy, sys; runpy.run_path({str(DAGS)!r}); print(*sys.modules)"

    shown = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "AIWF_PIPELINES": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = {name.partition(".")[0] for name in shown.stdout.split()}
    assert not loaded & set(HEAVY.split())
