"""Creates and migrates SQLite files atomically: as a draft in the same folder, which is then
renamed.

A library creates or migrates its tables in many steps, and a kill or a full disk between two of
them leaves a file that it cannot open again. So the steps are done on a draft: an empty one, or a
copy of the existing database. The draft is checked, flushed to the disk and renamed. The draft of a
process that died is removed by the next one."""

import logging
import os
import secrets
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from stages.runtime.errors import Damaged, InfrastructureError
from stages.runtime.files import alone, flushed, write

log = logging.getLogger("aiwf.databases")
SCHEME, SCHEME_WITH_DRIVER = "sqlite:///", "sqlite+pysqlite:///"
SIDES = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a database that is open
DISK = "Free some disk space, or set AIWF_WORKSPACE to a folder that you may write to."
PATIENCE = 20.0  # seconds to wait for another program's lock


def address_of(path: Path) -> str:
    """The address of the SQLite file at `path` as SQLAlchemy reads it: % and ? are escaped."""
    return SCHEME + str(path).replace("%", "%25").replace("?", "%3F")


def mlflow_address_of(path: Path) -> str:
    """`address_of` for MLflow: it makes a folder of the name as it is escaped, beside the right
    one, unless the scheme names a driver."""
    address = address_of(path)
    return address.replace(SCHEME, SCHEME_WITH_DRIVER, 1) if "%" in address else address


def path_of(address: str) -> Path | None:
    """The SQLite file at `address`, absolute; None if that is no SQLite file."""
    scheme, found, rest = address.partition(":///")
    place = unquote(rest.partition("?")[0])
    if not found or scheme not in ("sqlite", "sqlite+pysqlite"):
        return None
    return None if not place or place.startswith(":memory:") else Path(place).absolute()


@dataclass(frozen=True)
class Tables:
    """The tables of one library. `what`: its name. `content`: the table with a row for each record
    of the user.

    `make`: creates the tables of this version in the database at a path, or migrates it. `current`:
    whether an existing database has this version."""

    what: str
    version: str
    content: str
    make: Callable[[Path], None]
    current: Callable[[Path], bool] = lambda _: False


def ready(path: Path, tables: Tables) -> None:
    """Ensure that the database at `path` is intact and has the version of `tables`.

    One process at a time. Raises InfrastructureError if there is no space, or another program has
    the database open when it has to be changed; Damaged if it cannot be read. If an error is
    raised, the database is unchanged."""
    with alone(path.parent / ".tables.lock"):
        _sweep(path)
        if _is_there(path):
            _keep_private(path)
            if _stamp(path) == tables.version or _is_current(path, tables):
                return
            _refuse_if_open(path, tables)
        with _draft(path, tables) as draft:
            if not _is_there(path) or not _brought_up(path, draft, tables):
                tables.make(draft)


def _keep_private(path: Path) -> None:
    """Restrict the file at `path` to its owner, and in a folder that is shared with a group by its
    set-group bit to this group. A file of another user is unchanged."""
    if path.stat().st_uid == os.geteuid():
        shared = path.parent.stat().st_mode & stat.S_ISGID
        path.chmod(0o660 if shared else 0o600)


def _is_there(path: Path) -> bool:
    """Whether there is more than the empty file that opening a database creates."""
    return path.is_file() and path.stat().st_size > 0


