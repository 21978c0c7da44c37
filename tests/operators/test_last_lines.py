"""The log of a failed task ends with what was wrong and what to do."""

import logging

import pytest
from airflow.sdk.exceptions import AirflowFailException

from operators.etl import EtlOperator
from operators.last_lines import log_error
from operators.unreadable import UnreadableOperator
from operators.verdict import VerdictOperator
from stages.runtime.errors import ConfigError, InfrastructureError


@pytest.mark.parametrize(
    "error",
    [
        InfrastructureError("The store is away.", "Start it."),
        AirflowFailException(str(ConfigError("The store is away.", "Start it."))),
    ],
)
def test_problem_and_remedy_are_lines_outside_of_airflow_s_fold(error, caplog):
    with caplog.at_level(logging.INFO):
        log_error({"exception": error})

    assert caplog.messages == ["::endgroup::", "The store is away.", "Start it."]


@pytest.mark.parametrize("context", [{}, {"exception": ValueError("x")}, {"exception": "killed"}])
def test_what_is_no_error_of_ours_is_left_to_airflow(context, caplog):
    with caplog.at_level(logging.INFO):
        log_error(context)

    assert not caplog.messages


def of_the_pipeline(context):
    """A callback as a pipeline may have. `print` would not do: Ray puts its own in its place."""


@pytest.mark.parametrize(
    "task",
    [
        EtlOperator(task_id="etl", config={}, inputs={}, on_failure_callback=of_the_pipeline),
        UnreadableOperator(task_id="unreadable", problem="x", on_failure_callback=of_the_pipeline),
        VerdictOperator(task_id="verdict", inputs={}, on_failure_callback=of_the_pipeline),
    ],
    ids=lambda task: task.task_id,
)
def test_each_task_ends_with_it_after_the_callbacks_that_it_has(task):
    assert task.on_failure_callback == [of_the_pipeline, log_error]
    assert task.on_retry_callback == [log_error]
