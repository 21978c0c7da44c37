"""On this machine: hand the job in, hear what it tells, take what it made."""

import time
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any

import stages
from stages.artifacts import Dataset, Model, Ref, canonical
from stages.config import TrainSlice
from stages.runtime import errors
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings
from stages.store import Store
from stages.tracking import Run
from stages.train.cluster import read_environment
from stages.train.job.words import MARK, heard

LOOK = 2.0  # seconds between two looks at the job's log
NOTE = "jobs/{}"
LINES = 8  # of the log of a job that failed
GOES_ON = ("PENDING", "RUNNING")


def submitted(
    dataset: Dataset, config: TrainSlice, *, store: Store, run: Run, settings: Settings
) -> Model:
    """The Model that a Ray Job makes of `dataset` at the address `settings.ray`; the same as would
    be made here. A job that runs already is taken over; to leave here by Ctrl-C stops it.

    Raises InfrastructureError if the cluster does not answer or the job dies, and what the job
    raised if a person has to act on it."""
    spec = {"dataset": dataset.ref.id, "config": config.model_dump(mode="json")}
    digest = store.add(canonical(spec))
    client = _client(settings.ray)
    store.note(NOTE.format(digest), None)
    name = _running(client, digest) or _handed_in(client, digest, settings)
    try:
        ended = _followed(client, name, run, store)
    except BaseException:
        client.stop_job(name)
        raise
    return _made(store, digest, f"The job {name} ended as {ended}")


def _client(address: str) -> Any:
    from ray.job_submission import JobSubmissionClient

    read_environment()  # a cluster that was started here has had a token of its own
    try:
        return JobSubmissionClient(address)
    except Exception as error:  # Ray raises what it meets
        raise InfrastructureError(
            f"Ray does not take jobs at {address}: {str(error).splitlines()[0]}.",
            "AIWF_RAY is its dashboard's address, as http://host:8265. The cluster needs "
            f"'ray[default]=={version('ray')}', and this machine its RAY_AUTH_TOKEN.",
        ) from error


def _running(client: Any, digest: str) -> str:
    """The name of a job that does this work already; '' if there is none."""
    running = [job for job in client.list_jobs() if job.status.value in GOES_ON]
    names = [job.submission_id or "" for job in running]
    return next((name for name in names if name.startswith(_stem(digest))), "")


def _handed_in(client: Any, digest: str, settings: Settings) -> str:
    name = f"{_stem(digest)}-{token_hex(3)}"
    home = str(Path(stages.__file__).parent)
    client.submit_job(
        entrypoint=f"python -m stages.train.job {digest}",
        submission_id=name,
        runtime_env={"py_modules": [home], "env_vars": _environment(settings)},
    )
    return name


def _stem(digest: str) -> str:
    return f"aiwf-train-{digest[:16]}"


def _environment(settings: Settings) -> dict[str, str]:
    """Where things are, for the job. Keys are not sent: a job's environment is there to be read by
    all who see the cluster, so that it has them itself."""
    said = {
        "AIWF_RAY": "auto",
        "AIWF_GPUS": str(settings.gpus),
        "AIWF_MACHINE_SPEED": str(settings.machine_speed),
    }
    if not settings.store:
        return said | {"AIWF_WORKSPACE": str(settings.root)}
    return said | {"AIWF_STORE": settings.store, "AIWF_S3_ENDPOINT": settings.s3_endpoint}


def _followed(client: Any, name: str, run: Run, store: Store) -> str:
    """Tell `run` what the job tells until it ends; how it ended, with its last lines."""
    known = 0
    while True:
        status = str(client.get_job_status(name).value)
        lines = client.get_job_logs(name).splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        for line in whole[known:]:
            heard(line, run, store)
        known = len(whole)
        if status not in GOES_ON:
            said = [line for line in lines if not line.startswith(MARK)]
            return f"{status}: {''.join(said[-LINES:]).strip()}"
        time.sleep(LOOK)


def _made(store: Store, digest: str, ended: str) -> Model:
    told = store.noted(NOTE.format(digest)) or {}
    if "made" in told:
        model: Model = store.load(Ref(*told["made"]))
        return model
    if "error" in told:
        raise getattr(errors, told["error"])(told["problem"], told["remedy"])
    raise InfrastructureError(
        ended,
        "The cluster has to have this project's libraries, and to see the same store: "
        "AIWF_STORE=s3://... with its keys in the cluster's environment, or AIWF_WORKSPACE on a "
        "disk that both have.",
    )
