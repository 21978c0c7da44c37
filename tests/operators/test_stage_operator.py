"""An operator hands a stage its references and gives one back; what a retry cannot mend ends."""

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from operators.base import StageOperator, run_name
from operators.deploy import DeployOperator
from operators.etl import EtlOperator
from operators.evaluate import EvaluateOperator
from operators.links import PAGES, PageLink, RunLink, links_of
from operators.train import TrainOperator
from stages.artifacts import Ref
from stages.opening import open_store
from stages.runtime.errors import InfrastructureError
from tests.operators.conftest import DagRun, context


def test_a_task_gives_back_a_reference_to_what_the_stage_made(settings, pipeline):
    task = EtlOperator(task_id="etl", config=pipeline, inputs={})

    reference = task.execute(context("made"))

    kind, id = reference
    assert kind == "dataset"
    assert open_store(settings).load(Ref(kind, id)).labels == ("circle", "square", "triangle")


def test_a_task_points_to_its_run_and_its_page(settings, pipeline):
    task = EtlOperator(task_id="etl", config=pipeline, inputs={})
    task_context = context("links")

    task.execute(task_context)

    xcoms = task_context["ti"].xcoms
    assert f":{settings.mlflow_port}/#/experiments/" in xcoms[RunLink().xcom_key]
    assert "/artifacts/page.html" in xcoms[PageLink("Data page").xcom_key]


def test_work_that_was_done_before_is_found_with_its_links(settings, pipeline):
    first, again = context("first"), context("again")

    reference = EtlOperator(task_id="etl", config=pipeline, inputs={}).execute(first)
    found = EtlOperator(task_id="etl", config=pipeline, inputs={}).execute(again)

    assert found == reference
    assert again["ti"].xcoms == first["ti"].xcoms


def test_an_answer_in_the_form_changes_the_config(settings, pipeline):
    task = EtlOperator(task_id="etl", config=pipeline, inputs={})

    plain, changed = task.execute(context("plain")), task.execute(context("seed", etl__seed=7))

    assert changed != plain
    assert open_store(settings).load(Ref(*changed)).seed == 7


def test_an_answer_that_cannot_be_fails_at_once_with_its_key(settings, pipeline):
    task = EtlOperator(task_id="etl", config=pipeline, inputs={})

    with pytest.raises(AirflowFailException, match=r"etl\.splits.*add up to 1\.300"):
        task.execute(context("wrong", etl__splits__train=1.0))


def test_what_only_a_person_can_mend_is_not_tried_again(settings, pipeline):
    pipeline["data"]["name"] = "nowhere"
    task = EtlOperator(task_id="etl", config=pipeline, inputs={})

    with pytest.raises(AirflowFailException, match="nowhere") as raised:
        task.execute(context("nowhere"))

    assert "aiwf data add" in str(raised.value)


def test_what_a_retry_may_mend_is_left_to_airflow(settings, pipeline, monkeypatch):
    monkeypatch.setenv("AIWF_MLFLOW", "http://127.0.0.1:9")  # a server that is away for a while
    pipeline["etl"]["seed"] = 99
    task = EtlOperator(task_id="etl", config=pipeline, inputs={})

    with pytest.raises(InfrastructureError):
        task.execute(context("away"))


def test_every_stage_links_to_the_page_that_it_makes():
    names = [[link.name for link in links_of(stage)] for stage in PAGES]

    assert names == [
        ["MLflow run", "Data page"],
        ["MLflow run", "Trials"],
        ["MLflow run", "Report"],
        ["MLflow run", "Package page"],
    ]


@pytest.mark.parametrize("left", [None, [], ["dataset"], "dataset", ["dataset", None]])
def test_a_task_marked_success_by_hand_is_told_downstream(settings, pipeline, left):
    task = TrainOperator(task_id="train", config=pipeline, inputs={"dataset": left})

    with pytest.raises(AirflowFailException, match=r"no dataset: etl made nothing.*by hand") as no:
        task.execute(context("byhand"))

    assert "Clear etl" in str(no.value)


def test_each_task_that_left_nothing_is_named(settings, pipeline):
    dataset = EtlOperator(task_id="etl", config=pipeline, inputs={}).execute(context("made"))
    inputs = {"model": None, "report": None, "dataset": dataset}
    task = DeployOperator(task_id="d", config=pipeline, inputs=inputs, target="device_sdk")

    with pytest.raises(AirflowFailException, match="no model and no report: train and evaluate"):
        task.execute(context("byhand"))


def test_a_target_that_the_run_does_not_ask_for_is_skipped(settings, pipeline):
    task = DeployOperator(task_id="deploy", config=pipeline, inputs={}, target="cloud_api")

    with pytest.raises(AirflowSkipException, match="cloud_api"):
        task.execute(context("skip", deploy__targets=["device_sdk"]))


@pytest.mark.parametrize("kind", [EtlOperator, TrainOperator, EvaluateOperator, DeployOperator])
def test_every_operator_is_the_bridge_with_a_stage_of_the_board(kind):
    from stages.parts import STAGES

    assert issubclass(kind, StageOperator)
    assert kind.stage in STAGES


def test_a_run_has_a_name_that_is_safe_in_files():
    name = run_name(DagRun("digits", "manual__2026-11-22T14:30:50.1+00:00 ../x"))

    assert name == "digits-manual__2026-11-22T14-30-50.1-00-00-..-x"
    assert "/" not in name
