"""A stage's run in MLflow with its parent, the pipeline's run, and its children, the trials."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stages.artifacts import digest_of
from stages.runtime.files import alone
from stages.tracking import rules
from stages.tracking.server import TrackingPlace, experiment

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PARENT = "mlflow.parentRunId"
KINDS = ("dataset", "model", "report", "package")


@dataclass(frozen=True)
class RunTree:
    """Ids of the stage's `own` run and of its `parent`; `artifacts`: kind to id of what it made."""

    client: "MlflowClient"
    experiment: str
    stage: str
    parent: str
    own: str
    artifacts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        client: "MlflowClient",
        place: TrackingPlace,
        pipeline: str,
        run: str,
        stage: str,
        tags: Mapping[str, str],
        requested: Mapping[str, Any],
    ) -> "RunTree":
        """Begin a run of `stage` below the one of the pipeline run `run`, which has the parameters
        `requested`."""
        home = experiment(client, pipeline, place)
        # so that two stages that begin at once share one parent
        with alone(place.root / "mlflow" / ".lock"):
            parent = _parent(client, home, run, pipeline, requested)
        _end_forsaken(client, home, parent, stage)
        marks = {PARENT: parent, "aiwf.run": run, "aiwf.part": "stage", "aiwf.stage": stage}
        marks = {**rules.texts_of(tags, rules.LONGEST_TAG), **marks}
        own = client.create_run(home, run_name=stage, tags=marks)
        return cls(client, home, stage, parent, own.info.run_id)

    def child(self, name: str, tags: Mapping[str, str], started: int) -> str:
        """Begin a run of a trial; its id."""
        marks = {PARENT: self.own, "aiwf.part": "trial", **rules.texts_of(tags, rules.LONGEST_TAG)}
        run = self.client.create_run(self.experiment, started, marks, name)
        return str(run.info.run_id)

    def note_artifacts(self, tags: Mapping[str, str]) -> None:
        """Remember the artifacts among `tags`."""
        for kind in KINDS:
            if id := tags.get(f"aiwf.{kind}"):
                self.artifacts[kind] = id

    def close(self, status: str) -> None:
        """End this run with `status`. Its parent fails with it, or goes on running."""
        self.client.set_terminated(self.own, status)
        if status != "FINISHED":
            self.client.set_terminated(self.parent, status)


def end_pipeline_run(client: "MlflowClient", pipeline: str, run: str, status: str) -> None:
    """End the run of the pipeline run `run` with `status`, if it is running."""
    home = client.get_experiment_by_name(pipeline)
    found = _pipeline_runs(client, home.experiment_id, run) if home else []
    for parent in found:
        if parent.info.status == "RUNNING":
            client.set_terminated(parent.info.run_id, status)


def _pipeline_runs(client: "MlflowClient", experiment: str, run: str) -> list["Run"]:
    query = f"tags.`aiwf.run` = '{run}' and tags.`aiwf.part` = 'pipeline'"
    return list(client.search_runs([experiment], query, max_results=1))


def _parent(
    client: "MlflowClient", experiment: str, run: str, pipeline: str, requested: Mapping[str, Any]
) -> str:
    """The run of the pipeline run `run`: the one there is, running again, or a new one, which is
    named by pipeline, date (UTC) and a short id."""
    found = _pipeline_runs(client, experiment, run)
    if found:
        client.update_run(found[0].info.run_id, "RUNNING")
        return str(found[0].info.run_id)
    tags = {"aiwf.run": run, "aiwf.part": "pipeline"}
    name = f"{pipeline} {datetime.now(UTC):%Y-%m-%d %H:%M} {digest_of(run.encode())[:6]}"
    new = str(client.create_run(experiment, run_name=name, tags=tags).info.run_id)
    for key, text in rules.texts_of(requested, rules.LONGEST_PARAM).items():
        client.log_param(new, key, text)
    return new


def _below(client: "MlflowClient", experiment: str, parent: str, part: str) -> list["Run"]:
    """The runs below `parent` that are a `part` of it, oldest first."""
    query = f"tags.`{PARENT}` = '{parent}' and tags.`aiwf.part` = '{part}'"
    order = ["attributes.start_time ASC"]
    return list(client.search_runs([experiment], query, max_results=5000, order_by=order))


def _end_forsaken(client: "MlflowClient", experiment: str, parent: str, stage: str) -> None:
    """End the runs, and their trials, that a killed try at `stage` left as running."""
    for run in _below(client, experiment, parent, "stage"):
        if run.data.tags["aiwf.stage"] == stage and run.info.status == "RUNNING":
            for each in [*_below(client, experiment, run.info.run_id, "trial"), run]:
                if each.info.status == "RUNNING":
                    client.set_terminated(each.info.run_id, "KILLED")
