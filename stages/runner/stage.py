"""Runs one stage: reuses finished work or does it, records it, and publishes it for people."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from stages.artifacts import Ref
from stages.config import DataConfig, PipelineConfig, checked
from stages.etl import source
from stages.faults import translated
from stages.leftovers import due, sweep
from stages.memo import expiry
from stages.memo.expiry import SETTLED
from stages.opening import open_store, resources_of
from stages.parts import STAGES, TARGETS
from stages.privacy import claim
from stages.runner import lock as locks
from stages.runner import run_records
from stages.runner.estimating import accounted
from stages.runner.page_views import with_run
from stages.runner.publish import unpack_package
from stages.runner.report_view import show_pages
from stages.runner.resolve import resolve
from stages.runner.watch import LogWatch, Watch
from stages.runner.work import STAGE_FACTS, describe
from stages.runtime.errors import ConfigError, WorkflowError
from stages.runtime.files import alone
from stages.settings import Settings
from stages.store import Store, Work

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")  # of a run: it is a folder's name, too


def run_stage(
    stage: str,
    config: Mapping[str, Any],
    inputs: Mapping[str, Sequence[str]],
    *,
    run: str,
    target: str = "",
    watch: Watch | None = None,
    settings: Settings | None = None,
) -> Ref:
    """Run `stage` of the pipeline run `run` and return the reference of what it made.

    `config` is a pipeline as a table, `inputs` references by name. The first stage of a run
    resolves the config and writes it to the run's lock; later stages use that. Raises
    WorkflowError."""
    settings, watch = settings or Settings(), watch or LogWatch()
    claim(settings.root, watch.notify)
    sweep(settings.root)
    store = open_store(settings)
    if due(settings.root / ".cache-swept", SETTLED):
        expiry.sweep(store.blobs)
    lock = resolved_lock(run, config, store, settings)
    pipeline = checked(lock.config, f"The lock of the run {run}")
    task = task_name(stage, target)
    references = {name: Ref(*reference) for name, reference in inputs.items()}
    _check(stage, references, target)
    work = describe(stage, pipeline, references, target)
    ref = store.reused(work)
    reused = ref is not None
    if ref:
        watch.notify(f"{task}: reused {ref}")
    else:
        try:
            with translated():
                ref = _work(pipeline, work, references, target, lock, store, watch, settings)
        except Exception as error:
            if stage == "deploy":
                with suppress(WorkflowError, OSError):  # the first error is the one to raise
                    _note_failure(lock, task, error, store, settings)
                    show_pages(run, store, settings, watch, worked=True)
            raise
    now = record(lock, task, work, ref, store, settings, reused)
    if not reused or task in lock.lacking:  # a run that is done already needs no word to MLflow
        _end_if_done(now, settings)
    show_pages(run, store, settings, watch, worked=not reused)
    return ref


def _note_failure(
    lock: locks.Lock, task: str, error: Exception, store: Store, settings: Settings
) -> None:
    """Note in the run's lock why `task` made nothing."""
    with alone(settings.root / "runs" / ".lock"):
        now = locks.load_lock(lock.run, store) or lock
        now = locks.without(now, task, error)
        locks.keep(now, store, settings)
    _end_if_done(now, settings)


def refuse_packages(run: str, error: WorkflowError, settings: Settings) -> None:
    """Note that `run` is to make no packages, as `error` says; its record and its run in MLflow end
    with that. Raises WorkflowError if the store cannot be reached."""
    store = open_store(settings)
    lock = locks.load_lock(run, store)
    if lock is None:
        return
    for task in lock.lacking:
        _note_failure(lock, task, error, store, settings)
    show_pages(run, store, settings, LogWatch(), worked=True)


def _end_if_done(lock: locks.Lock, settings: Settings) -> None:
    """End the pipeline's run in MLflow, if there is one and no task is left."""
    if lock.lacking or not (lock.worked or lock.failed):
        return
    from stages.tracking.mlflow_run import end_run

    status = "FAILED" if lock.failed else "FINISHED"
    end_run(settings, pipeline=lock.pipeline, run=lock.run, status=status)


