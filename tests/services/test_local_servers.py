"""`aiwf up`: Airflow and MLflow for one person on one machine, from the trigger form to `down`."""

import os
import signal
import socket
import time
from pathlib import Path

import httpx
import psutil
import pytest

from stages.config import read_pipeline
from stages.local import down, processes, status, up
from stages.local.environment import login
from stages.local.health import free_port
from stages.runner import run_pipeline
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from tests import makers
from tests.airflow_client import Airflow, path_of

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("servers with space")
    airflow = free_port(21_000 + os.getpid() % 5_000)
    settings = Settings(
        workspace=folder / "workspace",
        pipelines=folder / "pipelines",
        airflow_port=airflow,
        mlflow_port=free_port(airflow),
        studio_port=free_port(free_port(airflow)),
        live_port=free_port(free_port(free_port(airflow))),
        threads=1,
    )
    path = makers.quick_pipeline(folder, settings)
    (path.parent / "broken.yaml").write_text("- a list\n")
    (path.parent / "often.yaml").write_text(
        "name: often\ntask: image_classification\ndata: shapes\nschedule: '@yearly'\n"
    )
    return settings


@pytest.fixture(scope="module")
def startup_lines(settings):
    """The servers, up for all tests of this file; what `up` said."""
    lines: list[str] = []
    lines += up(settings, lines.append)
    yield lines
    down(settings, lines.append)


@pytest.fixture(scope="module")
def airflow(startup_lines, settings) -> Airflow:
    there = Airflow(settings)
    deadline = time.monotonic() + 60
    while len(there.call("GET", "/api/v2/dags")["dags"]) < 5 and time.monotonic() < deadline:
        time.sleep(0.5)
    return there


def test_addresses_and_login_are_told(startup_lines, settings):
    user, password = login(settings)

    text = "\n".join(startup_lines)

    assert f"http://127.0.0.1:{settings.airflow_port}" in text
    assert f"http://127.0.0.1:{settings.mlflow_port}" in text
    assert f"user {user}, password {password}" in text


def test_up_again_starts_nothing(startup_lines, settings):
    before = status(settings)

    up(settings, lambda _: None)

    assert status(settings) == before
    assert {state.state for state in before} == {"running"}


def test_nothing_listens_beyond_this_machine(startup_lines, settings):
    ours = processes.marked(processes.mark_of(settings.root))

    heard = {
        link.laddr.ip
        for process in ours
        for link in process.net_connections("inet")
        if link.status == psutil.CONN_LISTEN
    }

    assert heard == {"127.0.0.1"}


PAGES = {
    "mlflow": ("/", "/api/2.0/mlflow/experiments/search?max_results=1", "/graphql"),
    "airflow": ("/", "/api/v2/version", "/execution/health", "/auth/login"),
}
FORGED_HOSTS = (
    "evil.example",
    "10.evil.example",
    "192.168.evil.example",
    "localhost.evil.example",
    "",
)


def status_of(
    settings: Settings, server: str, page: str, method: str = "GET", **headers: str
) -> int:
    port = settings.mlflow_port if server == "mlflow" else settings.airflow_port
    return httpx.request(method, f"http://127.0.0.1:{port}{page}", headers=headers).status_code


@pytest.mark.parametrize("host", FORGED_HOSTS)
@pytest.mark.parametrize(("server", "page"), [(s, page) for s in PAGES for page in PAGES[s]])
def test_nothing_is_read_under_another_name(startup_lines, settings, server, page, host):
    assert status_of(settings, server, page, Host=host) in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "localhost:9999", "127.0.0.1", "127.0.0.1:1"])
@pytest.mark.parametrize("server", PAGES)
def test_a_tunnel_s_port_is_no_other_name(startup_lines, settings, server, host):
    assert status_of(settings, server, PAGES[server][1], Host=host) == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost.evil.example", "null"])
@pytest.mark.parametrize(
    ("server", "page"),
    [("mlflow", "/api/2.0/mlflow/experiments/create"), ("airflow", "/auth/token")],
)
def test_nothing_is_changed_from_another_origin(startup_lines, settings, server, page, origin):
    assert status_of(settings, server, page, "POST", Origin=origin) == 403


def test_no_page_of_another_origin_may_read_what_mlflow_answers(startup_lines, settings):
    address = f"http://127.0.0.1:{settings.mlflow_port}{PAGES['mlflow'][1]}"

    answer = httpx.get(address, headers={"Origin": "http://evil.example"})

    assert "access-control-allow-origin" not in answer.headers


def test_what_the_servers_keep_is_for_its_owner_alone(startup_lines, settings):
    databases = [*settings.root.rglob("*.db"), *settings.root.rglob("*.log")]

    assert {path.name for path in databases} >= {"mlflow.db", "airflow.db", "mlflow.log"}
    ours = [path for path in databases if path.parent.name in ("mlflow", "airflow", "logs")]
    assert {oct(path.stat().st_mode & 0o777) for path in ours} == {"0o600"}
    assert settings.root.stat().st_mode & 0o777 == 0o700


