"""A person approves or refuses; whoever does not answer refuses."""

from datetime import UTC, datetime

import pytest
from airflow.sdk.exceptions import AirflowFailException

from operators.approval import ApproveOperator
from operators.base import run_name
from stages.artifacts import Ref
from stages.config import PipelineConfig
from stages.config.airflow import Approval
from stages.opening import open_store
from stages.runner.lock import keep, load_lock, new_lock
from stages.settings import Settings
from tests.operators.conftest import context
from tests.operators.test_verdict import reported

DONE = {"artifacts": {stage: Ref(stage, "0" * 64) for stage in ("etl", "train", "evaluate")}}


@pytest.fixture(autouse=True)
def workspace_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("AIWF_WORKSPACE", str(tmp_path))


def answered(choice: str, user: str | None):
    task = ApproveOperator(
        pipeline="flowers", approval=Approval(response_hours=12), inputs={"report": None}
    )
    event = {
        "chosen_options": [choice],
        "params_input": {},
        "responded_at": datetime.now(UTC),
        "responded_by_user": {"id": user, "name": user} if user else None,
    }
    return task.execute_complete(context(), event)


def test_an_approval_lets_the_packages_be_made():
    assert answered("Approve", "anna")["responded_by_user"]["name"] == "anna"


def test_a_refusal_ends_the_run_with_who_it_was():
    with pytest.raises(AirflowFailException, match=r"Refused by anna\. Nothing is shipped\."):
        answered("Reject", "anna")


def test_a_refusal_is_in_the_record_of_the_run_which_ends_with_it(tmp_path):
    settings = Settings(workspace=tmp_path)
    store, name = open_store(settings), run_name(context()["dag_run"])
    pipeline = PipelineConfig(name="shapes", task="image_classification", data="shapes")
    keep(new_lock(name, pipeline, pipeline).model_copy(update=DONE), store, settings)

    with pytest.raises(AirflowFailException):
        answered("Reject", "anna")

    lock = load_lock(name, store)
    assert lock.lacking == []
    assert set(lock.failed) == {"deploy_device_sdk", "deploy_cloud_api"}
    assert lock.failed["deploy_device_sdk"].problem == "Not deployed: Refused by anna."


def test_no_answer_is_a_refusal():
    with pytest.raises(AirflowFailException, match="Nobody answered in 12 hours"):
        answered("Reject", None)


def test_nobody_is_asked_about_a_model_that_the_report_refuses(tmp_path):
    reference = reported(Settings(workspace=tmp_path), "do not ship", "Recall is low.")
    task = ApproveOperator(pipeline="a", approval=Approval(), inputs={"report": reference})

    assert task.execute(context()) is None  # it would wait otherwise


def test_without_a_report_nobody_is_asked():
    task = ApproveOperator(pipeline="flowers", approval=Approval(), inputs={"report": None})

    with pytest.raises(AirflowFailException, match="no report: evaluate made nothing"):
        task.execute(context())
