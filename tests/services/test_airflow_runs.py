"""What starts a run, and what waits for a person, on a real scheduler: time, new data, a file that
arrives, an approval. Training is a Ray Job, which a restarted task finds again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from operators.base import run_name
from stages.etl import source
from stages.local import down, processes, up
from stages.local.environment import settings_environment
from stages.local.health import free_port
from stages.opening import open_store
from stages.runner.lock import load_lock
from stages.settings import Settings
from stages.store import Store
from tests import makers
from tests.airflow_client import Airflow, path_of
from tests.runner.job.office import Office, opened
from tests.services.learning_journey import LearningJourney
from tests.studio.browser import CHROMIUM, Browser

pytestmark = [pytest.mark.service, pytest.mark.slow]
LONGEST = 600.0  # seconds for one thing to happen
PIPELINES = {
    "by_data": "airflow: {on_data_change: true}\n",
    "by_file": "airflow: {watch_folder: FOLDER}\n",
    "by_person": "airflow: {approval: {assigned_users: [admin]}}\n",
}
QUICK = """
name: {name}
task: image_classification
data: {data}
etl: {{splits: {{train: 0.6, validation: 0.2, test: 0.2}}}}
train: {{families: [efficientnet_lite0], input_sizes: [64], trials: 2, epochs: 3}}
evaluate: {{gate: {{accuracy: 0.2}}}}
deploy: {{max_drop: 0.2, targets: [device_sdk], ladder: [float32]}}
"""
EVERY_5_SECONDS = "schedule: '* * * * * */5'\nairflow: {on_data_change: true}\n"


class Scene:
    """Airflow on this machine with the pipelines, and the head of a cluster that takes its jobs."""

    def __init__(self, folder: Path, office: Office) -> None:
        airflow = free_port(26_000 + os.getpid() % 5_000)
        self.office = office
        self.lock, self.trained = threading.Lock(), set[str]()
        self.incoming = folder / "incoming here"
        self.incoming.mkdir()
        self.settings = Settings(
            workspace=folder / "workspace",
            pipelines=folder / "pipelines",
            ray=office.address,
            airflow_port=airflow,
            mlflow_port=free_port(airflow),
            studio_port=free_port(free_port(airflow)),
            live_port=free_port(free_port(free_port(airflow))),
            threads=1,
        )
        self.settings.pipelines.mkdir()
        for name, text in PIPELINES.items():
            data = "arrived" if name == "by_file" else "shapes"
            self.write(name, data, text.replace("FOLDER", f"'{self.incoming}'"))

    def write(self, name: str, data: str, text: str) -> None:
        """Write the YAML of a pipeline that is done in seconds."""
        quick = QUICK.format(name=name, data=data)
        (self.settings.pipelines / f"{name}.yaml").write_text(quick + text)

    def train(self, digest: str) -> None:
        """Do the work of a job as the cluster would, once and in a process of its own."""
        environment = {**os.environ, **settings_environment(self.settings), "AIWF_RAY": "local"}
        command = [sys.executable, "-m", "stages.runner.job", digest]
        with self.lock:  # two tasks may follow one job
            if digest not in self.trained:
                subprocess.run(command, env=environment, check=True, capture_output=True)
            self.trained.add(digest)

    def start(self) -> None:
        up(self.settings, lambda _: None)
        self.airflow = Airflow(self.settings)
        wait(lambda: len(self.dags()) > 2 * len(PIPELINES))

    def dags(self) -> list[str]:
        return [dag["dag_id"] for dag in self.airflow.call("GET", "/api/v2/dags")["dags"]]

    def runs(self, dag: str, kind: str = "") -> list[dict[str, Any]]:
        """The runs of `dag`, oldest first; those that were started so."""
        found = self.airflow.call("GET", f"/api/v2/dags/{dag}/dagRuns?order_by=id")["dag_runs"]
        return [run for run in found if run["run_type"].startswith(kind)]

    def ended(self, dag: str, kind: str) -> dict[str, Any]:
        """The first run of `dag` that was started so, when it has ended."""
        return wait(lambda: [run for run in self.runs(dag, kind) if run["end_date"]])[0]

    def trigger(self, dag: str, answers: dict[str, Any]) -> dict[str, Any]:
        """A run of `dag` that a person triggers with these answers in the form."""
        if not source.revisions("shapes", self.settings):  # this test runs alone
            self.add(each=25)
        body = {"logical_date": None, "conf": self.airflow.defaults(dag) | answers}
        return self.airflow.call("POST", f"/api/v2/dags/{dag}/dagRuns", body)

    def result(self, run: dict[str, Any]) -> dict[str, Any]:
        """`run` when it has ended."""
        address = path_of(run)
        return wait(lambda: (now := self.airflow.call("GET", address))["end_date"] and now)

    def state(self, run: dict[str, Any], task: str) -> str:
        return self.airflow.tasks(run)[task]

    def log(self, run: dict[str, Any], task: str, attempt: int = 1) -> str:
        """What the attempt at a task logged."""
        address = f"{path_of(run)}/taskInstances/{task}/logs/{attempt}?full_content=true"
        return str(self.airflow.call("GET", address)["content"])

    def add(self, each: int, name: str = "shapes") -> str:
        """Add a revision of the data as a person does; what `aiwf data add` prints."""
        folder = self.settings.root.parent / f"data of {each}"
        makers.folder_of_pictures(folder, each=each)
        environment = {**os.environ, **settings_environment(self.settings)}
        aiwf = [sys.executable, "-c", "from stages.cli import main; main()"]
        done = subprocess.run(
            [*aiwf, "data", "add", name, str(folder)],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    @property
    def store(self) -> Store:
        return open_store(self.settings)

    def revision_of(self, run: dict[str, Any]) -> str:
        """The revision of the data that `run` used."""
        dataset = self.store.load(self.airflow.artifact(run, "etl"))
        return str(dataset.revision)


def wait(happened: Callable[[], Any], seconds: float = LONGEST) -> Any:
    """What `happened` gives as soon as it is true."""
    end = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.3)
    return found


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Iterator[Scene]:
    with ExitStack() as stack:
        office = stack.enter_context(opened(Office()))
        scene = Scene(tmp_path_factory.mktemp("runs"), office)
        office.work = scene.train
        stack.callback(down, scene.settings, lambda _: None)
        scene.start()
        yield scene


def test_new_data_start_a_run_on_the_very_revision_that_was_announced(scene):
    printed = scene.add(each=25)
    newest = source.revisions("shapes", scene.settings)[-1].revision

    run = scene.ended("by_data", "asset_triggered")

    assert "announced to Airflow as aiwf://data/shapes" in printed
    assert run["state"] == "success"
    assert scene.revision_of(run) == newest


def test_the_model_and_the_package_are_assets_whose_events_name_them(scene):
    run = scene.ended("by_data", "asset_triggered")

    events = scene.airflow.call("GET", f"/api/v2/assets/events?source_dag_id={run['dag_id']}")

    found = {event["uri"]: event["extra"] for event in events["asset_events"]}
    model, package = (
        scene.airflow.artifact(run, "train"),
        scene.airflow.artifact(run, "deploy_device_sdk"),
    )
    assert found["aiwf://model/by_data"]["model"] == model.id
    assert found["aiwf://package/by_data/device_sdk"]["package"] == package.id


def test_the_time_starts_a_run_of_a_pipeline_that_new_data_start_too(scene):
    scene.write("by_time", "shapes", EVERY_5_SECONDS)
    wait(lambda: "by_time" in scene.dags())

    run = scene.ended("by_time", "scheduled")

    scene.airflow.call("PATCH", "/api/v2/dags/by_time", {"is_paused": True})
    assert run["state"] == "success"
    assert scene.revision_of(run) == source.revisions("shapes", scene.settings)[-1].revision


def test_a_file_that_arrives_is_added_and_starts_a_run(scene):
    folder = makers.folder_of_pictures(scene.incoming.parent / "to send", each=25)
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")
    }
    makers.zipped(scene.incoming / "batch.zip.part", files).rename(scene.incoming / "batch.zip")

    arrival = scene.ended("by_file_arrival", "asset_triggered")
    run = scene.ended("by_file", "asset_triggered")

    assert arrival["state"] == run["state"] == "success"
    [revision] = source.revisions("arrived", scene.settings)
    assert scene.revision_of(run) == revision.revision


def answer(scene: Scene, run: dict[str, Any], option: str) -> dict[str, Any]:
    """Answer as a person does on Airflow's page; the request that was shown."""
    wait(lambda: scene.state(run, "approve") == "awaiting_input")
    assert scene.state(run, "deploy_device_sdk") in (None, "none")
    address = f"{path_of(run)}/taskInstances/approve/-1/hitlDetails"
    shown = scene.airflow.call("GET", address)
    time.sleep(4)  # no person is faster; in the first second Airflow takes the answer for a fault
    scene.airflow.call("PATCH", address, {"chosen_options": [option], "params_input": {}})
    return shown


