"""What happened is kept in MLflow: a run for the pipeline, below it stages, below those trials."""

import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import MappingProxyType

import pytest

from stages.runtime.errors import DataError, InfrastructureError
from stages.settings import Settings
from stages.tracking import QuietRun, TrialProgress, TrialRecord, links
from stages.tracking.mlflow_run import end_run, open_run
from stages.tracking.server import connect
from tests import makers


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    return makers.settings(tmp_path_factory.mktemp("tracking"))


def opened(
    settings: Settings,
    run: str,
    stage: str = "train",
    progress=lambda *_: None,
    requested=MappingProxyType({}),
):
    return open_run(
        settings,
        pipeline="flowers",
        run=run,
        stage=stage,
        tags={},
        progress=progress,
        requested=requested,
    )


def runs_of(settings: Settings, run: str) -> dict[str, list]:
    """The runs of the pipeline run `run` by what they are: pipeline, stage or trial."""
    client = connect(settings)
    home = client.get_experiment_by_name("flowers").experiment_id
    family = client.search_runs([home], f"tags.`aiwf.run` = '{run}'")
    own = {run.info.run_id for run in family}
    every = client.search_runs([home], "tags.`aiwf.part` = 'trial'")
    family += [run for run in every if run.data.tags["mlflow.parentRunId"] in own]
    parts = ("pipeline", "stage", "trial")
    return {part: [run for run in family if run.data.tags["aiwf.part"] == part] for part in parts}


def test_what_a_stage_tells_can_be_read_in_mlflow(settings):
    with opened(settings, "told") as run:
        run.log_params({"families": ["lite0"], "rate": 0.1})
        run.log_metrics({"accuracy": 0.9})
        run.log_tags({"aiwf.model": "abc"})
        run.log_file("pages/report.html", b"<h1>Ship</h1>")
        run.log_data("flowers", "0" * 32 + ".dir", "flowers@1")

    family = runs_of(settings, "told")
    [stage], [parent] = family["stage"], family["pipeline"]
    assert stage.data.params == {"families": '["lite0"]', "rate": "0.1"}
    assert stage.data.metrics == {"accuracy": 0.9}
    assert stage.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert stage.inputs.dataset_inputs[0].dataset.digest == "0" * 32 + ".dir"
    assert parent.data.metrics == {"train/accuracy": 0.9}
    assert parent.data.params["train.rate"] == "0.1"
    assert parent.data.tags["aiwf.model"] == "abc"
    downloaded = connect(settings).download_artifacts(stage.info.run_id, "pages/report.html")
    assert Path(downloaded).read_bytes() == b"<h1>Ship</h1>"


def test_stages_of_one_pipeline_run_share_its_parent(settings):
    with opened(settings, "shared", "etl"):
        pass
    with opened(settings, "shared", "train"):
        pass

    family = runs_of(settings, "shared")
    assert len(family["pipeline"]) == 1
    assert {run.info.run_name for run in family["stage"]} == {"etl", "train"}


def test_the_pipelines_run_goes_on_between_stages_until_it_is_ended(settings):
    for stage in ("etl", "train"):
        with opened(settings, "between", stage):
            pass
        assert runs_of(settings, "between")["pipeline"][0].info.status == "RUNNING"

    end_run(settings, pipeline="flowers", run="between", status="FINISHED")

    assert runs_of(settings, "between")["pipeline"][0].info.status == "FINISHED"


def test_the_pipelines_run_is_named_by_pipeline_date_and_id_and_has_what_was_asked(settings):
    requested = {"families": "lite0, lite1", "gate": "accuracy=0.9", "budget_minutes": 5}

    for name in ("named-1", "named-2"):
        with opened(settings, name, requested=requested) as run:
            run.log_summary({"accuracy/model": 0.9})

    first, second = (runs_of(settings, name)["pipeline"][0] for name in ("named-1", "named-2"))
    assert re.fullmatch(r"flowers \d{4}-\d\d-\d\d \d\d:\d\d [0-9a-f]{6}", first.info.run_name)
    assert first.info.run_name != second.info.run_name
    assert first.data.params == {key: str(value) for key, value in requested.items()}
    assert first.data.metrics == {"accuracy/model": 0.9}


def test_a_stage_that_is_stopped_is_killed_before_it_has_ended(settings):
    first = TrialProgress("trial 0", "lite0", 1, 1, 2, "loss", 0.5, 0.5, 0.5, {}, ({"loss": 1.0},))
    with opened(settings, "cut") as run:
        run.trial(first)
        run.stopped()
        written(run)
        family = runs_of(settings, "cut")

    statuses = {part: run.info.status for part, runs in family.items() for run in runs}
    assert statuses == dict.fromkeys(("pipeline", "stage", "trial"), "KILLED")


def written(run) -> None:
    """Wait until everything is written that was put before."""
    done = threading.Event()
    run._writer.put(done.set)
    assert done.wait(30)


