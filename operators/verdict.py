"""Shows a report's verdict in Airflow's grid: evaluate's own colour says only that it ran."""

from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from operators.inputs import references
from stages.runtime.errors import WorkflowError


class VerdictOperator(BaseOperator):  # type: ignore[misc]
    """Succeeds if the report says ship, fails if it says do not ship, and is skipped if it is
    undecided. No task depends on it: what is deployed is decided by deploy."""

    ui_color = "#f6e7b4"
    template_fields = ("inputs",)

    def __init__(self, *, inputs: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inputs = inputs

    def execute(self, context: Any) -> str:
        from stages.evaluate import formatting
        from stages.opening import open_store
        from stages.settings import Settings

        try:
            report = open_store(Settings()).load(references(self.inputs)["report"])
        except WorkflowError as error:
            if error.retry_helps:
                raise
            raise AirflowFailException(str(error)) from None
        headline = formatting.capital(formatting.headline(report.verdict, bool(report.gate)))
        text = " ".join([f"{headline}.", *report.reasons])
        if report.verdict == "do not ship":
            raise AirflowFailException(text)
        if report.verdict == "undecided":
            raise AirflowSkipException(text)
        return text
