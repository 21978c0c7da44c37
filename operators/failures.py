"""Tells Airflow whether another try of a task helps."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException

from stages.runtime.errors import WorkflowError


@contextmanager
def without_useless_retries() -> Iterator[None]:
    """Let a WorkflowError of the block that no retry repairs fail the task at once; others pass, so
    that Airflow tries the task again."""
    try:
        yield
    except WorkflowError as error:
        if error.retry_helps:
            raise
        raise AirflowFailException(str(error)) from None
