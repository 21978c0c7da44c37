"""Rows of numbers by name, kept in a folder as files that are whole or not there; any file may be
lost."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import digest_of
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.runtime.errors import Damaged
from stages.runtime.files import write

Row = NDArray[np.float32]


class Shards:
    """A folder of shards, each named by the digest of its bytes; one that lost its digest is
    dropped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> dict[str, Row]:
        """All rows by name."""
        rows: dict[str, Row] = {}
        for path in sorted(self.folder.glob("*.npz")):
            rows.update(self._shard(path))
        return rows

    def append(self, rows: Mapping[str, Row]) -> None:
        """Keep `rows` as one more shard."""
        names = np.array(list(rows), dtype=np.str_)
        data = pack_arrays({"names": names, "rows": np.stack(list(rows.values()))})
        write(self.folder / f"{digest_of(data)}.npz", data)

    def _shard(self, path: Path) -> dict[str, Row]:
        try:
            data = path.read_bytes()
            if digest_of(data) != path.stem:
                raise Damaged("")
            arrays = unpack_arrays(data)
            return dict(zip(arrays["names"].tolist(), arrays["rows"], strict=True))
        except (Damaged, OSError, KeyError, ValueError):
            path.unlink(missing_ok=True)  # it only saved time: its rows are computed again
            return {}
