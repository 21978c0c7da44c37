"""A job on its way to a cluster: under which name, and with what it has to know."""

import os
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any

import stages
from stages.config import TrainConfig
from stages.models.available_weights import sha256
from stages.runner.job.monitoring import GOES_ON
from stages.runner.job.retrying import FIRST, PAUSE, patient
from stages.runtime.errors import ConfigError, InfrastructureError
from stages.settings import Settings
from stages.tracking import Run


def connected(address: str, run: Run) -> Any:
    """Ray's client of jobs at `address`. Raises InfrastructureError if nobody takes jobs there."""
    from ray.job_submission import JobSubmissionClient

    headers = _key()
    try:
        return patient(lambda: JobSubmissionClient(address, headers=headers), run, FIRST)
    except Exception as error:  # Ray raises what it meets
        raise InfrastructureError(
            f"Ray does not take jobs at {address}: {_first_line(error)}.",
            "AIWF_RAY is its dashboard's address, as http://host:8265. The cluster needs "
            f"'ray[default]=={version('ray')}', and this machine its RAY_AUTH_TOKEN.",
        ) from error


def running(client: Any, digest: str) -> str:
    """The name of a job that does this work already; '' if there is none."""
    jobs = [job for job in client.list_jobs() if job.status.value in GOES_ON]
    names = [job.submission_id or "" for job in jobs]
    return next((name for name in names if name.startswith(_stem(digest))), "")


def handed_in(client: Any, digest: str, settings: Settings, run: Run, pause: float = PAUSE) -> str:
    """Submit the work that the blob `digest` describes; the job's name. One that was taken, though
    the answer was lost, is not submitted again.

    Raises InfrastructureError if the head refuses it, or goes on to have no agent for it."""
    name = f"{_stem(digest)}-{token_hex(3)}"
    home = str(Path(stages.__file__).parent)
    tried = False

    def submit() -> str:
        nonlocal tried
        if tried and (taken := running(client, digest)):
            return taken
        tried = True
        client.submit_job(
            entrypoint=f"python -m stages.runner.job {digest}",
            submission_id=name,
            runtime_env={"py_modules": [home], "env_vars": _environment(settings)},
        )
        return name

    try:
        return patient(submit, run, pause=pause)
    except Exception as error:  # Ray raises what it meets
        raise InfrastructureError(
            f"Ray at {settings.ray} did not take the job: {_first_line(error)}.",
            "Run again when the cluster is up: its dashboard shows whether its head has an agent.",
        ) from error


def _key() -> dict[str, str]:
    """The header that opens a cluster whose token is in the environment. Ray's own client has the
    token of when Ray was first used here; what else uses it must go on to do so."""
    token = os.environ.get("RAY_AUTH_TOKEN", "")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def check_weights(train: TrainConfig, settings: Settings) -> None:
    """Raise ConfigError if `train` begins with files of a folder that the cluster cannot see."""
    if not settings.weights or _weights(settings):
        return
    here = {sha256(path) for path in Path(settings.weights).glob("*") if path.is_file()}
    unseen = [name for name, digest in train.weights.items() if digest in here]
    if unseen:
        raise ConfigError(
            f"The cluster cannot see {settings.weights}, where the weights of "
            f"{', '.join(unseen)} are.",
            "Set AIWF_WEIGHTS to s3://bucket/prefix with the same files, or, where the cluster has "
            "the workspace's disk, to a folder in the workspace.",
        )


def _stem(digest: str) -> str:
    return f"aiwf-train-{digest[:16]}"


def _environment(settings: Settings) -> dict[str, str]:
    """Where things are, for the job. Keys are not sent: a job's environment is there to be read by
    all who see the cluster, so that it has them itself."""
    variables = {
        "AIWF_RAY": "auto",
        "AIWF_GPUS": str(settings.gpus),
        "AIWF_MACHINE_SPEED": str(settings.machine_speed),
        "AIWF_STORE": settings.store,
        "AIWF_WORKSPACE": "" if settings.store else str(settings.root),
        "AIWF_S3_ENDPOINT": settings.s3_endpoint,
        "AIWF_WEIGHTS": _weights(settings),
    }
    return {
        name: value for name, value in variables.items() if value
    }  # the cluster may have its own


def _weights(settings: Settings) -> str:
    """AIWF_WEIGHTS for the job: a bucket, or a folder in the workspace that it shares; '' if it
    cannot see them."""
    if not settings.weights or settings.weights.startswith("s3://"):
        return settings.weights
    folder = Path(settings.weights).absolute()
    shared = not settings.store and folder.is_relative_to(settings.root)
    return str(folder) if shared else ""