def _stamp(path: Path) -> str:
    """The version of the database's tables, as noted when they were created."""
    try:
        return _stamp_of(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _stamp_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.tables")


def _is_current(path: Path, tables: Tables) -> bool:
    """Whether a database without a note has the version; if so, it is noted."""
    _check(path, tables)
    if not tables.current(path):
        return False
    write(_stamp_of(path), tables.version)
    return True


def _brought_up(path: Path, draft: Path, tables: Tables) -> bool:
    """Copy the database to `draft` and migrate the copy; False if it is incomplete and empty, so
    that a new one may replace it."""
    try:
        _copy(path, draft)
        tables.make(draft)
    except InfrastructureError as error:
        if _is_full(error) or _holds(path, tables):
            raise InfrastructureError(
                f"{path} cannot be brought to the tables of {tables.what} {tables.version}: "
                f"{error.problem}",
                f"It is as it was. {DISK if _is_full(error) else _move(path)}",
            ) from error
    else:
        return True
    backup = path.with_name(f"{path.name}.half-made-{time.strftime('%Y%m%d-%H%M%S')}")
    log.warning("%s was half-made, with nothing in it: made anew; the old one is %s.", path, backup)
    _remove(draft)
    draft.touch(0o600)
    path.rename(backup)
    return False


def _move(path: Path) -> str:
    return f"Move it away, and a new one is made: it holds only the records of {path.parent.name}."


@contextmanager
def _draft(path: Path, tables: Tables) -> Iterator[Path]:
    """Yield a path next to `path` for a draft. If the block succeeds, the draft is checked, flushed
    to the disk and renamed to `path`."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        draft.touch(0o600)
        _keep_private(draft)
        yield draft
        _check(draft, tables)
        for side in SIDES:  # of a database that somebody removed: SQLite would apply it to the new
            path.with_name(path.name + side).unlink(missing_ok=True)
        _keep_private(draft)
        flushed(draft)
        os.replace(draft, path)
        flushed(path.parent)
        write(_stamp_of(path), tables.version)
    except (OSError, sqlite3.Error) as error:
        raise refusal(error, path) from error
    finally:
        with suppress(OSError):
            _remove(draft)


def _check(path: Path, tables: Tables) -> None:
    """Raise Damaged unless SQLite finds the file at `path` intact; merges its log into it."""
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
            found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError as error:
        if not isinstance(error, sqlite3.OperationalError):
            raise _damaged(path, error, tables) from error
        raise refusal(error, path) from error
    if found != "ok":
        raise _damaged(path, found, tables)


def _damaged(path: Path, why: object, tables: Tables) -> Damaged:
    return Damaged(f"The database {path} of {tables.what} is damaged: {why}.", _move(path))


def _copy(path: Path, draft: Path) -> None:
    """Copy the database with SQLite's backup, which includes its log."""
    try:
        with (
            closing(sqlite3.connect(path, timeout=PATIENCE)) as source,
            closing(sqlite3.connect(draft)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        raise refusal(error, path) from error


def _holds(path: Path, tables: Tables) -> bool:
    """Whether the database has any record of the user."""
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
            query = f"SELECT 1 FROM {tables.content} LIMIT 1"  # noqa: S608  a name of ours
            return database.execute(query).fetchone() is not None
    except sqlite3.OperationalError as error:
        return "no such table" not in str(error)


def refusal(error: OSError | sqlite3.Error, path: Path) -> InfrastructureError:
    """The error for a message of SQLite or the system about the database at `path`, with a
    remedy."""
    reason = error.strerror if isinstance(error, OSError) else str(error)
    if "locked" in str(reason):
        return InfrastructureError(
            f"Another program keeps {path} locked.", "Wait until it is done, then try again."
        )
    return InfrastructureError(f"Cannot use the database {path}: {reason}.", DISK)


def _is_full(error: InfrastructureError) -> bool:
    return any(phrase in error.problem for phrase in ("is full", "No space left", "File too large"))


def _sweep(path: Path) -> None:
    """Remove drafts. As we have the lock, the processes that made them are gone."""
    for draft in path.parent.glob(f".{path.name}.*.part*"):
        draft.unlink(missing_ok=True)


def _remove(draft: Path) -> None:
    for side in ("", *SIDES):
        draft.with_name(draft.name + side).unlink(missing_ok=True)


def _refuse_if_open(path: Path, tables: Tables) -> None:
    """Raise InfrastructureError if a visible process has the database open: its changes would be
    lost with the old file."""
    users = _users(path)
    if users:
        raise InfrastructureError(
            f"{path} needs the tables of {tables.what} {tables.version}, and process {users[0]} "
            "has it open.",
            "Stop the servers first (`aiwf down`), then try again.",
        )


def _users(path: Path) -> list[int]:
    """Other processes that have `path` open, as far as this user may see them."""
    found, wanted = [], path.resolve()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(process.name) != os.getpid() and any(
                os.path.realpath(link) == str(wanted) for link in (process / "fd").iterdir()
            ):
                found.append(int(process.name))
    return found
