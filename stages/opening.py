"""Opens what the settings name: the store, and the resources that a stage may use."""

from pathlib import Path

from stages.blobs import Blobs
from stages.parts import BLOBS
from stages.resources import NoWeights, Resources, UserWeights
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from stages.store import Store
from stages.user_weights import WeightsBucket, WeightsFolder


def open_store(settings: Settings) -> Store:
    """The store of `settings`: a folder in the workspace, or a bucket."""
    return Store(_blobs(settings), settings.cache / "files")


def resources_of(settings: Settings) -> Resources:
    """What a stage may use. The keys of `settings` are in none of its fields."""
    return Resources(
        cores=settings.threads,
        scratch=settings.cache,
        gpus=settings.gpus,
        speed=settings.machine_speed,
        device=settings.device,
        devices=settings.devices_file,
        ray=settings.ray,
        weights=_weights(settings),
    )


def _weights(settings: Settings) -> UserWeights:
    """The weights that `settings` name. Their place is looked at when one is looked for."""
    if not settings.weights:
        return NoWeights()
    if settings.weights.startswith("s3://"):
        return WeightsBucket(
            lambda: open_bucket(settings.weights, settings, "AIWF_WEIGHTS"), settings.cache
        )
    return WeightsFolder(Path(settings.weights))


def _blobs(settings: Settings) -> Blobs:
    if not settings.store:
        return BLOBS["folder"](settings.root / "store")  # type: ignore[no-any-return]
    return open_bucket(settings.store, settings, "AIWF_STORE")


def open_bucket(
    address: str, settings: Settings, variable: str, patience: float | None = None
) -> Blobs:
    """The blobs below `address`, s3://bucket/prefix, that `variable` names. `patience`: seconds
    that its server may be silent; None for as long as its client waits."""
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
        patience,
    )
