"""Makes MLflow's tables in a SQLite file of the workspace, completely or not at all."""

import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from stages import databases


def ready(address: str) -> None:
    """Make or bring up the tables of MLflow at `address`, if that is a SQLite file.

    Raises InfrastructureError, with the database as it was."""
    path = databases.path_of(address)
    if path is None:
        return
    tables = databases.Tables("MLflow", version("mlflow-skinny"), "runs", _make, _is_current)
    databases.ready(path, tables)


def _make(path: Path) -> None:
    """All tables and the experiment that MLflow always has, in the database at `path`."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.db.utils import _upgrade_db, create_sqlalchemy_engine_with_retry
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy.exc import SQLAlchemyError

    address = databases.mlflow_address_of(path)
    try:
        if path.stat().st_size:
            engine = create_sqlalchemy_engine_with_retry(address)
            try:
                _upgrade_db(engine)
            finally:
                engine.dispose()
        store = SqlAlchemyStore(address, (path.parent / "files").as_uri())
        store._dispose_engine()
        SqlAlchemyStore._engine_map.pop(address, None)
    except (SQLAlchemyError, MlflowException) as error:
        raise databases.refusal(sqlite3.OperationalError(_first_line(error)), path) from error


def _is_current(path: Path) -> bool:
    """Whether the database has the revision that this MLflow asks for, and an experiment: MLflow
    notes the revision as its last step but one."""
    from mlflow.store.db.utils import _get_latest_schema_revision

    try:
        with closing(sqlite3.connect(path, timeout=databases.PATIENCE)) as database:
            found = database.execute("SELECT version_num FROM alembic_version").fetchall()
            there = database.execute("SELECT 1 FROM experiments LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        return False
    return bool(there) and found == [(_get_latest_schema_revision(),)]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
