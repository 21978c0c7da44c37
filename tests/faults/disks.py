"""Small real disks for tests; skipped where this machine lets nobody mount."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, size: str, options: str = "") -> Iterator[Path]:
    """A file system in memory of `size`, such as '600k', mounted at `place`."""
    place.mkdir(parents=True, exist_ok=True)
    options_text = f"size={size}{',' if options else ''}{options}"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options_text, "tmpfs", str(place)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place: Path, options: str) -> None:
    """Change the disk at `place`: 'size=50m', 'ro'."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)
