"""The grid shows a report's verdict by the state of a task of its own."""

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from operators.verdict import VerdictOperator
from stages.artifacts import Measure, Report
from stages.opening import open_store
from tests.operators.conftest import context
from tests.operators.test_notifications import Recorder


def reported(settings, verdict: str, reason: str) -> list[str]:
    """The reference of a report with that verdict."""
    report = Report(
        task="image_classification",
        labels=("cat", "dog"),
        verdict=verdict,
        reasons=(reason,),
        overall={"accuracy": Measure(value=0.8, low=0.7, high=0.9, n=50)},
        labels_measured={},
        threshold=0.5,
        gate={"accuracy": 0.7},
    )
    return list(open_store(settings).save(report))


def run(settings, verdict: str, reason: str, **arguments) -> str:
    inputs = {"report": reported(settings, verdict, reason)}
    return VerdictOperator(task_id="verdict", inputs=inputs, **arguments).execute(context())


def test_ship_is_green(settings):
    assert run(settings, "ship", "Good.").endswith("Good.")


def test_do_not_ship_is_red_with_the_reason(settings):
    with pytest.raises(AirflowFailException, match=r"Do not ship\. Recall is low\."):
        run(settings, "do not ship", "Recall is low.")


def test_undecided_is_neither(settings):
    with pytest.raises(AirflowSkipException, match=r"Undecided\. Too few\."):
        run(settings, "undecided", "Too few.")


def test_notifiers_get_the_verdict_whatever_it_is(settings):
    recorder = Recorder()

    run(settings, "ship", "Good.", notifiers=[recorder])
    with pytest.raises(AirflowFailException):
        run(settings, "do not ship", "Recall is low.", notifiers=[recorder])

    found = [(each["verdict"], each["reasons"]) for each in recorder.contexts]
    assert found == [("Ship", "Good."), ("Do not ship", "Recall is low.")]


def test_without_a_report_it_says_what_to_do(settings):
    task = VerdictOperator(task_id="verdict", inputs={"report": None})

    with pytest.raises(AirflowFailException, match=r"no report: evaluate made nothing"):
        task.execute(context())
