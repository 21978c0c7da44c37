"""Weights that the user provides in AIWF_WEIGHTS: a folder, or a prefix in a bucket."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.artifacts import digest_of
from stages.blobs import Blobs
from stages.runtime.errors import ConfigError
from stages.runtime.files import write


@dataclass(frozen=True)
class WeightsFolder:
    """The files in `folder`."""

    folder: Path

    def find(self, names: Iterable[str]) -> Path | None:
        """The first of the files `names` in the folder; None if none of them is there.

        Raises ConfigError if there is no such folder."""
        if not self.folder.is_dir():
            raise ConfigError(
                f"AIWF_WEIGHTS is '{self.folder}', and there is no such folder.",
                "Name a folder with files of weights, or s3://bucket/prefix, or unset it.",
            )
        return next((self.folder / name for name in names if (self.folder / name).is_file()), None)


@dataclass(frozen=True)
class WeightsBucket:
    """The files in a bucket, which `opened` connects to, with its keys, when one is looked for.
    Files are downloaded into `scratch`."""

    opened: Callable[[], Blobs]
    scratch: Path

    def find(self, names: Iterable[str]) -> Path | None:
        """A copy of the first of the files `names` in the bucket; None if none of them is there.

        Raises ConfigError if it is no address of a bucket, InfrastructureError if the bucket cannot
        be read."""
        bucket = self.opened()
        name = next((name for name in names if bucket.has(name)), None)
        if name is None:
            return None
        with TemporaryDirectory() as folder:
            fetched = Path(folder) / name
            bucket.get_file(name, fetched)
            data = fetched.read_bytes()
        path = cached_weights(digest_of(data), name, self.scratch)
        write(path, data)
        return path


def cached_weights(digest: str, name: str, scratch: Path) -> Path:
    """The path in `scratch` of the file `name` with the digest `digest`."""
    return scratch / "weights" / digest / name
