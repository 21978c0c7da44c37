"""A session of tests that ends early is a failure, and what it leaves behind is told."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.session import OWNER

ROOT = Path(__file__).parent.parent


def session(
    folder: Path, body: str, *options: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """`tests.session quick` over a folder with three tests, of which `body` is the second."""
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  slow\n  service\n  chaos\n")
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    text = f"import os, subprocess, sys\ndef test_a(): pass\ndef test_b():\n    {body}\n"
    (folder / "test_it.py").write_text(text + "def test_c(): pass\n")
    command = [sys.executable, "-m", "tests.session", "quick", f"--rootdir={folder}"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", "-c", folder / "pytest.ini", *options, folder],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "AIWF_TEST_PATIENCE": "2", **environment},
        capture_output=True,
        text=True,
    )


def test_a_green_session_says_how_many_tests_there_were(tmp_path):
    done = session(tmp_path, "assert True")

    assert done.returncode == 0, done.stdout
    assert "quick: 3 of 3 tests: 3 passed;" in done.stdout
    assert done.stdout.endswith("quick: green\n")


@pytest.mark.parametrize("code", [0, 1])
def test_a_library_that_ends_the_process_is_a_failure_that_names_the_test(tmp_path, code):
    done = session(tmp_path, f"os._exit({code})", "-n0")

    assert done.returncode == 1
    assert f"ended early in test_it.py::test_b, with exit code {code}: 1 of 3" in done.stdout


def test_so_is_one_that_ends_one_of_several_processes(tmp_path):
    done = session(tmp_path, "os._exit(0)", "-n2")

    assert done.returncode == 1
    assert "ended early in test_it.py::test_b, with exit code" in done.stdout


def test_a_failing_test_and_a_session_that_stops_at_it_are_failures(tmp_path):
    failing, stopping = session(tmp_path, "assert False"), session(tmp_path, "assert False", "-x")

    assert failing.returncode == stopping.returncode == 1
    assert "1 tests failed" in failing.stdout
    assert "2 of 3 tests had come to their end" in stopping.stdout


@pytest.mark.slow
def test_a_test_that_hangs_is_ended_and_named(tmp_path):
    done = session(tmp_path, "import time; time.sleep(600)", AIWF_TEST_LONGEST="20")

    assert done.returncode == 1
    assert "ended early in test_it.py::test_b" in done.stdout


def test_no_tests_at_all_are_a_failure(tmp_path):
    done = session(tmp_path, "pass", "-k", "nothing_is_called_so")

    assert done.returncode == 1
    assert "no test was collected" in done.stdout


def test_why_tests_were_skipped_is_told(tmp_path):
    done = session(tmp_path, "import pytest; pytest.skip('no emulator')")

    assert done.returncode == 0
    assert "skipped 1: no emulator" in done.stdout


def test_a_process_that_is_left_behind_is_told_and_ended(tmp_path):
    sleeper = "subprocess.Popen(['sleep', '1000'], start_new_session=True)"

    done = session(tmp_path, sleeper)

    assert done.returncode == 1
    assert "left behind, and ended now:" in done.stdout
    assert "sleep 1000" in done.stdout
    assert not [process for process in psutil.process_iter() if _is_of(process, tmp_path)]


def _is_of(process: psutil.Process, folder: Path) -> bool:
    try:
        return OWNER in process.environ() and str(folder) in process.cwd()
    except psutil.Error:
        return False
