"""Ends the log of a failed task with what was wrong and what to do.

Airflow logs a traceback of its own code below what a task has said. What it runs after that, and
into the same log, are a task's callbacks."""

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from stages.runtime.errors import WorkflowError
from stages.runtime.neutral import shown

END_OF_GROUP = "::endgroup::"  # Airflow's page folds what is logged after the task's own work


def end_with_the_error(task: BaseOperator) -> None:
    """Let the log of `task` end with its error, after a failure and before another try; callbacks
    that the task has are run before."""
    task.on_failure_callback = [*task.on_failure_callback, log_error]
    task.on_retry_callback = [*task.on_retry_callback, log_error]


def log_error(context: Mapping[str, Any]) -> None:
    """Log the error of `context` in lines of its own. Others than ours have no such sentence."""
    error = context.get("exception")
    if isinstance(error, AirflowFailException | WorkflowError):
        log = logging.getLogger(__name__)
        log.info(END_OF_GROUP)
        for line in filter(None, str(error).splitlines()):
            log.error(shown(line))
