"""What a stage may use of this machine, of a Ray cluster, and of what the user provides.

The runner makes it of the settings. It has no addresses of services but Ray's, and no keys: what
needs a key reaches a stage opened, as the store and the weights do."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

LOCAL = "local"  # in place of Ray's address: it is started here


class UserWeights(Protocol):
    """Files of weights that the user provides."""

    def find(self, names: Iterable[str]) -> Path | None:
        """A local copy of the first of the files `names` that is there; None if none is.

        Raises ConfigError if their place does not exist, InfrastructureError if it cannot be
        read."""
        ...


class NoWeights:
    """The user provides none."""

    def find(self, names: Iterable[str]) -> Path | None:
        return None


@dataclass(frozen=True)
class Resources:
    """`cores`: processor cores of this machine to use. `scratch`: a folder for what can be made or
    fetched again; other processes may use it, too. `gpus`: graphics processors to fine-tune on, one
    for each worker. `speed`: of this machine; a 2-core laptop is 1. `device`: the name of this
    machine as a device whose limits a pipeline may ask for. `devices`: the file with the devices
    that a person has added, which measure over ssh; None without. `ray`: the address of the Ray
    cluster that this machine belongs to, LOCAL if Ray is started here. `weights`: those that the
    user provides.

    How much memory is free is no part of it: that changes while a stage runs, and is counted when
    workers start (`train/distributed/memory.py`)."""

    cores: int
    scratch: Path
    gpus: int = 0
    speed: float = 1.0
    device: str = ""
    devices: Path | None = None
    ray: str = LOCAL
    weights: UserWeights = field(default_factory=NoWeights)

    @property
    def on_cluster(self) -> bool:
        """Whether Ray's workers may be on other machines."""
        return self.ray != LOCAL
