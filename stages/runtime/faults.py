"""Decides whether a decoder failed because of the sample or because of a library on this machine.

Decoders raise nearly any exception on hostile bytes, and so does a library that is too old or half
installed. To tell the two apart, a sample that is certainly good is decoded the same way."""

from collections.abc import Callable

from .errors import BadSample, InfrastructureError, WorkflowError
from .libraries import LEAST, at_least, installed, named

NEVER_BYTES = (ImportError, NameError)  # a part of the library is missing, whatever the bytes


def fault_of(
    error: Exception, sample: BadSample, library: str, decode_good: Callable[[], object]
) -> WorkflowError:
    """The error to raise for `error`: `sample` if the bytes caused it, else an InfrastructureError
    that names `library` (as pip calls it) and its version.

    `decode_good` decodes a good sample of the same format, and raises if that fails, too."""
    if isinstance(error, WorkflowError):
        return error
    if isinstance(error, MemoryError):
        return InfrastructureError(
            f"{named(library)} had not enough memory to decode the sample.",
            "Free some memory, or ask of fewer samples at once.",
        )
    if isinstance(error, NEVER_BYTES) or _fails(decode_good):
        return library_fault(library, error)
    return sample


def library_fault(library: str, error: Exception) -> InfrastructureError:
    """The error that `library` failed with `error` although the sample may be good."""
    return InfrastructureError(
        f"{named(library)} fails here, and on a good sample, too: {type(error).__name__}: {error}.",
        f"Install it again or newer: pip install --upgrade '{at_least(library)}'.",
    )


def failed(what: str, error: Exception) -> InfrastructureError:
    """The error that `what` failed unexpectedly, with the versions of the libraries to report."""
    versions = ", ".join(f"{name} {installed(name)}" for name in LEAST if installed(name))
    if isinstance(error, MemoryError):
        return InfrastructureError(
            f"{what}: there is not enough memory.",
            "Free some memory, or ask of fewer samples at once.",
        )
    return InfrastructureError(
        f"{what} failed: {type(error).__name__}: {error} ({versions}).",
        "Install the versions in requirements.txt; if it stays so, report this message.",
    )


def _fails(decode_good: Callable[[], object]) -> bool:
    try:
        decode_good()
    except Exception:  # whatever it is, the sample's bytes did not cause it
        return True
    return False
