"""The base operator, which runs one stage as an Airflow task."""

import re
from functools import partial
from typing import Any, ClassVar

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from operators.assets import announced_revision, describe_outlets
from operators.failures import without_useless_retries
from operators.form import filled_in
from operators.inputs import references
from operators.last_lines import end_with_the_error
from operators.links import links_of, show, show_artifact
from operators.listener import Listener
from stages.faults import translated
from stages.runtime.errors import WorkflowError
from stages.tracking.links import hearing


class StageOperator(BaseOperator):  # type: ignore[misc]
    """Runs one stage on references and returns the reference of its artifact.

    An error that only a person can repair fails the task at once. Airflow retries other errors,
    and a retry reuses finished work."""

    stage: ClassVar[str]
    listener: ClassVar[Listener | None] = None
    template_fields = ("inputs",)

    def __init__(
        self, *, config: dict[str, Any], inputs: dict[str, Any], target: str = "", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        end_with_the_error(self)
        self.config = config
        self.inputs = inputs
        self.target = target

    @property
    def operator_extra_links(self) -> list[Any]:
        return links_of(self.stage)

    def execute(self, context: Any) -> list[str]:
        with without_useless_retries():
            try:
                with translated():
                    ref = self._run(context)
            except WorkflowError as error:
                if self.listener:
                    self.listener.failed(self.task_id, error)
                raise
        if self.listener:
            self.listener.completed(self.task_id, ref)
        return ref

    def on_kill(self) -> None:
        """Stop as Ctrl-C would, so that runs in MLflow and Ray are ended. Airflow calls this on
        SIGTERM in the main thread, and kills the task five seconds later."""
        raise KeyboardInterrupt

    def _run(self, context: Any) -> list[str]:
        from stages.runner import run_stage

        config = filled_in(self.config, context["params"])
        data = config["data"]
        data["revision"] = data["revision"] or announced_revision(data["name"], context)
        if self.target and self.target not in config["deploy"]["targets"]:
            raise AirflowSkipException(f"This run does not ask for the target {self.target}.")
        inputs = references(self.inputs)
        with hearing(partial(show, context["ti"])):
            ref = run_stage(
                self.stage,
                config,
                inputs,
                run=run_name(context["dag_run"]),
                target=self.target,
                watch=self.listener,
            )
        show_artifact(context["ti"], self.stage, *ref)
        describe_outlets(self.outlets, ref, inputs, context)
        return list(ref)


def run_name(dag_run: Any) -> str:
    """The name of the pipeline run of a DAG run, safe as a file name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{dag_run.dag_id}-{dag_run.run_id}")
