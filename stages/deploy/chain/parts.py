"""The two packages that become a chain: opened, their seals checked, their kinds compared."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.artifacts import Package, Ref, digest_of
from stages.deploy.engines import Engine, Network
from stages.evaluate.packaged import opened_package
from stages.parts import ENGINES
from stages.runtime.description import DECODE, description_of
from stages.runtime.errors import ConfigError
from stages.runtime.sealed import SEAL, read
from stages.runtime.selftest import GOLDEN, golden_answers
from stages.runtime.verified import verified_sets
from stages.store import Store

HOW = "Name a package whose network runs in Python, such as one of the target cloud_api."
LARGEST_NETWORK = 1_000_000_000  # bytes of a file


@dataclass(frozen=True)
class ChainPart:
    """One of the two packages. `network`: the network's files by name. `golden`: its golden samples
    by file name. `tolerance`: of its golden answers. `instruction_sets`: what it was verified for;
    None if it does not say. `seal`: the digest of its seal. `package`: its record; None if the
    store has none, as of a package that was imported."""

    description: dict[str, Any]
    network: Network
    golden: dict[str, bytes]
    tolerance: float
    instruction_sets: dict[str, Any] | None
    seal: str
    package: Package | None

    @property
    def name(self) -> str:
        return str(self.description["name"])

    @property
    def id(self) -> str:
        """The id of its record; the digest of its seal if it has no record."""
        return self.package.ref.id if self.package else self.seal

    @property
    def labels(self) -> list[str]:
        return list(self.description["labels"])

    def origin(self, kind: str) -> Ref | None:
        """The artifact of `kind` that it was made of."""
        id = self.description.get("made_of", {}).get(kind, "")
        return Ref(kind, id) if id else None


def opened_part(name: str, store: Store) -> ChainPart:
    """The package `name`: a folder, a zip or package@id.

    Raises ConfigError if there is none, Damaged if it is not as it was packed."""
    with opened_package(name, store) as folder:
        description = description_of(folder)
        seal = digest_of(read(folder, SEAL))
        return ChainPart(
            description,
            _network(folder, description),
            _golden(folder),
            float(golden_answers(folder, GOLDEN)["tolerance"]),
            verified_sets(folder),
            seal,
            _record(name, seal, store),
        )


def check_parts(detector: ChainPart, classifier: ChainPart) -> None:
    """Raise ConfigError unless `detector` answers boxes on pictures and `classifier` labels of
    pictures."""
    _check_part(detector, "boxes", "first")
    check_classifier(classifier)


def check_classifier(part: ChainPart) -> None:
    """Raise ConfigError unless `part` answers labels of pictures."""
    _check_part(part, "labels", "second")


def _check_part(part: ChainPart, answers: str, place: str) -> None:
    description = part.description
    if "classify" in description:
        raise ConfigError(
            f"'{part.name}' is a chain itself, and a chain has two packages.",
            "Name the two packages that answer alone.",
        )
    if "by_processor" in description:
        raise ConfigError(
            f"'{part.name}' has several networks, of which the processor chooses.",
            "Pack it with deploy.second_numeric: off.",
        )
    if description["modality"] != "pictures":
        raise ConfigError(
            f"'{part.name}' answers {description['modality']}, and crops are pictures.",
            "Name a detector and a classifier of pictures.",
        )
    found = description.get("answers", "labels")
    if found != answers:
        raise ConfigError(
            f"'{part.name}' answers {found}; the {place} package of a chain answers {answers}.",
            "Name the detector first, then the classifier of what is in its boxes.",
        )
    first = description["before"][0]["step"]
    if first != DECODE:
        raise ConfigError(f"'{part.name}' begins with {first}, not {DECODE}.", HOW)


def _network(folder: Path, description: dict[str, Any]) -> Network:
    for engine in (ENGINES[name] for name in ENGINES):
        if _runs(engine, description):
            return {name: read(folder, name, LARGEST_NETWORK) for name in engine.files}
    raise ConfigError(
        f"No engine has networks in '{description['model']}' for {description['backend']}.", HOW
    )


def _runs(engine: Engine, description: dict[str, Any]) -> bool:
    first: tuple[str, str] = (engine.backend, engine.files[0])
    return first == (description["backend"], description["model"])


def _golden(folder: Path) -> dict[str, bytes]:
    cases = golden_answers(folder, GOLDEN)["cases"]
    return {case["file"]: read(folder, case["file"]) for case in cases}


def _record(name: str, seal: str, store: Store) -> Package | None:
    """The record of the package that was named, or that has this seal."""
    if name.startswith("package@") and not Path(name).exists():
        package: Package = store.load(store.find(name))
        return package
    for ref in store.refs("package"):
        try:
            package = store.load(ref)
        except ConfigError:  # of another version
            continue
        if package.files.get(SEAL) == seal:
            return package
    return None
