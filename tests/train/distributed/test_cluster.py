"""A Ray that does not come up is told with what helps: other things for one that is started here
than for a cluster that runs elsewhere. Ray is not mocked: it refuses in a process of its own. Also
what it is started with, and how it is watched."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from stages.resources import Resources
from stages.train.distributed import cluster
from stages.train.distributed.memory import MB, free, object_store_bytes

CONNECT = """
import sys
from pathlib import Path
from stages.resources import Resources
from stages.runtime.errors import InfrastructureError
from stages.train.distributed import cluster
cluster.check_sockets = lambda: None  # it would refuse the folder before Ray does
try:
    with cluster.cluster(Resources(cores=1, scratch=Path(), ray=sys.argv[1]), 0):
        print("up")
except InfrastructureError as error:
    print(error)
"""


def message(address: str, folder: Path) -> str:
    """What a process says that cannot connect to `address`, or start a Ray with its files below
    `folder`."""
    folder.mkdir(parents=True)
    return subprocess.run(
        [sys.executable, "-c", CONNECT, address],
        env={"TMPDIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_local_ray_that_fails_sends_to_memory_and_disk_of_this_machine(tmp_path):
    deep = tmp_path / ("d" * 100)  # longer than the path of a socket may be

    text = message("local", deep)

    assert "Ray does not come up (local)" in text
    assert f"Free some memory, and space in {deep}" in text
    assert "AIWF_RAY" not in text, "it is not set, so it is no help to unset it"


@pytest.mark.parametrize("address", ["nowhere:x", "127.0.0.1:port"])
def test_a_remote_ray_that_fails_sends_to_the_cluster_and_its_setting(address, tmp_path):
    text = message(address, tmp_path / "short")

    assert f"Ray does not come up ({address})" in text
    assert "Look at the cluster that AIWF_RAY names, or unset AIWF_RAY" in text
    assert "Free some memory" not in text


def test_a_ray_that_starts_here_has_the_cores_of_the_resources_and_listens_to_this_machine(
    tmp_path,
):
    resources = Resources(cores=3, scratch=tmp_path, gpus=1)

    arguments = cluster._init_arguments(resources, tmp_path, 5 * MB)
    variables = cluster._ray_variables(resources, "paddle")

    assert arguments["address"] == "local"
    assert (arguments["num_cpus"], arguments["num_gpus"]) == (3, 1)
    assert arguments["object_store_memory"] == object_store_bytes(5 * MB)
    assert MB < arguments["_memory"] < free() + MB * 1000
    assert arguments["_temp_dir"] == str(tmp_path / "ray")
    assert arguments["_node_ip_address"] == "127.0.0.1"
    assert arguments["include_dashboard"] is False
    assert variables["RAY_preload_python_modules"] == "paddle"
    for settings in (cluster.RAY_TRAIN_SETTINGS, cluster.LOCAL_RAY_SETTINGS, cluster.TOKEN):
        assert settings.items() <= variables.items()
    assert variables["OMP_NUM_THREADS"] == "1"


def test_a_cluster_is_sent_this_package_and_one_thread_a_library(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_JOB_CONFIG_JSON_ENV_VAR", raising=False)
    resources = Resources(cores=3, scratch=tmp_path, ray="10.0.0.1:6379")

    arguments = cluster._init_arguments(resources, tmp_path, MB)

    assert arguments["address"] == "10.0.0.1:6379"
    assert set(arguments) == {"address", "runtime_env"}
    assert arguments["runtime_env"]["env_vars"] == cluster.SINGLE_THREAD
    [folder] = arguments["runtime_env"]["py_modules"]
    assert (Path(folder) / "train" / "distributed" / "cluster.py").exists()
    assert cluster._ray_variables(resources, "paddle") == cluster.RAY_TRAIN_SETTINGS


def test_a_ray_job_has_brought_the_package_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")

    assert cluster._runtime_env() == {"env_vars": cluster.SINGLE_THREAD}


def test_the_message_names_what_helps_here_and_there(tmp_path):
    here = Resources(cores=1, scratch=tmp_path)
    there = Resources(cores=1, scratch=tmp_path, ray="far:1")

    assert "no route" in cluster._not_up(here, OSError("no route")).problem
    assert "Free some memory" in cluster._not_up(here, OSError()).remedy
    assert "unset AIWF_RAY" in cluster._not_up(there, OSError()).remedy


class Started:
    """A Ray with a process that sleeps."""

    def __init__(self) -> None:
        self.process = psutil.Popen(["sleep", "60"])

    def ended(self) -> bool:
        return not self.alive()

    def alive(self) -> list[Any]:
        return [] if self.process.poll() is not None else [self.process]


def test_a_ray_that_ended_is_noticed_and_what_runs_of_it_is_killed(monkeypatch):
    monkeypatch.setattr(cluster, "_local_ray", [])
    assert not cluster.ended()

    cluster._local_ray.append(Started())

    assert not cluster.ended()
    cluster.end_rest()
    assert cluster.ended()


def test_variables_are_those_from_before_at_the_end(monkeypatch):
    monkeypatch.setenv("AIWF_BEFORE", "1")
    with cluster._environment({"AIWF_BEFORE": "2", "AIWF_NEW": "3"}):
        assert (os.environ["AIWF_BEFORE"], os.environ["AIWF_NEW"]) == ("2", "3")
        os.environ["AIWF_SET_WITHIN"] = "4"

    assert os.environ["AIWF_BEFORE"] == "1"
    assert not {"AIWF_NEW", "AIWF_SET_WITHIN"} & set(os.environ)
