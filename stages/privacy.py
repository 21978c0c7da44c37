"""Restricts a workspace to its owner, since it contains user data, and keeps its secrets."""

import logging
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stages.runtime.errors import InfrastructureError
from stages.runtime.files import flushed

log = logging.getLogger("aiwf.privacy")
INNER = ("airflow", "live", "mlflow", "packages", "runs", "store", "studio", "teams")
# INNER: what is restricted in a folder that also has other things
OURS = {*INNER, "cache", "data", "logs"}


def claim(root: Path, notify: Callable[[str], None] = log.warning) -> None:
    """Make the workspace `root` if needed, and remove other users' permissions in it.

    A folder with the set-group bit is shared with its group on purpose and stays so. In a folder
    with other files, such as a project's, only the workspace's folders are restricted. Folders of
    other users are not changed."""
    try:
        if not root.exists():
            root.mkdir(parents=True, mode=0o700)
            return
        open_paths = [path for path in _places(root) if _excess(path)]
        for path in open_paths:
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_excess(path))
    except OSError as error:  # where a disk knows no modes; other troubles are raised by who writes
        log.debug("%s stays as open as it is: %s", root, error)
        return
    if open_paths:
        names = ", ".join(map(str, open_paths))
        notify(f"{names} could be read by others on this machine: now only by you.")


def _places(root: Path) -> list[Path]:
    """The folders to restrict: the workspace, or only its own folders if there are other files."""
    names = {path.name for path in root.iterdir()}
    unknown_names = {name for name in names - OURS if not name.startswith((".", "reproduce-"))}
    if not unknown_names:
        return [root]
    return [root / name for name in INNER if name in names and (root / name).is_dir()]


def _excess(path: Path) -> int:
    """The bits of `path`'s mode that are to be removed."""
    found = path.stat()
    if found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX:  # another's, or such as /tmp
        return 0
    wanted = 0o007 if found.st_mode & stat.S_ISGID else 0o077
    return stat.S_IMODE(found.st_mode) & wanted


def keep_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, at any moment, unless it is there. Of two
    concurrent writers the first wins. Raises InfrastructureError if it cannot be written."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.touch(0o600)
        draft.write_text(text)
        flushed(draft)
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError as error:
        raise InfrastructureError(
            f"Cannot write {path}: {error.strerror}.",
            "Free some disk space, or set AIWF_WORKSPACE to a folder that you may write to.",
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()