def test_a_package_is_made_when_a_person_has_approved_the_report(scene):
    run = scene.trigger("by_person", {})

    shown = answer(scene, run, "Approve")

    assert "accuracy" in shown["body"].lower()
    assert [user["id"] for user in shown["assigned_users"]] == ["admin"]
    assert scene.result(run)["state"] == "success"
    assert scene.airflow.artifact(run, "deploy_device_sdk").kind == "package"


def test_a_refusal_ends_the_run_as_refused_and_nothing_ships(scene):
    run = scene.trigger("by_person", {})

    answer(scene, run, "Reject")

    assert scene.result(run)["state"] == "failed"
    assert scene.state(run, "deploy_device_sdk") == "upstream_failed"
    assert "Refused by admin. Nothing is shipped." in scene.log(run, "approve")
    lock = load_lock(run_name(SimpleNamespace(**run, run_id=run["dag_run_id"])), scene.store)
    assert lock.failed["deploy_device_sdk"].problem == "Not deployed: Refused by admin."
    assert lock.lacking == []


def test_samples_of_one_s_own_are_measured_by_form(scene):
    folder = makers.folder_of_pictures(scene.incoming.parent / "own", each=3, side=80)

    run = scene.airflow.finished("by_data_evaluate", {"samples": str(folder), "gate": None})

    assert run["state"] == "success"
    address = f"{path_of(run)}/taskInstances/evaluate/xcomEntries/return_value"
    assert scene.airflow.call("GET", address)["value"].strip('"').startswith("package@")
    assert "report.html" in scene.airflow.links(run, "evaluate")["Report"]


