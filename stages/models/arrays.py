"""Named arrays in one file: an npz whose bytes depend only on the arrays, read without pickle."""

import io
import zipfile
from collections.abc import Mapping

import numpy as np

from stages.models.weights import Array
from stages.runtime.errors import Damaged

BEGINNING = (1980, 1, 1, 0, 0, 0)  # a zip file needs a date


def pack_arrays(arrays: Mapping[str, Array]) -> bytes:
    """`arrays` as npz, sorted by name, not compressed; equal arrays have equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.save(member, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", BEGINNING), member.getvalue())
    return out.getvalue()


def unpack_arrays(data: bytes) -> dict[str, Array]:
    """The arrays in an npz. Raises Damaged if `data` is not an npz, or contains more than plain
    numbers."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise Damaged(
            f"A file of arrays cannot be read: {error}.", "Run the pipeline again."
        ) from error
