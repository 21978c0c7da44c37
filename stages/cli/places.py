"""Tries what the product does in the workspace and in the folder for temporary files: some disks,
above all those of other machines, lack part of it."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.runtime.errors import ConfigError
from stages.train.distributed.process_folder import check_sockets

LEAST_FREE = 2e9  # bytes
ELSEWHERE = "Set AIWF_WORKSPACE to a folder of yours on a disk of this machine."
LOCKED = """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0).execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error:
    print("locked" if "locked" in str(error) else error)
"""


def workspace_problem(root: Path) -> str:
    """What does not work in the workspace `root`, and what to do; '' if all does."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".doctor-", dir=root) as folder:
            problem = _file_problem(Path(folder)) or _database_problem(Path(folder) / "probe.db")
        free = shutil.disk_usage(root).free
    except OSError as error:
        return f"{error.strerror}: {error.filename}. {ELSEWHERE}"
    if problem:
        return f"{problem} {ELSEWHERE}"
    if free < LEAST_FREE:
        needed = f"{LEAST_FREE / 1e9:.0f} GB are needed"
        return f"{free / 1e9:.1f} GB are free. Free some disk space: {needed}."
    return ""


def temporary_problem() -> str:
    """What is wrong with the folder for temporary files, and what to do; '' if nothing is."""
    try:
        check_sockets()
    except ConfigError as error:
        return f"{error.problem} {error.remedy}"
    return ""


def _file_problem(folder: Path) -> str:
    """Write a file, flush it, rename it over another, and read it back. Raises OSError."""
    draft, file = folder / ".draft.part", folder / "file with a long name, ä # 100 %.txt"
    file.write_bytes(b"old")
    with draft.open("wb") as out:
        out.write(b"new")
        out.flush()
        os.fsync(out.fileno())
    os.replace(draft, file)
    file.chmod(0o600)
    return "" if file.read_bytes() == b"new" else "A file that is renamed keeps its old content."


def _database_problem(path: Path) -> str:
    """Make a SQLite database, and look whether another process respects its lock."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("CREATE TABLE probe (value)")
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO probe VALUES (1)")
            found = _other_process(path)
            database.execute("COMMIT")
    except sqlite3.Error as error:
        return f"SQLite cannot work there: {error}."
    if found != "locked":
        return f"SQLite's locks do not hold there{f' ({found})' if found else ''}."
    return ""


def _other_process(path: Path) -> str:
    """What another process meets that writes to the database at `path`; '' if nothing stops it."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", LOCKED, str(path)], capture_output=True, text=True, timeout=60
    )
    return (done.stdout + done.stderr).strip().rpartition("\n")[2]
