"""Weights that the user provides in AIWF_WEIGHTS: a folder, or a prefix in a bucket."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.artifacts import digest_of
from stages.opening import open_bucket
from stages.runtime.errors import ConfigError
from stages.runtime.files import write
from stages.settings import Settings


def user_weights(names: Iterable[str], settings: Settings) -> Path | None:
    """The first of the files `names` in AIWF_WEIGHTS; None if none of them is there, or it is not
    set. A file in a bucket is downloaded into the workspace.

    Raises ConfigError if it is no folder, InfrastructureError if the bucket cannot be read."""
    if not settings.weights:
        return None
    if settings.weights.startswith("s3://"):
        return _from_bucket(names, settings)
    folder = Path(settings.weights)
    if not folder.is_dir():
        raise ConfigError(
            f"AIWF_WEIGHTS is '{settings.weights}', and there is no such folder.",
            "Name a folder with files of weights, or s3://bucket/prefix, or unset it.",
        )
    return next((folder / name for name in names if (folder / name).is_file()), None)


def cached_weights(digest: str, name: str, settings: Settings) -> Path:
    """The path in the workspace of the file `name` with the digest `digest`."""
    return settings.root / "cache" / "weights" / digest / name


def _from_bucket(names: Iterable[str], settings: Settings) -> Path | None:
    bucket = open_bucket(settings.weights, settings, "AIWF_WEIGHTS")
    name = next((name for name in names if bucket.has(name)), None)
    if name is None:
        return None
    with TemporaryDirectory() as folder:
        fetched = Path(folder) / name
        bucket.get_file(name, fetched)
        data = fetched.read_bytes()
    path = cached_weights(digest_of(data), name, settings)
    write(path, data)
    return path