@pytest.fixture
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("There is no Chromium here.")
    browser = Browser(1200)
    yield browser
    browser.close()
    assert browser.log == []


def test_a_wrong_answer_is_reported_learnt_from_and_rolled_back_in_a_browser(scene, browser):
    if not scene.runs("by_data"):  # this test runs alone
        scene.add(each=25)
    scene.ended("by_data", "asset_triggered")
    journey, runs = LearningJourney(browser, scene.settings, "by_data"), scene.runs("by_data")

    first = journey.publish_newest()
    journey.allow_reports()
    reported = journey.report_wrong_answer()
    journey.accept_report(reported)
    assert "announced to Airflow as aiwf://data/shapes" in journey.make_revision()
    wait(lambda: len(scene.runs("by_data")) > len(runs))
    retrained = scene.result(scene.runs("by_data")[-1])
    second = journey.publish_newest(because="it has learnt from what was reported")
    journey.roll_back(to=first)

    assert (retrained["run_type"], retrained["state"]) == ("asset_triggered", "success")
    assert second == scene.airflow.artifact(retrained, "deploy_device_sdk").id
    journey.check_history(first, second)
    journey.check_data(first, second, reported)


@contextmanager
def unfinished_training(scene: Scene, seed: int) -> Iterator[dict[str, Any]]:
    """A run whose job at the cluster does not end while the block runs."""
    scene.office.polls = 1_000_000
    try:
        jobs = len(scene.office.jobs)
        run = scene.trigger("by_person", {"train.seed": seed})  # it would not go on to packages
        wait(lambda: len(scene.office.jobs) > jobs)
        yield run
    finally:
        scene.office.polls = 0


def end_worker(scene: Scene, run: dict[str, Any], how: signal.Signals) -> None:
    """End the process that trains, and wait until the next try follows the job. Airflow gives such
    a process the id of the task as its title."""
    title = scene.airflow.call("GET", f"{path_of(run)}/taskInstances/train")["id"]
    ours = processes.marked(processes.mark_of(scene.settings.root))
    next(process for process in ours if title in " ".join(process.cmdline())).send_signal(how)
    wait(lambda: scene.state(run, "train") == "up_for_retry")
    wait(lambda: scene.state(run, "train") == "running")
    polls = scene.office.polls
    wait(lambda: scene.office.polls < polls)  # its new process follows the job


@pytest.mark.chaos
def test_a_worker_that_died_finds_its_job_again(scene):
    with unfinished_training(scene, seed=1) as run:
        jobs = list(scene.office.jobs)

        end_worker(scene, run, signal.SIGKILL)

    wait(lambda: scene.state(run, "train") == "success")
    assert list(scene.office.jobs) == jobs


@pytest.mark.chaos
def test_a_worker_that_is_restarted_leaves_its_job_and_a_person_ends_it(scene):
    with unfinished_training(scene, seed=2) as run:
        jobs = list(scene.office.jobs)
        job, address = scene.office.jobs[jobs[-1]], f"{path_of(run)}/taskInstances/train"

        end_worker(scene, run, signal.SIGTERM)
        assert job["status"] == "RUNNING"
        assert list(scene.office.jobs) == jobs
        scene.airflow.call("PATCH", address, {"new_state": "failed"})

        wait(lambda: job["status"] == "STOPPED")
    assert scene.result(run)["state"] == "failed"
