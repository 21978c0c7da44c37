"""A SQLite file of a workspace is whole whenever it is there, whatever befell whoever made it."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from stages import databases
from stages.databases import Tables
from stages.runtime.errors import Damaged, InfrastructureError
from stages.tracking.server import connect
from stages.tracking.tables import ready
from tests import makers
from tests.faults.disks import remount, small_disk

SCHEMA = "CREATE TABLE things (name TEXT); CREATE TABLE marks (number INTEGER);"


def make(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA)


def widen(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript("ALTER TABLE things ADD COLUMN size INTEGER")


def die(path: Path) -> None:
    """Make one table of two, and be killed."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA.partition(";")[0])
        os.kill(os.getpid(), signal.SIGKILL)


def fail(path: Path) -> None:
    raise InfrastructureError("table things already exists")


def tables(make=make, version="1") -> Tables:
    return Tables("Things", version, "things", make)


def rows(path: Path, query: str = "SELECT name FROM things") -> list[tuple]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


WHOLE = {"a.db", ".a.db.tables", ".tables.lock"}


def test_a_kill_while_tables_are_made_leaves_no_database_and_the_next_makes_it(tmp_path):
    path = tmp_path / "a.db"
    killed = multiprocessing.get_context("fork").Process(
        target=databases.ready, args=(path, tables(die))
    )
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert not path.exists()

    databases.ready(path, tables())

    assert rows(path) == []
    assert names(tmp_path) == WHOLE


def test_a_kill_while_tables_are_changed_leaves_the_database_as_it_was(tmp_path):
    path = tmp_path / "a.db"
    databases.ready(path, tables())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO things VALUES ('lamp')")
    killed = multiprocessing.get_context("fork").Process(
        target=databases.ready, args=(path, tables(die, "2"))
    )
    killed.start()
    killed.join()
    assert rows(path) == [("lamp",)]

    databases.ready(path, tables(widen, "2"))

    assert rows(path, "SELECT name, size FROM things") == [("lamp", None)]
    assert names(tmp_path) == WHOLE


def test_what_stands_in_the_log_beside_is_taken_along(tmp_path):
    path, copied = tmp_path / "b" / "a.db", tmp_path / "c" / "a.db"
    databases.ready(path, tables())
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("INSERT INTO things VALUES ('lamp')")
        database.commit()
        shutil.copytree(path.parent, copied.parent)  # as after a power cut: with its log

    databases.ready(copied, tables(widen, "2"))

    assert rows(copied) == [("lamp",)]
    assert names(copied.parent) == WHOLE


def test_the_log_of_a_database_that_somebody_removed_is_not_applied_to_the_new_one(tmp_path):
    path = tmp_path / "a.db"
    for side in databases.SIDES:
        path.with_name(path.name + side).write_bytes(b"of another database")

    databases.ready(path, tables())

    assert rows(path) == []
    assert names(tmp_path) == WHOLE


def test_a_half_made_database_with_nothing_in_it_is_quarantined(tmp_path, caplog):
    path = tmp_path / "a.db"
    make(path)

    def refuse_a_used_draft(draft: Path) -> None:
        if draft.stat().st_size:
            fail(draft)
        make(draft)

    databases.ready(path, tables(refuse_a_used_draft))

    assert rows(path) == []
    assert "half-made" in caplog.text
    assert len([name for name in names(tmp_path) if name.startswith("a.db.half-made")]) == 1


def test_a_database_with_content_that_cannot_be_brought_up_stays_as_it_was(tmp_path):
    path = tmp_path / "a.db"
    make(path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO things VALUES ('lamp')")
    before = path.read_bytes()

    with pytest.raises(InfrastructureError, match="cannot be brought to the tables") as raised:
        databases.ready(path, tables(fail, "2"))

    assert "It is as it was" in raised.value.remedy
    assert path.read_bytes() == before


def test_a_damaged_database_is_told_with_what_to_do(tmp_path):
    path = tmp_path / "a.db"
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 4000)

    with pytest.raises(Damaged, match="is damaged") as raised:
        databases.ready(path, tables())

    assert "Move it away" in raised.value.remedy


