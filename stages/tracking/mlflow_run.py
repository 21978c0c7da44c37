"""Runs in MLflow: one for each pipeline run, below it one a stage, below that one a trial."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from stages.tracking import QuietRun, TrialProgress, TrialRecord, rules
from stages.tracking.links import Page, announce, keep
from stages.tracking.live import Live
from stages.tracking.run_tree import RunTree, end_pipeline_run
from stages.tracking.server import TrackingPlace, connect, refusals
from stages.tracking.writer import Writer

if TYPE_CHECKING:
    from mlflow import MlflowClient

WHOLE = "package/"  # prefix of package metrics: kept as it is in the pipeline's run

Progress = Callable[[str, int, int], None]
Standings = Callable[[TrialProgress], None]
PageChange = Callable[[str], str]  # from the HTML of a page to the HTML that is kept


class MlflowRun:
    """Records a stage in its own run; all but files also in the pipeline's run, so that pipelines
    can be compared."""

    def __init__(
        self,
        client: "MlflowClient",
        tree: RunTree,
        writer: Writer,
        progress: Progress,
        standings: Standings,
        on_page: PageChange,
    ) -> None:
        self._client = client
        self._tree = tree
        self._writer = writer
        self._progress = progress
        self._standings = standings
        self._on_page = on_page
        self._live = Live(tree, self._send_batch, writer.put)

    def __reduce__(self) -> tuple[type[QuietRun], tuple[()]]:
        """Ray pickles what a search refers to; unpickled, a run records nothing."""
        return QuietRun, ()

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters."""
        stage = self._tree.stage
        self._put(self._tree.own, params=params)
        self._put(self._tree.parent, params={f"{stage}.{key}": params[key] for key in params})

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Record metrics at `step`."""
        stage = self._tree.stage
        self._put(self._tree.own, metrics=_points(metrics, step))
        named = {
            name if name.startswith(WHOLE) else f"{stage}/{name}": value
            for name, value in metrics.items()
        }
        self._put(self._tree.parent, metrics=_points(named, step))

    def log_summary(self, metrics: Mapping[str, float]) -> None:
        """Record metrics in the pipeline's run alone, under their own names."""
        self._put(self._tree.parent, metrics=_points(metrics, 0))

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Record tags, by which runs can be found."""
        self._put(self._tree.own, tags=tags)
        self._put(self._tree.parent, tags=tags)
        self._tree.note_artifacts(tags)

    def log_file(self, name: str, data: bytes) -> None:
        """Keep a file, such as a report, under its relative name."""
        if name.endswith(".html"):
            data = self._on_page(data.decode()).encode()
        self._writer.put(lambda: self._send(name, data))

    def log_data(self, name: str, digest: str, source: str) -> None:
        """Record the data of the run, so that runs can be searched by its digest."""
        from mlflow.entities import Dataset, DatasetInput

        data = Dataset(name, digest[:36], "dvc", source)
        self._writer.put(lambda: self._client.log_inputs(self._tree.own, [DatasetInput(data)]))

    def log_trials(self, trials: Sequence[TrialRecord]) -> None:
        """Keep each trial as a nested run that has ended: parameters, the curve by step, tags."""
        self._live.ended(trials)

    def trial(self, standing: TrialProgress) -> None:
        """Record the progress of a trial in its nested run, then show it."""
        self._live.heard(standing)
        self._standings(standing)

    def progress(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` of `what` are finished."""
        self._progress(what, done, total)

    def stopped(self) -> None:
        """Record that the stage was stopped, before a wait that may be cut short by SIGKILL."""
        self.close("KILLED")

    def close(self, status: str) -> None:
        """End this run and its trials with `status`, after all earlier records are written."""
        self._writer.put(lambda: self._live.close(status))
        self._writer.put(lambda: self._tree.close(status))

    def _put(self, run: str, **what: Any) -> None:
        for batch in rules.batches(**what):
            self._writer.put(lambda batch=batch: self._send_batch(run, batch))  # type: ignore[misc]

    def _send_batch(self, run: str, batch: rules.Batch) -> None:
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        self._client.log_batch(
            run,
            [Metric(point.name, point.value, now, point.step) for point in batch.metrics],
            [Param(name, value) for name, value in batch.params.items()],
            [RunTag(name, value) for name, value in batch.tags.items()],
            synchronous=True,
        )

    def _send(self, name: str, data: bytes) -> None:
        place = PurePosixPath(name)
        folder = str(place.parent) if place.parent != PurePosixPath(".") else None
        with tempfile.TemporaryDirectory() as drafts:
            (Path(drafts) / place.name).write_bytes(data)
            self._client.log_artifact(self._tree.own, str(Path(drafts) / place.name), folder)


def _points(metrics: Mapping[str, float], step: int) -> list[rules.Point]:
    return [rules.Point(rules.key(name), float(value), step) for name, value in metrics.items()]


@contextmanager
def open_run(
    settings: TrackingPlace,
    *,
    pipeline: str,
    run: str,
    stage: str,
    tags: Mapping[str, str],
    progress: Progress,
    standings: Standings = lambda _: None,
    requested: Mapping[str, Any] = MappingProxyType({}),
    on_page: PageChange = lambda page: page,
) -> Iterator[MlflowRun]:
    """Open the run of `stage` inside the run of the pipeline run `run`, which all its stages share.

    That run gets the parameters `requested` when it is made. It is RUNNING until `end_run`. Each
    HTML page is kept as `on_page` returns it.

    Raises InfrastructureError, before any work, if MLflow does not answer. Later trouble with
    MLflow is retried and then told as a warning: a stage's work is never lost by it."""
    client = connect(settings)
    with refusals(settings):
        tree = RunTree.open(client, settings, pipeline, run, stage, tags, requested)
    page = Page(tree.experiment, tree.own)
    announce(page)
    writer = Writer()
    tracked_run = MlflowRun(client, tree, writer, progress, standings, on_page)
    ended = "FAILED"
    try:
        yield tracked_run
        ended = "FINISHED"
    except BaseException as error:
        ended = "FAILED" if isinstance(error, Exception) else "KILLED"  # Ctrl-C, or a signal
        problem = rules.text_of(f"{type(error).__name__}: {error}", rules.LONGEST_TAG)
        writer.put(lambda: client.set_tag(tree.own, "aiwf.problem", problem))
        raise
    finally:
        tracked_run.close(ended)
        writer.close()
        keep(settings.root, tree.artifacts if ended == "FINISHED" else {}, page)


def end_run(settings: TrackingPlace, *, pipeline: str, run: str, status: str) -> None:
    """End the run of the pipeline run `run` with `status`: all its stages have ended.

    Trouble with MLflow is told as a warning."""
    writer = Writer()
    writer.put(lambda: end_pipeline_run(connect(settings), pipeline, run, status))
    writer.close()
