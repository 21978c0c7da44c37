"""On this machine: hand the job in, hear what it tells, take what it made."""

from typing import Any

from stages.artifacts import Dataset, Model, Ref, canonical
from stages.closure import code_of
from stages.config import TrainSlice
from stages.runner.job.monitoring import Job
from stages.runner.job.retrying import patient
from stages.runner.job.submission import check_weights, connected, handed_in, running
from stages.runtime import errors
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings
from stages.store import Store
from stages.tracking import Run

NOTE = "jobs/{}"


def submitted(
    dataset: Dataset, config: TrainSlice, *, store: Store, run: Run, settings: Settings
) -> Model:
    """The Model that a Ray Job makes of `dataset` at the address `settings.ray`; the same as would
    be made here. A job that runs already is taken over, and so is what one made that ended while
    nobody heard it; to leave here by Ctrl-C stops it.

    Raises InfrastructureError if the cluster does not answer or the job dies, ConfigError if the
    cluster cannot see what the job needs, and what the job raised if a person has to act on it."""
    check_weights(config.train, settings)
    digest = store.add(canonical(_spec(dataset, config)))
    if model := _finished_model(store, digest):
        return model
    client = connected(settings.ray, run)
    name = patient(lambda: running(client, digest), run)
    if not name:
        store.note(NOTE.format(digest), None)
        name = handed_in(client, digest, settings, run)
    ended = Job(client, name, settings.ray).followed(run, store)
    return _finished_model(store, digest) or _raised(
        store, digest, f"The job {name} ended as {ended}"
    )


def _spec(dataset: Dataset, config: TrainSlice) -> dict[str, Any]:
    """All that decides what a job makes: one of other code is not taken over."""
    code = code_of("stages.train").digest
    return {"dataset": dataset.ref.id, "config": config.model_dump(mode="json"), "code": code}


def _finished_model(store: Store, digest: str) -> Model | None:
    outcome = store.noted(NOTE.format(digest)) or {}
    if "made" not in outcome or not store.whole(Ref(*outcome["made"])):
        return None
    model: Model = store.load(Ref(*outcome["made"]))
    return model


def _raised(store: Store, digest: str, ended: str) -> Model:
    """Raise what the job raised, or that it died."""
    outcome = store.noted(NOTE.format(digest)) or {}
    if "error" in outcome:
        raise getattr(errors, outcome["error"])(outcome["problem"], outcome["remedy"])
    raise InfrastructureError(
        ended,
        "The cluster has to have this project's libraries, and to see the same store: "
        "AIWF_STORE=s3://... with its keys in the cluster's environment, or AIWF_WORKSPACE on a "
        "disk that both have.",
    )
