"""Waits until a person has approved the report, before anything is packed."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.standard.exceptions import HITLRejectException
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.exceptions import AirflowFailException

from operators.base import run_name
from operators.failures import without_useless_retries
from operators.inputs import references
from operators.last_lines import end_with_the_error
from operators.notifications import notify_all
from operators.verdict import verdict_of
from stages.config.airflow import APPROVE, Approval
from stages.faults import translated
from stages.runtime.errors import GateNotMet, WorkflowError

log = logging.getLogger(__name__)


class ApproveOperator(ApprovalOperator):  # type: ignore[misc]
    """Shows the report's verdict and waits. A refusal, or no answer in time, fails this task, so
    the run ends as failed and its packages are not made. Nobody is asked about a model that the
    report refuses: deploy ends with that."""

    ui_color = "#f9d5e5"
    template_fields = ("inputs",)

    def __init__(
        self,
        *,
        pipeline: str,
        approval: Approval,
        inputs: dict[str, Any],
        notifiers: Sequence[BaseNotifier] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(
            task_id=APPROVE,
            subject=f"Ship the model of {pipeline}?",
            defaults=self.REJECT,
            response_timeout=timedelta(hours=approval.response_hours),
            assigned_users=[{"id": user, "name": user} for user in approval.assigned_users] or None,
            fail_on_reject=True,
            **kwargs,
        )
        end_with_the_error(self)
        self.own_notifiers = notifiers  # those of the base class fail the task if they fail
        self.hours = approval.response_hours
        self.inputs = inputs

    def execute(self, context: Any) -> Any:
        with without_useless_retries():
            found = verdict_of(references(self.inputs)["report"])
        if found.verdict == "do not ship":
            self.log.info("Nobody is asked, as nothing can be shipped: %s", found.text)
            return None
        self.body = "\n".join([f"**{found.headline}**", *(f"- {why}" for why in found.reasons)])
        notify_all(self.own_notifiers, {**context, "verdict": f"{self.subject} {found.headline}."})
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        try:
            return super().execute_complete(context, event)
        except HITLRejectException:
            who = (event.get("responded_by_user") or {}).get("name")
            why = (
                f"Refused by {who}."
                if who
                else f"Nobody answered in {self.hours:g} hours, which counts as refused."
            )
            _note(run_name(context["dag_run"]), why)
            raise AirflowFailException(f"{why} Nothing is shipped.") from None


def _note(run: str, why: str) -> None:
    """Note in the record of `run` that it was refused, so that nobody waits for its packages."""
    from stages.runner.stage import refuse_packages
    from stages.settings import Settings

    refused = GateNotMet(f"Not deployed: {why}", "Run again when the report is approved.")
    try:
        with translated():
            refuse_packages(run, refused, Settings())
    except WorkflowError as error:  # the refusal stands, whether or not it could be noted
        log.warning("The refusal could not be noted: %s", error)
