"""Trains a model on a dataset."""

from typing import Any

from operators.base import StageOperator

ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")  # states of a task


class TrainOperator(StageOperator):
    """Trains here, or follows a Ray Job. A task that is tried again, after its worker was restarted
    or died, finds the job by its work and follows it further: see runner/job."""

    stage = "train"
    ui_color = "#d7e8ba"

    def execute(self, context: Any) -> list[str]:
        self._instance = context["ti"]
        return super().execute(context)

    def on_kill(self) -> None:
        """Stop as Ctrl-C would. A Ray Job is stopped only if Airflow does not want this task any
        longer: it goes on if only the worker is being ended."""
        from stages.runner.job.monitoring import WorkerEnds

        raise WorkerEnds(self._is_wanted)

    def _is_wanted(self) -> bool:
        """Whether Airflow will try this task again, or cannot say."""
        instance = self._instance
        try:
            states = instance.get_task_states(
                dag_id=instance.dag_id, task_ids=[instance.task_id], run_ids=[instance.run_id]
            )
        except Exception:  # the worker's way to Airflow may be gone already
            return True
        return states.get(instance.run_id, {}).get(instance.task_id) not in ENDED
