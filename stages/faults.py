"""Translates errors of libraries and of the system into errors that say what to do.

Examples are a full disk, a server that is gone, and no memory. An error that is not listed here is
a bug of the product."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from stages.runtime.errors import InfrastructureError, WorkflowError

FREE = "Free some disk space, or set AIWF_WORKSPACE to a folder on a larger disk."
WRITABLE = "Name a place that you may read and write; AIWF_WORKSPACE moves the workspace."
REACH = "Check the network and the addresses in the AIWF_ variables, then try again."
MEMORY = "End other programs, or lower AIWF_THREADS and train.workers."
LIMITS = "Raise the limit (`ulimit -a` shows it), or lower AIWF_THREADS and train.workers."

NUMBERS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), FREE),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR), WRITABLE),
    **dict.fromkeys((errno.ENAMETOOLONG, errno.ELOOP), "Use a shorter folder, without links."),
    **dict.fromkeys(
        (errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.EUCLEAN, errno.EREMOTEIO),
        "The disk or its connection fails: look into the system's log.",
    ),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE, errno.EAGAIN), LIMITS),
    errno.ENOMEM: MEMORY,
    **dict.fromkeys(
        (
            errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.ETIMEDOUT,
            errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EADDRINUSE,
        ),
        REACH,
    ),
}  # fmt: skip
# What libraries say in words, whatever they raise; each of these is the system's or SQLite's own.
SENTENCES = {
    "No space left on device": FREE,
    "Disk quota exceeded": FREE,
    "database or disk is full": FREE,
    "disk I/O error": FREE,
    "Read-only file system": WRITABLE,
    "attempt to write a readonly database": WRITABLE,
    "unable to open database file": WRITABLE,
    "database is locked": "Another program keeps it locked: wait until it is done, then try again.",
    "database disk image is malformed": "Move the database away, and a new one is made.",
    "file is not a database": "Move the file away, and a new one is made.",
    "No usable temporary directory": "Set TMPDIR to a folder that you may write to.",
    "can't start new thread": LIMITS,
    "Cannot allocate memory": MEMORY,
}
SERVERS = {
    "requests", "urllib3", "httpx", "httpcore", "aiohttp", "botocore", "minio", "ssl", "socket",
}  # fmt: skip
SLIPS = (TypeError, LookupError, AttributeError, NameError, AssertionError, ArithmeticError)
LONGEST = 300  # characters of what a library says


def as_ours(error: BaseException) -> WorkflowError | None:
    """The WorkflowError for `error` or for one of its causes; None if none of them is listed."""
    for each in _chain(error):
        if isinstance(each, WorkflowError):
            return each
        if remedy := _remedy(each):
            return InfrastructureError(_problem(each), remedy)
    return None


@contextmanager
def translated() -> Iterator[None]:
    """Raise the WorkflowError for an error of the block in its place, if there is one."""
    try:
        yield
    except WorkflowError:
        raise
    except Exception as error:
        translated_error = as_ours(error)
        if translated_error is None:
            raise
        raise translated_error from error


def _chain(error: BaseException) -> Iterator[BaseException]:
    visited: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in visited:
        visited.add(id(each))
        yield each
        each = each.__cause__ or (None if _stands_alone(each) else each.__context__)


def _stands_alone(error: BaseException) -> bool:
    """Whether the error that was being handled does not explain `error`, as for a bug."""
    return error.__suppress_context__ or isinstance(error, SLIPS)


def _remedy(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return MEMORY
    places = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    if places & SERVERS or isinstance(error, ConnectionError | TimeoutError):
        return REACH
    if isinstance(error, OSError) and error.errno in NUMBERS:
        return NUMBERS[error.errno]
    text = str(error)[:5000]
    return next((remedy for sentence, remedy in SENTENCES.items() if sentence in text), "")


def _problem(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{place}."
    first = str(error).strip().partition("\n")[0][:LONGEST].rstrip(".")
    return f"{first or type(error).__name__}."
