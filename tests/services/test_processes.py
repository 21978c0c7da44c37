"""What was started for a workspace is ended with all its children, and nothing else is."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from stages.local import processes

SLEEP = "import time; time.sleep(600)"
FAMILY = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True)
time.sleep(600)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


@pytest.fixture
def mark(tmp_path):
    mark = processes.mark_of(tmp_path)
    yield mark
    processes.stop(mark, patience=1)


def started(mark: str, tmp_path: Path, code: str, name: str = "server") -> subprocess.Popen[bytes]:
    return processes.start(name, [sys.executable, "-c", code], {}, mark, tmp_path / "log")


def wait_for(count: int, mark: str) -> list[psutil.Process]:
    deadline = time.monotonic() + 60
    while len(found := processes.marked(mark)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_a_server_ends_with_its_children_even_those_in_other_sessions(mark, tmp_path):
    parent = started(mark, tmp_path, FAMILY)
    family = wait_for(2, mark)

    ended = processes.stop(mark)

    assert ended == len(family) == 2
    assert parent.wait(10) is not None
    assert not processes.marked(mark)


def test_orphans_are_ended_when_their_parent_was_killed(mark, tmp_path):
    parent = started(mark, tmp_path, FAMILY)
    wait_for(2, mark)
    parent.kill()
    parent.wait()

    processes.stop(mark)

    assert not processes.marked(mark)


def test_what_does_not_listen_is_forced(mark, tmp_path):
    started(mark, tmp_path, STUBBORN)
    wait_for(1, mark)
    time.sleep(1)  # until it ignores the signal

    processes.stop(mark, patience=1)

    assert not processes.marked(mark)


def test_others_are_left_alone(mark, tmp_path):
    stranger = subprocess.Popen([sys.executable, "-c", SLEEP])
    other = processes.mark_of(tmp_path / "other workspace")
    neighbour = started(other, tmp_path, SLEEP)
    started(mark, tmp_path, SLEEP)
    wait_for(1, mark)

    processes.stop(mark)

    assert stranger.poll() is None
    assert neighbour.poll() is None
    stranger.kill()
    processes.stop(other)


def test_only_the_named_servers_are_ended_if_names_are_given(mark, tmp_path):
    server = started(mark, tmp_path, SLEEP, "mlflow")
    other = started(mark, tmp_path, SLEEP, "airflow-scheduler")
    wait_for(2, mark)

    assert processes.stop(mark, names=["mlflow"]) == 1

    assert server.wait(10) is not None
    assert other.poll() is None


def test_stopping_twice_is_no_error(mark):
    assert processes.stop(mark) == 0


def test_servers_are_told_apart_by_name(mark, tmp_path):
    server = started(mark, tmp_path, SLEEP, "mlflow")
    started(mark, tmp_path, SLEEP, "airflow-scheduler")
    wait_for(2, mark)

    assert [process.pid for process in processes.marked(mark, "mlflow")] == [server.pid]
