"""Copies what a run made into folders for people. The store keeps the originals."""

import secrets
from pathlib import Path
from typing import Any

from stages.runner.lock import Lock, run_folder
from stages.runtime.errors import WorkflowError
from stages.runtime.files import write
from stages.runtime.sealed import check
from stages.settings import Settings
from stages.store import Store

# Of each kind of artifact the files and their names in the run's folder. A Report's page is a view:
# report_view.py. The page of a Dataset names the table of its quarantined samples.
FILES = {"dataset": {"page.html": "data.html", "quarantine.csv": "quarantine.csv"}}


def publish(artifact: Any, lock: Lock, store: Store, settings: Settings) -> None:
    """Write the page of a Dataset, and the table of its quarantined samples if there are any, into
    the run's folder, or unpack a Package."""
    if artifact.kind == "package":
        unpack_package(artifact, store, settings)
        return
    for inside, outside in FILES.get(artifact.kind, {}).items():
        if inside not in artifact.files:
            continue
        data = store.get(artifact.files[inside])
        if inside.endswith(".csv") and data.count(b"\n") <= 1:  # only the header of the table
            continue
        write(run_folder(lock.run, settings) / outside, data)


def package_folder(package: Any, settings: Settings) -> Path:
    """The folder that a Package is unpacked into, named by pipeline, target and id."""
    name = f"{package.name}-{package.target}-{package.ref.id[:8]}"
    return settings.root / "packages" / name


def unpack_package(package: Any, store: Store, settings: Settings) -> Path:
    """Unpack `package` if it is not unpacked yet, and return its folder.

    A folder that somebody has changed is renamed to ...-changed-..., not overwritten."""
    from stages.deploy.pack import unpack

    folder = package_folder(package, settings)
    if folder.is_dir() and _whole(folder):
        return folder
    if folder.is_dir():
        folder.rename(folder.with_name(f"{folder.name}-changed-{secrets.token_hex(3)}"))
    return unpack(package, store, folder)


def _whole(folder: Path) -> bool:
    try:
        check(folder)
    except WorkflowError:
        return False
    return True