def test_every_yaml_is_there_a_broken_one_with_what_is_wrong(airflow):
    found = {dag["dag_id"]: dag for dag in airflow.call("GET", "/api/v2/dags")["dags"]}

    pipelines = {"shapes", "often"}
    assert set(found) == {*pipelines, *(f"{name}_evaluate" for name in pipelines), "broken.yaml"}
    page = airflow.call("GET", "/api/v2/dags/broken.yaml/details")["doc_md"]
    assert "a list" in page
    assert airflow.call("GET", "/api/v2/importErrors")["total_entries"] == 0


def test_a_schedule_waits_for_its_next_time(airflow):
    dag = airflow.call("GET", "/api/v2/dags/often/details")

    assert not dag["is_paused"]
    assert dag["next_dagrun_run_after"] is not None
    assert airflow.call("GET", "/api/v2/dags/often/dagRuns")["total_entries"] == 0


def test_the_form_s_defaults_make_what_is_made_without_airflow(airflow, settings, tmp_path):
    run = airflow.finished("shapes", airflow.defaults("shapes"))

    assert set(airflow.tasks(run).values()) == {"success"}
    path = makers.quick_pipeline(tmp_path, makers.settings(tmp_path))
    plain = run_pipeline(read_pipeline(path), run="plain", settings=makers.settings(tmp_path))
    assert {task: airflow.artifact(run, task) for task in plain} == plain
    assert str(settings.mlflow_port) in airflow.links(run, "train")["MLflow run"]
    assert "report.html" in airflow.links(run, "evaluate")["Report"]


def test_an_answer_of_the_wrong_type_is_refused_by_the_form(airflow):
    with pytest.raises(httpx.HTTPStatusError) as raised:
        airflow.finished("shapes", {"train.trials": 0})

    assert raised.value.response.status_code == 400


def test_answers_that_do_not_fit_each_other_are_refused_by_the_form(airflow):
    with pytest.raises(httpx.HTTPStatusError) as raised:
        airflow.finished("shapes", {"etl.splits.train": 0.9})

    assert raised.value.response.status_code == 400
    assert "etl.splits" in raised.value.response.text


def test_a_size_that_no_family_takes_is_refused_by_the_form(airflow):
    with pytest.raises(httpx.HTTPStatusError) as raised:
        airflow.finished("shapes", {"train.input_sizes": "37"})

    assert raised.value.response.status_code == 400
    assert "37" in raised.value.response.text


def test_what_only_measuring_can_refuse_fails_its_task_at_once(airflow):
    run = airflow.finished("shapes", {"train.device.size_mb": 0.001})

    states = airflow.tasks(run)
    assert states.pop("etl") == "failed"  # the first task measures, before any other work
    assert set(states.values()) == {"upstream_failed"}
    [task] = [
        task
        for task in airflow.call("GET", f"{path_of(run)}/taskInstances")["task_instances"]
        if task["task_id"] == "etl"
    ]
    assert task["try_number"] == 1


def test_the_studio_is_in_the_navigation_and_behind_the_same_login(airflow, settings):
    entrance = f"http://127.0.0.1:{settings.airflow_port}/studio/"
    token = airflow.call(
        "POST", "/auth/token", dict(zip(("username", "password"), login(settings), strict=True))
    )

    views = airflow.call("GET", "/api/v2/plugins")["plugins"]
    assert httpx.get(entrance).status_code == 401
    assert httpx.get(f"http://127.0.0.1:{settings.studio_port}/").status_code == 401
    with httpx.Client(cookies={"_token": token["access_token"]}, follow_redirects=True) as person:
        home = person.get(entrance)

    assert home.status_code == 200
    assert home.url.port == settings.studio_port
    assert "token" not in str(home.url)
    assert "shapes" in home.text
    assert "/studio/" in [view["href"] for plugin in views for view in plugin["external_views"]]


def test_a_taken_port_is_told_with_the_variable_that_moves_it(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = Settings(
            workspace=tmp_path,
            airflow_port=port,
            mlflow_port=free_port(port),
            studio_port=free_port(free_port(port)),
            live_port=free_port(free_port(free_port(port))),
        )

        with pytest.raises(ConfigError, match=str(port)) as raised:
            up(other, lambda _: None)

    assert "AIWF_AIRFLOW_PORT=" in raised.value.remedy
    assert not processes.marked(processes.mark_of(tmp_path))


def test_down_leaves_nothing_behind_even_after_a_crash(startup_lines, settings):
    mark = processes.mark_of(settings.root)
    [scheduler] = [state for state in status(settings) if state.name == "airflow-scheduler"]
    os.kill(scheduler.pid, signal.SIGKILL)  # its workers are orphans now

    ended = down(settings, lambda _: None)

    assert ended > 4
    assert not processes.marked(mark)
    assert {state.state for state in status(settings)} == {"stopped"}
    for port in (settings.airflow_port, settings.mlflow_port, settings.studio_port):
        with socket.socket() as trial:
            assert trial.connect_ex(("127.0.0.1", port)) != 0
    assert not list(Path(settings.root / "store").rglob("*.part"))