def _check(stage: str, references: Mapping[str, Ref], target: str) -> None:
    """Raise ConfigError unless `stage` has all its inputs and a known target."""
    missing = [name for name in STAGE_FACTS[stage].inputs if name not in references]
    if missing:
        raise ConfigError(
            f"The stage {stage} needs a {' and a '.join(missing)}.",
            "Add to 'inputs' what the stages before it gave as RESULT.",
        )
    if stage == "deploy" and target not in TARGETS:
        raise ConfigError(
            f"The stage deploy needs a target, and '{target}' is none.",
            f"There are: {', '.join(TARGETS)}.",
        )


def task_name(stage: str, target: str = "") -> str:
    """The name of a stage's task: a deploy stage has one for each target."""
    return f"{stage}_{target}" if target else stage


def resolved_lock(
    run: str, config: Mapping[str, Any], store: Store, settings: Settings
) -> locks.Lock:
    """The lock of `run`. For a new run the config is resolved and the lock written now.

    Raises ConfigError for an invalid name or config."""
    if not NAME.fullmatch(run):
        raise ConfigError(
            f"'{run}' cannot be the name of a run.",
            "Use letters, digits, '.', '_' and '-', a letter or digit first, 200 at most.",
        )
    lock = locks.load_lock(run, store)
    if lock is None:
        requested = checked(dict(config), "The pipeline")
        lock = locks.new_lock(run, resolve(requested, settings), requested)
        locks.keep(lock, store, settings)
    return lock


def record(
    lock: locks.Lock,
    task: str,
    work: Work,
    ref: Ref,
    store: Store,
    settings: Settings,
    reused: bool = False,
) -> locks.Lock:
    """Record the artifact of `task` in the run's lock and as the latest; unpack a package. Return
    the lock."""
    artifact = store.load(ref)
    with alone(settings.root / "runs" / ".lock"):
        now = locks.load_lock(lock.run, store) or lock
        now = locks.extended(now, task, work, ref, artifact, reused)
        locks.keep(now, store, settings)
    store.note(f"latest/{lock.pipeline}/{task}", work.key)
    if artifact.kind == "package":
        unpack_package(artifact, store, settings)
    return now


def _performer(stage: str, data: DataConfig, settings: Settings) -> Callable[..., Any]:
    """The function that does the work of `stage`, to be called with artifacts, a config, the store
    and the run. Training runs in a child process, or as a job on a cluster; there its resources are
    made of `settings`."""
    if stage == "etl":
        raw = source.raw_data(data, settings)
        return partial(STAGES[stage], raw, resources=resources_of(settings))
    if stage != "train":
        return partial(STAGES[stage], resources=resources_of(settings))
    if settings.job_address:
        from stages.runner.job import submitted

        return partial(submitted, settings=settings)
    from stages.runner.training_process import train_in_process

    return partial(train_in_process, settings=settings)


def _work(
    pipeline: PipelineConfig,
    work: Work,
    references: Mapping[str, Ref],
    target: str,
    lock: locks.Lock,
    store: Store,
    watch: Watch,
    settings: Settings,
) -> Ref:
    from stages.tracking.mlflow_run import open_run

    task = task_name(work.stage, target)
    watch.notify(f"{task}: working")
    began = time.monotonic()
    tags = {f"aiwf.{ref.kind}": ref.id for ref in references.values()} | {"aiwf.work": work.key}
    artifacts = [store.load(ref) for ref in references.values()]
    with open_run(
        settings,
        pipeline=pipeline.name,
        run=lock.run,
        stage=task,
        tags=tags,
        progress=watch.progress,
        standings=watch.trial,
        requested=run_records.requested(pipeline),
        on_page=partial(with_run, lock=lock),
    ) as tracked_run:
        data = pipeline.data
        tracked_run.log_data(data.name, data.revision, f"{data.name}@{data.revision}")
        run_records.log_selection(work.stage, pipeline, tracked_run, watch)
        about = (work.stage, task, lock.run, pipeline)
        with accounted(*about, tracked_run=tracked_run, store=store, settings=settings):
            ref: Ref = _performer(work.stage, data, settings)(
                *artifacts,
                pipeline.slice(work.stage, target),
                store=store,
                run=tracked_run,
            ).ref
        tracked_run.log_tags({f"aiwf.{ref.kind}": ref.id})
        run_records.log_headline(store.load(ref), pipeline.task, tracked_run)
        run_records.log_trials_page(ref, pipeline, tracked_run, store)
    store.record(work, ref)
    watch.notify(f"{task}: made {ref} in {time.monotonic() - began:.1f} s")
    return ref
