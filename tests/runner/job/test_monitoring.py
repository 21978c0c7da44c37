"""Jobs at a fake cluster: following, resuming and stopping them, and their environment."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from stages.artifacts import Model
from stages.config import TrainConfig, TrainSlice
from stages.models.available_weights import sha256
from stages.runner.job import submitted
from stages.runner.job.monitoring import TRIES, Job, WorkerEnds
from stages.runner.job.submission import connected
from stages.runtime.errors import ConfigError, InfrastructureError
from tests import makers
from tests.runner.job.office import Office, opened
from tests.runner.job.test_job import RecordedRun

CALLS = [("progress", "trials", 1, 2)]


@pytest.fixture
def store(tmp_path):
    return makers.store(tmp_path)


@pytest.fixture
def office(store):
    with opened(Office(work=lambda digest: record_result(store, digest))) as running_office:
        yield running_office


def record_result(store, digest):
    """What a job does at its end."""
    model = Model(
        task="image_classification",
        labels=("a", "b"),
        family="efficientnet_lite0",
        input_shape=(3, 64, 64),
        before=(),
        after=(),
        hyperparameters={},
        selection={},
    )
    store.note(f"jobs/{digest}", {"made": list(store.save(model))})


def trained(office, store, tmp_path, run=None, **changes):
    overrides = {"ray": office.address, **changes.pop("overrides", {})}
    settings = makers.settings(tmp_path).model_copy(update=overrides)
    config = TrainSlice(train=TrainConfig(**changes))
    dataset = makers.dataset(store, each=2)
    return submitted(dataset, config, store=store, run=run or RecordedRun(), settings=settings)


def job_of(office):
    """A job that runs, looked at without a pause."""
    client = connected(office.address, RecordedRun())
    name = client.submit_job(entrypoint="python -m it digest", submission_id="it")
    return Job(client, name, office.address, pause=0.001)


def test_a_cluster_that_does_not_answer_for_a_while_is_asked_again(office, store):
    run, job = RecordedRun(), job_of(office)
    office.fails = TRIES - 1

    assert job.followed(run, store).startswith("SUCCEEDED")
    assert run.calls == CALLS


def test_a_cluster_that_answers_no_more_leaves_the_job_to_be_found_again(office, store):
    job = job_of(office)
    office.fails = TRIES

    with pytest.raises(InfrastructureError, match=r"the job it.*\n.*Run the same command again"):
        job.followed(RecordedRun(), store)

    assert office.jobs["it"]["status"] == "RUNNING"


class Cancelled(RecordedRun):
    """A run in whose middle a person presses Ctrl-C."""

    def progress(self, *_):
        raise KeyboardInterrupt


class Broken(RecordedRun):
    """A run that does not take what it is told."""

    def progress(self, *_):
        raise OSError("MLflow is gone")


@dataclass
class Ended(RecordedRun):
    """A run in whose middle the worker is ended."""

    goes_on: bool = True

    def progress(self, *_):
        raise WorkerEnds(lambda: self.goes_on)


@pytest.mark.parametrize(
    ("run", "raised", "left"),
    [
        (Cancelled(), KeyboardInterrupt, "STOPPED"),
        (Broken(), OSError, "RUNNING"),
        (Ended(), KeyboardInterrupt, "RUNNING"),
        (Ended(goes_on=False), KeyboardInterrupt, "STOPPED"),
    ],
)
def test_only_a_person_stops_a_job(office, store, run, raised, left):
    office.polls = 9

    with pytest.raises(raised):
        job_of(office).followed(run, store)

    assert office.jobs["it"]["status"] == left


def test_a_second_start_hears_the_job_that_runs(office, store, tmp_path):
    office.polls = 1
    with pytest.raises(OSError, match="gone"):
        trained(office, store, tmp_path, Broken())

    run = RecordedRun()
    model = trained(office, store, tmp_path, run)

    assert isinstance(model, Model)
    assert run.calls == CALLS
    assert len(office.jobs) == 1


def test_what_a_job_made_while_nobody_listened_is_taken(office, store, tmp_path):
    model = trained(office, store, tmp_path)

    assert trained(office, store, tmp_path) == model
    assert len(office.jobs) == 1


@pytest.mark.parametrize(
    ("weights", "expected"), [("s3://mine/weights", "s3://mine/weights"), ("/not/there", None)]
)
def test_a_job_is_told_of_weights_that_it_can_see(office, store, tmp_path, weights, expected):
    overrides = {"weights": weights, "s3_endpoint": "http://far:1"}

    trained(office, store, tmp_path, overrides=overrides)

    (environment,) = [job["runtime_env"]["env_vars"] for job in office.jobs.values()]
    assert environment.get("AIWF_WEIGHTS") == expected
    assert environment["AIWF_S3_ENDPOINT"] == "http://far:1"


def folder_of_weights(folder: Path) -> str:
    """A folder with one file of weights; its digest."""
    folder.mkdir(parents=True)
    (folder / "pp_lcnet.npz").write_bytes(b"weights")
    return sha256(folder / "pp_lcnet.npz")


def test_weights_that_only_this_machine_has_are_told_before_a_job_is_handed_in(
    office, store, tmp_path
):
    own = tmp_path / "own"
    digest = folder_of_weights(own)

    with pytest.raises(ConfigError, match=r"cannot see .*own, where the weights of pp_lcnet"):
        trained(
            office, store, tmp_path, weights={"pp_lcnet": digest}, overrides={"weights": str(own)}
        )
    trained(office, store, tmp_path, overrides={"weights": str(own)})  # which begins with others

    assert len(office.jobs) == 1


def test_a_workspace_that_the_cluster_shares_may_hold_weights(office, store, tmp_path):
    own = makers.settings(tmp_path).root / "weights"
    digest = folder_of_weights(own)

    trained(office, store, tmp_path, weights={"pp_lcnet": digest}, overrides={"weights": str(own)})

    (environment,) = [job["runtime_env"]["env_vars"] for job in office.jobs.values()]
    assert environment["AIWF_WEIGHTS"] == str(own)