def test_each_trial_is_a_nested_run_with_its_curve(settings):
    curve = [{"accuracy": step / 60, "loss": 1 - step / 60} for step in range(60)]
    trials = [TrialRecord(f"trial {n}", {"rate": n}, curve, {"chosen": "no"}) for n in range(5)]

    with opened(settings, "searched") as run:
        run.log_trials(trials)

    found = runs_of(settings, "searched")["trial"]
    assert {run.info.run_name for run in found} == {run.name for run in trials}
    assert {run.info.status for run in found} == {"FINISHED"}
    history = connect(settings).get_metric_history(found[0].info.run_id, "accuracy")
    assert [point.value for point in history] == [point["accuracy"] for point in curve]
    assert [point.step for point in history] == list(range(60))


def test_a_stage_that_fails_is_seen_to_have_failed(settings):
    with pytest.raises(DataError), opened(settings, "failed", "etl"):
        raise DataError("A photo is under two labels.", "Choose one.")

    family = runs_of(settings, "failed")
    assert family["stage"][0].info.status == "FAILED"
    assert "under two labels" in family["stage"][0].data.tags["aiwf.problem"]
    assert family["pipeline"][0].info.status == "FAILED"


def test_a_stage_that_is_mended_by_a_retry_mends_its_pipeline_run(settings):
    with pytest.raises(OSError, match="gone"), opened(settings, "mended", "etl"):
        raise OSError("gone")
    with opened(settings, "mended", "etl"):
        pass

    family = runs_of(settings, "mended")
    assert len(family["stage"]) == 2
    assert family["pipeline"][0].info.status == "RUNNING"


def test_a_stage_does_not_wait_until_its_records_are_written(settings):
    curve = [{"accuracy": 0.5, "loss": 0.5, "log_loss": 0.1}] * 60
    trials = [TrialRecord(f"trial {number}", {"rate": number}, curve) for number in range(50)]

    written = threading.Event()

    with opened(settings, "quick") as run:
        run._writer.put(written.wait)
        run.log_trials(trials)
        assert runs_of(settings, "quick")["trial"] == []
        written.set()

    assert len(runs_of(settings, "quick")["trial"]) == 50


def test_progress_is_passed_on(settings):
    heard = []

    with opened(settings, "progress", progress=lambda *event: heard.append(event)) as run:
        run.progress("features", 1, 2)

    assert heard == [("features", 1, 2)]


def test_the_page_of_a_run_is_told_while_it_runs_and_kept_for_what_it_made(settings):
    heard = []

    with links.hearing(heard.append), opened(settings, "page") as run:
        pages = list(heard)
        run.log_tags({"aiwf.model": "f" * 64})

    assert len(pages) == 1
    assert links.page_of(settings.root, "model", "f" * 64) == pages[0]
    assert links.page_of(settings.root, "model", "0" * 64) is None


def test_a_copy_that_ray_writes_down_hears_nothing(settings):
    with opened(settings, "copied") as run:
        copy = pickle.loads(pickle.dumps(run))  # noqa: S301

    assert isinstance(copy, QuietRun)


def test_an_experiment_in_the_bin_is_taken_out_again(settings):
    with opened(settings, "binned"):
        pass
    client = connect(settings)
    client.delete_experiment(client.get_experiment_by_name("flowers").experiment_id)

    with opened(settings, "unbinned"):
        pass

    assert client.get_experiment_by_name("flowers").lifecycle_stage == "active"


def test_a_server_that_is_not_there_is_told_before_any_work(tmp_path):
    away = Settings(workspace=tmp_path, mlflow="http://127.0.0.1:9")

    with (
        pytest.raises(InfrastructureError, match=r"127\.0\.0\.1:9") as raised,
        opened(away, "none"),
    ):
        pytest.fail("work began")

    assert "aiwf up" in raised.value.remedy


FIRST_USE = """
import sys
from pathlib import Path
from stages.settings import Settings
from stages.tracking.mlflow_run import open_run

settings = Settings(workspace=Path(sys.argv[1]))
with open_run(settings, pipeline="flowers", run="together", stage=sys.argv[2], tags={},
              progress=print) as run:
    run.log_metrics({"accuracy": 0.9})
"""


def test_three_processes_may_be_the_first_users_at_once(tmp_path):
    started = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_USE, str(tmp_path), f"stage{number}"],
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]

    ended = [(process.communicate()[1], process.returncode) for process in started]

    assert [code for _, code in ended] == [0, 0, 0], ended
    family = runs_of(Settings(workspace=tmp_path), "together")
    assert len(family["stage"]) == 3
    assert len(family["pipeline"]) == 1


def test_files_are_kept_beside_the_records_and_not_in_a_workspace_that_does_not_last(
    settings, tmp_path
):
    passing = makers.settings(tmp_path).model_copy(update={"mlflow": settings.mlflow_uri})

    with open_run(
        passing, pipeline="again", run="r", stage="etl", tags={}, progress=lambda *_: None
    ) as run:
        run.log_file("page.html", b"x")

    assert list((settings.root / "mlflow" / "files" / "again").rglob("page.html"))
    assert not list(passing.root.rglob("page.html"))
