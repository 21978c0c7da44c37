"""Finds what a chain is made of by the names that a person knows: of runs, packages, data."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.artifacts import Package, Ref, digest_of
from stages.config import PipelineConfig
from stages.deploy.chain.packing import CHAINS
from stages.deploy.chain.parts import ChainPart, check_classifier, opened_part
from stages.deploy.chain.truth import Annotations, annotations_in
from stages.etl import source
from stages.etl.crops import AnnotatedPhoto, opened_photos, photos_of
from stages.etl.readers import read_revision
from stages.parts import TASKS
from stages.runner.lock import Lock, load_lock, read_lock
from stages.runner.recorded_runs import recorded_runs
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest
from stages.runtime.sealed import SEAL
from stages.settings import Settings
from stages.store import Store

FIRST_TARGETS = ("cloud_api", "device_sdk")  # the others after these
LOCK = "run.lock.json"
BOXES = "boxes"  # what a detector answers
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")


def named_part(name: str, store: Store, settings: Settings) -> ChainPart:
    """The package `name`: package@id, a folder or zip; or one that the run `name` made, or the
    newest run of the pipeline `name`. Raises ConfigError if there is none."""
    path = Path(name)
    if name.startswith("package@") or path.is_file() or _holds_package(path):
        return opened_part(name, store)
    lock = _lock(name, store, settings)
    return opened_part(f"package@{_package(lock, store).id}", store)


def with_chain(pipeline: PipelineConfig, store: Store, settings: Settings) -> PipelineConfig:
    """`pipeline` with the ids of what `deploy.chain` names, so that its lock needs no other run;
    unchanged if it names nothing.

    Raises ConfigError if there is no such package or data set in the store, or it cannot be
    chained."""
    chain = pipeline.deploy.chain
    if not chain.classifier:
        return pipeline
    if TASKS[pipeline.task].answers != BOXES:
        raise ConfigError(
            f"deploy.chain: {pipeline.task} finds no boxes whose content a classifier could name.",
            "Name the classifier in the pipeline of the detector.",
        )
    classifier = named_part(chain.classifier, store, settings)
    check_classifier(classifier)
    if classifier.package is None:
        raise ConfigError(
            f"deploy.chain: {chain.classifier} is no package of this store.",
            "Name a run, a pipeline or package@id; `aiwf chain` takes folders and zips, too.",
        )
    changes = {"classifier": f"package@{classifier.id}"}
    if chain.truth:
        changes["truth"] = f"dataset@{_dataset(chain.truth, store, settings).id}"
    deploy = pipeline.deploy.model_copy(update={"chain": chain.model_copy(update=changes)})
    return pipeline.model_copy(update={"deploy": deploy})


def check_chain_labels(pipeline: PipelineConfig, labels: Collection[str]) -> None:
    """Raise ConfigError if a label whose boxes are to be classified is not in the data, which have
    `labels`."""
    for label in pipeline.deploy.chain.labels:
        if label not in labels:
            raise ConfigError(
                f"deploy.chain.labels: the data have no label '{label}'.",
                f"{nearest(label, sorted(labels))}There are: {', '.join(sorted(labels))}.",
            )


def _dataset(name: str, store: Store, settings: Settings) -> Ref:
    """dataset@id, or the data set of the run `name`, or of the newest run of that pipeline."""
    if name.startswith("dataset@"):
        return store.find(name)
    ref = _lock(name, store, settings).artifacts.get("etl")
    if ref is None or not store.holds(ref):
        raise ConfigError(
            f"deploy.chain.truth: the run {name} has no data set.", "Run its pipeline again."
        )
    return ref


def chain_name(name: str, detector: ChainPart, classifier: ChainPart) -> str:
    """The name of a chain: `name`, or those of both parts. Raises ConfigError for one that cannot
    be that of a package."""
    if not name:
        return f"{detector.name[:24]}_{classifier.name[:25]}"
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"'{name[:80]}' cannot be the name of a package.",
            "Use small letters, digits and underscores, beginning with a letter, 50 at most.",
        )
    return name


def annotations_of(name: str, store: Store, settings: Settings) -> Annotations:
    """The boxes of each photo in `name`, raw data or dataset@id, by the photo's digest. Raises
    ConfigError if there is no such data, or it has no boxes."""
    if name.startswith("dataset@"):
        return annotations_in(store.load(store.find(name)), store)
    data = source.data_named(name)
    with source.opened(data, settings) as folder:
        boxes = {
            digest_of((folder / row.file).read_bytes()): row.boxes
            for row in read_revision(folder).rows
        }
    if not any(boxes.values()):
        raise ConfigError(f"'{name}' has no boxes.", "Name data whose photos are annotated.")
    return boxes


def newest_chains(store: Store) -> list[Package]:
    """The newest chain of each name that the store still has."""
    names = [
        key.removeprefix("notes/").removesuffix(".json")
        for key in store.blobs.keys(f"notes/{CHAINS}/")
    ]
    newest = [Ref("package", ids[-1]) for name in names if (ids := store.noted(name))]
    return [store.load(ref) for ref in newest if store.whole(ref)]


@contextmanager
def annotated_photos(name: str, store: Store, settings: Settings) -> Iterator[list[AnnotatedPhoto]]:
    """The annotated photos of `name`: raw data, dataset@id, or a run, whose splits then hold."""
    if name.startswith("dataset@"):
        yield photos_of(store.load(store.find(name)), store)
    elif (lock := load_lock(name, store)) is not None:
        if "etl" not in lock.artifacts or not store.holds(lock.artifacts["etl"]):
            raise ConfigError(f"The run {name} has no data set.", "Run its pipeline again.")
        yield photos_of(store.load(lock.artifacts["etl"]), store)
    else:
        with opened_photos(source.raw_data(source.data_named(name), settings)) as photos:
            yield photos


def _holds_package(path: Path) -> bool:
    """Whether `path` is a folder with a package in it, or one level deeper."""
    return path.is_dir() and not (path / LOCK).is_file() and any(path.glob(f"**/{SEAL}"))


def _lock(name: str, store: Store, settings: Settings) -> Lock:
    """The lock of the run `name`, or of the newest run of that pipeline with a package."""
    if not (Path(name).exists() or load_lock(name, store)):
        runs = [run.lock for run in recorded_runs(store, settings)]
        for lock in reversed(runs):
            if lock and lock.pipeline == name and _packages(lock, store):
                return lock
        raise ConfigError(
            f"There is no package, run or pipeline '{name}' with a package.",
            "`aiwf list` shows runs, `aiwf list package` packages.",
        )
    return read_lock(name, store)


def _package(lock: Lock, store: Store) -> Ref:
    """The package of the run that runs in Python on most machines."""
    packages = _packages(lock, store)
    if not packages:
        raise ConfigError(
            f"The run {lock.run} has no package that can be chained.",
            "Run its pipeline with the target cloud_api or device_sdk.",
        )
    first = {target: place for place, target in enumerate(FIRST_TARGETS)}
    return min(packages, key=lambda package: first.get(package.target, len(first))).ref


def _packages(lock: Lock, store: Store) -> list[Package]:
    """The packages of the run whose networks run in Python."""
    refs = [ref for ref in lock.artifacts.values() if ref.kind == "package" and store.holds(ref)]
    packages: list[Package] = [store.load(ref) for ref in refs]
    return [package for package in packages if "package.json" in package.files]
