"""Shows a report's verdict in Airflow's grid: evaluate's own colour says only that it ran."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from airflow.sdk import BaseOperator
from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from operators.failures import without_useless_retries
from operators.inputs import references
from operators.last_lines import end_with_the_error
from operators.notifications import notify_all
from stages.artifacts import Ref


class Verdict(NamedTuple):
    """A report's verdict: 'ship', 'do not ship' or 'undecided', in words, and its reasons."""

    verdict: str
    headline: str
    reasons: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join([f"{self.headline}.", *self.reasons])


class VerdictOperator(BaseOperator):  # type: ignore[misc]
    """Succeeds if the report says ship, fails if it says do not ship, and is skipped if it is
    undecided. No task depends on it: what is deployed is decided by deploy. `notifiers` are called
    with the verdict."""

    ui_color = "#f6e7b4"
    template_fields = ("inputs",)

    def __init__(
        self, *, inputs: dict[str, Any], notifiers: Sequence[BaseNotifier] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        end_with_the_error(self)
        self.inputs = inputs
        self.notifiers = notifiers

    def execute(self, context: Any) -> str:
        with without_useless_retries():
            found = verdict_of(references(self.inputs)["report"])
        notify_all(
            self.notifiers,
            {**context, "verdict": found.headline, "reasons": " ".join(found.reasons)},
        )
        if found.verdict == "do not ship":
            raise AirflowFailException(found.text)
        if found.verdict == "undecided":
            raise AirflowSkipException(found.text)
        return found.text


def verdict_of(report: Ref) -> Verdict:
    """The verdict of `report`. Raises WorkflowError if the store does not have it."""
    from stages.evaluate import formatting
    from stages.opening import open_store
    from stages.settings import Settings

    found = open_store(Settings()).load(report)
    headline = formatting.capital(formatting.headline(found.verdict, bool(found.gate)))
    return Verdict(found.verdict, headline, tuple(found.reasons))
