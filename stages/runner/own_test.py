"""Measures a model or package on a person's own annotated samples, and records it: what the DAG
`<pipeline>_evaluate` does, as `aiwf evaluate` does it without Airflow."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from stages.artifacts import Ref
from stages.config.airflow import own_test_dag
from stages.config.evaluate import config_of_gate
from stages.etl import source
from stages.evaluate.evaluation import Evaluation
from stages.evaluate.own import measured
from stages.evaluate.subject import learnt_from, opened
from stages.opening import open_store
from stages.runner.lock import run_folder
from stages.runner.watch import Watch
from stages.runtime.errors import ConfigError
from stages.runtime.files import write
from stages.settings import Settings
from stages.store import Store
from stages.tracking.mlflow_run import end_run, open_run

STAGE = "own_test"


class OwnTest(NamedTuple):
    """`name`: what was measured; `folder`: has report.html and metrics.json."""

    name: str
    evaluation: Evaluation
    folder: Path


def evaluate_own_test(
    pipeline: str,
    targets: tuple[str, ...],
    samples: str,
    *,
    name: str = "",
    gate: Mapping[str, float],
    run: str,
    settings: Settings,
    watch: Watch,
) -> OwnTest:
    """Measure `name` (package@id, model@id, a package's folder or zip) on `samples`: an absolute
    path of a folder, or a data set of the workspace, NAME or NAME@REVISION.

    Without a `name`: the newest package of `pipeline` for the first of `targets` that has one, else
    its newest model. Raises ConfigError if there is none, and what `measured` raises."""
    store, config = open_store(settings), config_of_gate(gate)
    name = name or newest(pipeline, targets, store)
    experiment = own_test_dag(pipeline)
    with (
        open_run(
            settings,
            pipeline=experiment,
            run=run,
            stage=STAGE,
            tags={},
            progress=watch.progress,
        ) as tracked_run,
        samples_in(samples, settings) as folder,
        opened(name, store) as subject,
    ):
        tracked_run.log_params({"subject": name, "samples": samples, "gate": dict(gate)})
        evaluation, page = measured(
            subject,
            folder,
            config,
            learnt_from(subject, store),
            settings.threads,
            lambda done, total: watch.progress("predictions", done, total),
        )
        place = run_folder(run, settings)
        for file, content in {
            "report.html": page.encode(),
            "metrics.json": evaluation.record(),
        }.items():
            write(place / file, content)
            tracked_run.log_file(file, content)
        tracked_run.log_metrics(
            {key: measure.value for key, measure in evaluation.measured.overall.items()}
        )
        tracked_run.log_tags({"verdict": evaluation.headline})
    end_run(settings, pipeline=experiment, run=run, status="FINISHED")
    return OwnTest(name, evaluation, place)


def newest(pipeline: str, targets: tuple[str, ...], store: Store) -> str:
    """The newest package of `pipeline`, or its newest model, as kind@id. Raises ConfigError if it
    has made neither."""
    for task in (*(f"deploy_{target}" for target in targets), "train"):
        if key := store.noted(f"latest/{pipeline}/{task}"):
            ref = Ref(*store.read_work(key)["artifact"])
            if store.holds(ref):
                return f"{ref.kind}@{ref.id}"
    raise ConfigError(
        f"The pipeline {pipeline} has made no package and no model yet.",
        "Run it first, or name what is to be measured: package@id, model@id or a folder.",
    )


@contextmanager
def samples_in(samples: str, settings: Settings) -> Iterator[Path]:
    """The folder that `samples` names: by its absolute path, or as a data set of the workspace."""
    if Path(samples).is_absolute():
        yield Path(samples)
        return
    with source.opened(source.data_named(samples), settings) as folder:
        yield folder
