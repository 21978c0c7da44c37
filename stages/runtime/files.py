"""Writing files so that a reader sees the old content or the new, never a half."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InfrastructureError


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give a new name beside `path`; rename it to `path` when the block ends well.

    Raises InfrastructureError if the disk is full or may not be written."""
    draft = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        os.replace(draft, path)
    except OSError as error:
        raise InfrastructureError(
            f"Cannot write {path}: {error.strerror or error}.",
            "Free some disk space, or choose a folder that you may write to.",
        ) from error
    finally:
        if draft.is_file():
            draft.unlink()


def write(path: Path, data: bytes | str) -> None:
    """Write `data` to `path`, whole or not at all."""
    with beside(path) as draft:
        draft.write_bytes(data.encode() if isinstance(data, str) else data)
