"""A Ray that does not come up is told with what helps: other things for one that is started here
than for a cluster that runs elsewhere. Ray is not mocked: it refuses in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

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
