"""A pipeline as its DAG, without servers: the artifacts and errors are those without Airflow."""

import pytest

from stages.config import read_pipeline
from stages.local.dag_test import via_airflow
from stages.opening import open_store
from stages.runner import run_pipeline
from stages.runner.lock import load_lock
from stages.runtime.errors import ConfigError, DataError
from stages.settings import Settings
from stages.tracking import TrialProgress
from tests import makers


class Heard:
    """Keeps what a person would see."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def notify(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, what: str, done: int, total: int) -> None:
        self.lines.append(f"{what} {done}/{total}")

    def trial(self, standing: TrialProgress) -> None:
        self.lines.append(standing.name)


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    return makers.settings(tmp_path_factory.mktemp("direct C# 50% a%20b, what? it's [x]"))


def test_what_the_first_task_finds_wrong_is_the_error_of_the_run(settings, tmp_path):
    path = tmp_path / "nowhere.yaml"
    path.write_text("name: nowhere\ntask: image_classification\ndata: nowhere\n")

    with pytest.raises(ConfigError, match="no data called 'nowhere'") as raised:
        via_airflow(path, (), settings, Heard())

    assert raised.value.exit_code == 2
    assert "aiwf data add" in raised.value.remedy
    log = (settings.root / "logs" / "nowhere-direct.log").read_text("utf-8")
    assert "Traceback" in log  # Airflow's own; what follows it is ours
    assert "aiwf data add" in log.rpartition("Traceback")[2].partition("::endgroup::")[2]


@pytest.mark.slow
def test_airflow_makes_what_is_made_without_it_and_finds_it_again(settings, tmp_path):
    with_approval = makers.QUICK + "airflow: {approval: {}}\n"
    path = makers.quick_pipeline(tmp_path, settings, with_approval)
    heard, again = Heard(), Heard()

    run = via_airflow(path, (), settings, heard)
    run_again = via_airflow(path, (), settings, again)

    store = open_store(settings)
    artifacts = load_lock(run, store).artifacts
    other = makers.settings(tmp_path / "other")
    makers.quick_pipeline(tmp_path / "other", other)
    assert artifacts == run_pipeline(read_pipeline(path), run="plain", settings=other)
    assert load_lock(run_again, store).artifacts == artifacts
    assert again.lines[0].startswith("approve: nobody is asked")
    assert [line.split(":")[0] for line in again.lines[1:]] == list(artifacts)
    assert all(": reused " in line for line in again.lines[1:])
    assert any(line.startswith("trials ") for line in heard.lines)
    assert any(line.startswith("trial ") for line in heard.lines)


@pytest.mark.slow
def test_data_that_breaks_a_rule_ends_the_run_with_its_code(settings, tmp_path):
    path = makers.quick_pipeline(tmp_path, settings)

    with pytest.raises(DataError) as raised:
        via_airflow(path, ("etl.min_samples=500",), settings, Heard())

    assert raised.value.exit_code == 3
    assert "500" in raised.value.problem
