"""The processes of a Ray are found by its folder, watched, and ended."""

import shutil
import subprocess
import sys
import time

import psutil
import pytest

from stages.train.distributed.ray_processes import (
    RayProcesses,
    _alive,
    _mentions,
    _name,
    end,
    of_session,
)


@pytest.fixture
def started(tmp_path):
    """Processes with the names of Ray's and its folder on their command lines."""
    sleep, running = shutil.which("sleep"), {}
    for name in ("raylet", "gcs_server", "agent"):
        shutil.copy(sleep, tmp_path / name)
        running[name] = subprocess.Popen([tmp_path / name, "60"])
    other = subprocess.Popen([sleep, "60"])
    # a process that begins has its name before its command line
    wait(lambda: all(_mentions(psutil.Process(each.pid), "60") for each in running.values()))
    yield running, other
    for process in (*running.values(), other):
        process.kill()
        process.wait()


def wait(happened):
    for _ in range(400):
        if happened():
            return
        time.sleep(0.02)
    raise AssertionError("nothing happened")


def pids(processes):
    return {process.pid for process in processes}


def test_they_are_those_with_its_folder(started, tmp_path):
    running, other = started

    found = RayProcesses(tmp_path)

    assert pids(found.alive()) == pids(running.values())
    assert other.pid not in pids(found.alive())
    assert not RayProcesses(tmp_path / "elsewhere").alive()


def test_it_has_ended_once_one_that_is_needed_has(started, tmp_path):
    running, _ = started
    found = RayProcesses(tmp_path)
    ended = [found.ended()]

    for name in ("agent", "gcs_server"):
        running[name].kill()
        running[name].wait()
        ended.append(found.ended())

    assert ended == [False, False, True]
    assert pids(found.alive()) == {running["raylet"].pid}


def test_what_goes_on_is_killed(started, tmp_path):
    running, other = started

    end(RayProcesses(tmp_path).alive(), timeout=0)

    assert not any(psutil.pid_exists(process.pid) for process in running.values())
    assert other.poll() is None


def test_a_session_has_its_leader_and_what_that_started():
    code = "import subprocess; subprocess.run(['sleep', '60'])"
    leader = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        wait(lambda: len(of_session(leader.pid)) == 2)
        assert leader.pid in pids(of_session(leader.pid))
    finally:
        end(of_session(leader.pid), timeout=0)
    assert of_session(leader.pid) == []
    leader.wait()


def test_a_process_that_has_ended_is_nobodys_and_no_error():
    process = psutil.Popen(["sleep", "60"])
    wait(lambda: _mentions(process, "60"))
    assert (_name(process), _alive(process)) == ("sleep", True)
    fresh = psutil.Process(process.pid)

    process.kill()
    process.wait()

    assert (_name(fresh), _mentions(fresh, "60"), _alive(fresh)) == ("", False, False)
    end([fresh], timeout=0)


def test_a_zombie_is_not_alive():
    process = subprocess.Popen(["sleep", "60"])
    process.kill()

    wait(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)

    assert not _alive(psutil.Process(process.pid))
    process.wait()
