"""Temporary folders do not outlive their process for long."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from stages.runtime.errors import ConfigError
from stages.train.distributed.process_folder import (
    LONGEST_SOCKET,
    RAYS,
    YOUNG,
    check_sockets,
    process_folder,
)

DIES = """
import os, signal
from stages.train.distributed.process_folder import process_folder
with process_folder() as folder:
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def aged(folder: Path) -> None:
    before = time.time() - YOUNG - 1
    os.utime(folder / ".owner", (before, before))


def test_is_gone_at_the_end():
    with process_folder() as folder:
        (folder / "x").write_text("x")

    assert not folder.exists()


def test_the_folder_of_a_killed_process_is_removed_by_the_next(tmp_path):
    killed = subprocess.run(
        [sys.executable, "-c", DIES],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    left = Path(killed.stdout.strip())
    assert left.is_dir()
    assert left.parent == tmp_path
    aged(left)

    with process_folder():
        assert not left.exists()


def test_the_folder_of_a_living_process_is_left_alone():
    with process_folder() as mine:
        aged(mine)
        with process_folder():
            assert mine.is_dir()


def test_a_folder_with_too_long_a_path_for_sockets_is_an_error_with_its_length(monkeypatch):
    longest = LONGEST_SOCKET - len(RAYS)
    for length in (longest, longest + 1):
        folder = "/" + "d" * (length - 1)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        if length == longest:
            check_sockets()
        else:
            with pytest.raises(ConfigError, match=f"has {length} bytes(.*)may have {longest}"):
                check_sockets()
