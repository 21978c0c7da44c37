"""The grid shows a report's verdict by the state of a task of its own."""

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from operators.verdict import VerdictOperator
from stages.artifacts import Measure, Report
from stages.opening import open_store
from tests.operators.conftest import context


def run(settings, verdict: str, reason: str) -> str:
    store = open_store(settings)
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
    ref = store.save(report)
    task = VerdictOperator(task_id="verdict", inputs={"report": list(ref)})
    return task.execute(context())


def test_ship_is_green(settings):
    assert run(settings, "ship", "Good.").endswith("Good.")


def test_do_not_ship_is_red_with_the_reason(settings):
    with pytest.raises(AirflowFailException, match=r"Do not ship\. Recall is low\."):
        run(settings, "do not ship", "Recall is low.")


def test_undecided_is_neither(settings):
    with pytest.raises(AirflowSkipException, match=r"Undecided\. Too few\."):
        run(settings, "undecided", "Too few.")


def test_without_a_report_it_says_what_to_do(settings):
    task = VerdictOperator(task_id="verdict", inputs={"report": None})

    with pytest.raises(AirflowFailException, match=r"no report: evaluate made nothing"):
        task.execute(context())
