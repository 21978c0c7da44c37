"""Runs one DAG in this process (`dag.test`) and writes its events as lines of JSON.

Started by stages/local/dag_test.py under Airflow's environment:
    python -m operators.direct EVENTS
where EVENTS is the number of an open pipe."""

import json
import os
import runpy
import sys
from collections.abc import Sequence
from typing import Any

from operators.base import StageOperator, run_name
from stages.config.airflow import APPROVE
from stages.runtime.errors import WorkflowError
from stages.tracking import TrialProgress

UNTOLD = ("curve", "params")  # fields of a trial that nobody reads here


class Pipe:
    """A listener that writes each event as a line; it ends the process if the reader is gone."""

    def __init__(self, number: int) -> None:
        self._out = os.fdopen(number, "w", buffering=1)

    def notify(self, text: str) -> None:
        self.send(message=text)

    def progress(self, what: str, done: int, total: int) -> None:
        self.send(progress=[what, done, total])

    def trial(self, standing: TrialProgress) -> None:
        fields = vars(standing).items()
        self.send(trial={name: value for name, value in fields if name not in UNTOLD})

    def completed(self, task: str, reference: Sequence[str]) -> None:
        self.send(completed=[task, *reference])

    def failed(self, task: str, error: WorkflowError) -> None:
        self.send(failed=[task, type(error).__name__, error.problem, error.remedy])

    def send(self, **event: Any) -> None:
        try:
            self._out.write(json.dumps(event) + "\n")
        except BrokenPipeError:  # the reader is gone
            os._exit(1)


def main(events: str) -> None:
    """Run the only pipeline of AIWF_PIPELINES, with its form's defaults."""
    pipe = Pipe(int(events))
    StageOperator.listener = pipe
    dag = _dag()
    if APPROVE in dag.task_ids:
        pipe.notify(
            f"{APPROVE}: nobody is asked, as a run without servers has no page to answer on"
        )
    run = dag.test(mark_success_pattern=f"^{APPROVE}$")
    pipe.send(run=run_name(run), state=str(run.state))
    sys.stdout.flush()
    os._exit(0)  # taking Airflow down module by module costs a second, and nobody is waiting


def _dag() -> Any:
    from airflow.configuration import conf
    from airflow.sdk import DAG

    names = runpy.run_path(f"{conf.get('core', 'dags_folder')}/pipelines.py")
    dags = [dag for dag in names.values() if isinstance(dag, DAG)]
    return next(dag for dag in dags if "pipeline" in dag.tags)


if __name__ == "__main__":
    main(*sys.argv[1:])
