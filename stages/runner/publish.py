"""Unpacks the packages that a run made for people. The store keeps the originals."""

import secrets
from pathlib import Path
from typing import Any

from stages.runtime.errors import WorkflowError
from stages.runtime.sealed import check
from stages.settings import Settings
from stages.store import Store


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
