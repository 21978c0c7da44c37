"""What the doctor says of the workspace and of the folder for temporary files."""

import sqlite3
import tempfile

import pytest

from stages.cli import places
from stages.cli.places import temporary_problem, workspace_problem
from stages.runtime.errors import ConfigError
from stages.train.distributed.process_folder import LONGEST_SOCKET, RAYS, check_sockets


@pytest.mark.parametrize("name", ["w", "C# 100 %, $HOME? [x]"])
def test_a_workspace_of_any_name_is_tried_and_left_empty(tmp_path, name):
    assert workspace_problem(tmp_path / name) == ""
    assert list((tmp_path / name).iterdir()) == []


def test_a_workspace_that_cannot_be_made_is_told_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("x")

    problem = workspace_problem(tmp_path / "file" / "w")

    assert "Not a directory" in problem
    assert "AIWF_WORKSPACE" in problem


def test_locks_that_do_not_hold_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "LOCKED", "")  # a process that nothing stops

    assert "SQLite's locks do not hold" in workspace_problem(tmp_path / "w")


def test_a_database_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    def refused(*args, **kwargs):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(sqlite3, "connect", refused)

    assert "disk I/O error" in workspace_problem(tmp_path / "w")


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "LEAST_FREE", 1e18)

    assert "Free some disk space" in workspace_problem(tmp_path / "w")


@pytest.mark.parametrize("letters", ["x", "ü"])
def test_a_folder_too_long_for_sockets_is_told_in_bytes(tmp_path, monkeypatch, letters):
    longest = LONGEST_SOCKET - len(RAYS)
    monkeypatch.setattr(tempfile, "tempdir", "/" + "x" * (longest - 1))
    check_sockets()

    monkeypatch.setattr(tempfile, "tempdir", "/" + letters * longest)

    with pytest.raises(ConfigError, match=rf"bytes: for Ray's sockets it may have {longest}"):
        check_sockets()
    assert "Set TMPDIR" in temporary_problem()
