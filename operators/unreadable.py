"""A placeholder task for a pipeline whose YAML cannot be read."""

from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from operators.last_lines import end_with_the_error


class UnreadableOperator(BaseOperator):  # type: ignore[misc]
    """Fails with what is wrong in the YAML."""

    ui_color = "#f7c9c4"

    def __init__(self, *, problem: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        end_with_the_error(self)
        self.problem = problem

    def execute(self, context: Any) -> None:
        raise AirflowFailException(self.problem)
