"""Opens the store of the settings."""

from stages.blobs import Blobs
from stages.parts import BLOBS
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from stages.store import Store


def open_store(settings: Settings) -> Store:
    """The store of `settings`: a folder in the workspace, or a bucket."""
    return Store(_blobs(settings), settings.root / "cache" / "files")


def _blobs(settings: Settings) -> Blobs:
    if not settings.store:
        return BLOBS["folder"](settings.root / "store")  # type: ignore[no-any-return]
    return open_bucket(settings.store, settings, "AIWF_STORE")


def open_bucket(address: str, settings: Settings, variable: str) -> Blobs:
    """The blobs below `address`, s3://bucket/prefix, that `variable` names."""
    scheme, _, rest = address.partition("://")
    if scheme != "s3" or not rest:
        raise ConfigError(
            f"{variable} is '{address}'.", "Leave it empty, or write s3://bucket/prefix."
        )
    bucket, _, prefix = rest.partition("/")
    return BLOBS["s3"](  # type: ignore[no-any-return]
        settings.s3_endpoint,
        bucket,
        prefix,
        settings.s3_access_key.get_secret_value(),
        settings.s3_secret_key.get_secret_value(),
    )
