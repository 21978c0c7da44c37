"""What a person meets at the command line: help, exit codes, errors without tracebacks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import makers

AIWF = Path(sys.executable).parent / "aiwf"
YAML = "name: shapes\ntask: image_classification\ndata: shapes\n"


@pytest.fixture
def aiwf(tmp_path):
    """Run aiwf in an empty workspace."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [AIWF, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "AIWF_WORKSPACE": str(tmp_path / "w"), **environment},
            capture_output=True,
            text=True,
        )

    (tmp_path / "shapes.yaml").write_text(YAML)
    return run


def test_help_names_every_command(aiwf):
    done = aiwf("--help")

    assert done.returncode == 0
    assert all(name in done.stdout for name in ("run", "plan", "predict", "doctor", "samples"))


def test_data_that_is_not_there_says_how_to_add_it(aiwf):
    done = aiwf("run", "shapes.yaml")

    assert done.returncode == 2
    assert "aiwf data add shapes" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_yaml_that_is_a_list_is_told(aiwf, tmp_path):
    (tmp_path / "list.yaml").write_text("- a\n")

    done = aiwf("plan", "list.yaml")

    assert (done.returncode, "a list" in done.stderr) == (2, True)


def test_a_missing_yaml_is_told_with_the_nearest(aiwf):
    done = aiwf("plan", "shape.yaml")

    assert done.returncode == 2
    assert "shapes.yaml" in done.stderr


def test_a_budget_too_small_to_train_anything_is_told_before_the_run(aiwf, tmp_path):
    aiwf("data", "add", "shapes", makers.folder_of_pictures(tmp_path / "pictures", each=20))

    done = aiwf("run", "shapes.yaml", "train.budget_minutes=0.001")

    assert done.returncode == 6, done.stderr
    assert "budget_minutes" in done.stderr


def test_a_workspace_that_cannot_be_written_is_told(aiwf, tmp_path):
    (tmp_path / "file").write_text("in the way")
    pictures = makers.folder_of_pictures(tmp_path / "pictures", each=8)

    done = aiwf("data", "add", "shapes", pictures, AIWF_WORKSPACE=str(tmp_path / "file"))

    assert done.returncode == 7, done.stderr
    assert "AIWF_WORKSPACE" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stage_runs_as_a_command_of_its_own(aiwf, tmp_path):
    aiwf("data", "add", "shapes", makers.folder_of_pictures(tmp_path / "pictures", each=20))
    config = {"name": "shapes", "task": "image_classification", "data": "shapes"}
    (tmp_path / "spec.json").write_text(json.dumps({"config": config, "run": "r"}))

    done = aiwf("stage", "etl", "--spec", "spec.json")

    assert done.returncode == 0, done.stderr
    keyword, _, reference = done.stdout.splitlines()[-1].partition(" ")
    assert (keyword, json.loads(reference)[0]) == ("RESULT", "dataset")


def test_a_data_gate_has_its_own_exit_code(aiwf, tmp_path):
    pictures = makers.folder_of_pictures(tmp_path / "pictures", each=2)
    assert aiwf("data", "add", "shapes", pictures).returncode == 0

    done = aiwf("run", "shapes.yaml")

    assert done.returncode == 3, done.stderr
    assert "circle" in done.stderr


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("[]", "no table"),
        ('{"run": "r", "config": []}', "no table"),
        ('{"run": "r", "config": {"nmae": "a"}}', "nmae"),
        ('{"run": "../r", "config": {}}', "cannot be the name of a run"),
    ],
)
def test_a_wrong_spec_is_told(aiwf, tmp_path, spec, message):
    (tmp_path / "spec.json").write_text(spec)

    answer = aiwf("stage", "etl", "--spec", "spec.json")

    assert (answer.returncode, message in answer.stderr) == (2, True), answer.stderr


def test_a_variable_that_does_not_fit_is_told_by_its_name(aiwf):
    done = aiwf("list", AIWF_THREADS="many", AIWF_MLFLOW_PORT="x")

    assert done.returncode == 2, done.stderr
    assert "AIWF_THREADS" in done.stderr
    assert "AIWF_MLFLOW_PORT" in done.stderr


def test_a_lock_of_another_time_is_told(aiwf, tmp_path):
    lock = {"run": "r", "pipeline": "p", "data": {}, "config": {"was": 1}, "seeds": {}}
    lock |= {"requirements": "", "machine": {}}
    (tmp_path / "run.lock.json").write_text(json.dumps(lock))

    done = aiwf("reproduce", "run.lock.json")

    assert (done.returncode, "The lock: was" in done.stderr) == (2, True), done.stderr


def test_an_unknown_kind_is_told_with_the_nearest(aiwf):
    done = aiwf("list", "modle")

    assert done.returncode == 2
    assert "Did you mean 'model'?" in done.stderr


@pytest.mark.slow
def test_the_doctor_finds_everything_well(aiwf):
    done = aiwf("doctor")

    assert done.returncode == 0, done.stdout
    assert "all well" in done.stdout


def test_the_version_is_that_of_the_package(aiwf):
    from importlib.metadata import version

    assert aiwf("--version").stdout == f"aiwf {version('ai-workflow')}\n"


def test_a_pipeline_is_run_by_its_name_and_an_error_leaves_no_run(aiwf, tmp_path):
    done = aiwf("run", "shapes", "data.revision=abc", AIWF_PIPELINES=str(tmp_path))

    assert done.returncode == 2
    assert "aiwf data add shapes" in done.stderr
    assert list((tmp_path / "w" / "runs").iterdir()) == []


def test_a_name_that_is_no_pipeline_is_told(aiwf):
    done = aiwf("plan", "shape")

    assert done.returncode == 2
    assert "no pipeline called 'shape'" in done.stderr