def test_a_database_that_another_program_has_open_is_not_replaced(tmp_path):
    path = tmp_path / "a.db"
    databases.ready(path, tables())
    program = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", f"{program}", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()

        with pytest.raises(InfrastructureError, match=f"process {other.pid} has it open"):
            databases.ready(path, tables(widen, "2"))
        other.communicate(b"\n")


def test_a_database_is_for_its_owner_alone_and_an_open_one_is_tightened(tmp_path):
    path = tmp_path / "a.db"
    databases.ready(path, tables())
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)

    databases.ready(path, tables())

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_leaves_nothing_and_with_room_the_same_call_ends_well(tmp_path):
    def big(path: Path) -> None:
        try:
            make(path)
            with closing(sqlite3.connect(path)) as database, database:
                database.execute("INSERT INTO things VALUES (hex(randomblob(200000)))")
        except sqlite3.Error as error:
            raise databases.refusal(error, path) from error

    with small_disk(tmp_path / "disk", "100k") as disk:
        path = disk / "a.db"

        with pytest.raises(InfrastructureError, match="is full") as raised:
            databases.ready(path, tables(big))

        assert "Free some disk space" in raised.value.remedy
        assert names(disk) == {".tables.lock"}
        remount(disk, "size=5m")
        databases.ready(path, tables(big))
        assert len(rows(path)) == 1


@pytest.mark.slow
def test_mlflow_s_tables_survive_a_full_disk(tmp_path):
    with small_disk(tmp_path / "disk", "500k") as disk:
        settings = makers.settings(disk)

        with pytest.raises(InfrastructureError, match="full") as raised:
            connect(settings)

        assert raised.value.exit_code == 7
        remount(disk, "size=20m")
        assert connect(settings).search_experiments()


@pytest.mark.slow
def test_those_that_start_at_once_in_a_fresh_workspace_all_connect(tmp_path):
    program = (
        "import sys; from pathlib import Path; from stages.settings import Settings;"
        "from stages.tracking.server import connect;"
        "connect(Settings(workspace=Path(sys.argv[1]))).search_experiments()"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(3)
    ]

    stderrs = [process.communicate()[1].decode() for process in started]

    assert [process.returncode for process in started] == [0, 0, 0], "\n".join(stderrs)
    assert not list(tmp_path.rglob("*.part*"))


def unfinished_tables(path: Path) -> None:
    """MLflow's database as a kill of an earlier release left it: all tables, no revision."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM alembic_version")
    path.with_name(f".{path.name}.tables").unlink()


@pytest.mark.slow
def test_mlflow_s_half_made_tables_of_before_are_made_anew_if_nothing_is_in_them(tmp_path, caplog):
    settings = makers.settings(tmp_path)
    ready(settings.mlflow_uri)
    unfinished_tables(settings.root / "mlflow" / "mlflow.db")

    client = connect(settings)

    assert "half-made" in caplog.text
    assert client.search_experiments()


@pytest.mark.slow
def test_mlflow_s_half_made_tables_with_runs_are_told_and_left_alone(tmp_path):
    settings = makers.settings(tmp_path)
    client = connect(settings)
    client.create_run("0")
    path = settings.root / "mlflow" / "mlflow.db"
    unfinished_tables(path)
    before = path.read_bytes()

    with pytest.raises(InfrastructureError, match="cannot be brought to the tables of MLflow"):
        connect(settings)

    assert path.read_bytes() == before


def test_in_a_folder_that_is_shared_with_a_group_the_group_may_use_it(tmp_path):
    shared, own = tmp_path / "shared", tmp_path / "own"
    for folder, mode in ((shared, 0o2770), (own, 0o700)):
        folder.mkdir()
        folder.chmod(mode)
        databases.ready(folder / "a.db", tables())
        databases.ready(folder / "a.db", tables())

    assert (shared / "a.db").stat().st_mode & 0o777 == 0o660
    assert (own / "a.db").stat().st_mode & 0o777 == 0o600
