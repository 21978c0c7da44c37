"""What can be measured: a trained model or a package, from the store, a folder or a zip."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from stages.artifacts import Dataset, Model, Package, Ref
from stages.etl.archive import unpack
from stages.etl.manifest import samples_of
from stages.evaluate.native import graph_of, predictor_of
from stages.evaluate.page import facts_of
from stages.runtime.errors import ConfigError, Damaged
from stages.runtime.files import write
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import DESCRIPTION, SEAL
from stages.store import Store

_HOW = "Give a package's folder or zip, or model@id or package@id from `aiwf list`."


@dataclass(frozen=True)
class Subject:
    """`predictor` makes a one-thread predictor each time. `dataset`: id of what it learnt from."""

    title: str
    task: str
    labels: tuple[str, ...]
    predictor: Callable[[], Predictor]
    facts: list[tuple[str, str]]
    lineage: list[tuple[str, str]] = field(default_factory=list)
    dataset: str = ""


@contextmanager
def opened(name: str, store: Store) -> Iterator[Subject]:
    """What `name` means. Raises ConfigError if nothing, Damaged if it is not what was packed."""
    path = Path(name)
    with tempfile.TemporaryDirectory(prefix="aiwf-") as scratch:
        if path.is_dir():
            yield _package(_top(path), path.name)
        elif path.is_file():
            unpack(path, Path(scratch))
            yield _package(_top(Path(scratch)), path.name)
        elif name.startswith("model@"):
            model: Model = store.load(store.find(name))
            with graph_of(model, store) as graph:
                yield _model(model, graph)
        elif name.startswith("package@"):
            package: Package = store.load(store.find(name))
            _write(package, store, Path(scratch))
            yield _package(Path(scratch), f"{package.name} for {package.target}")
        else:
            raise ConfigError(f"There is no model or package '{name}'.", _HOW)


def _model(model: Model, graph: Path) -> Subject:
    return Subject(
        title=model.family,
        task=model.task,
        labels=model.labels,
        predictor=partial(predictor_of, model, graph),
        facts=facts_of(model),
        lineage=[("Model", model.ref.id), *((one.kind, one.id) for one in model.parents)],
        dataset=next((one.id for one in model.parents if one.kind == "dataset"), ""),
    )


def _package(folder: Path, title: str) -> Subject:
    with Predictor.open(folder) as checked:
        said = checked.description
    made_of: dict[str, str] = said.get("made_of", {})
    shown = ("task", "backend", "format", "numeric", "input_shape")
    return Subject(
        title=title,
        task=said["task"],
        labels=tuple(said["labels"]),
        predictor=partial(Predictor, said, folder / said["model"], 1),
        facts=[(key.replace("_", " "), _text(said[key])) for key in shown if key in said],
        lineage=sorted(made_of.items()),
        dataset=made_of.get("dataset", ""),
    )


def _text(value: Any) -> str:
    return " × ".join(map(str, value)) if isinstance(value, list) else str(value)


def _top(folder: Path) -> Path:
    """The package itself, where a zip or a folder has it one level deeper."""
    inside = [one.parent for one in sorted(folder.glob(f"*/{SEAL}"))]
    if (folder / SEAL).is_file() or len(inside) != 1:
        return folder
    return inside[0]


def _write(package: Package, store: Store, folder: Path) -> None:
    for name, digest in package.files.items():
        write(folder / name, store.get(digest))
    if DESCRIPTION not in package.files:
        raise Damaged(f"{package.ref} has no {DESCRIPTION}.", "Run the deploy stage again.")


def learnt_from(subject: Subject, store: Store) -> frozenset[str]:
    """Digests of the photos that `subject` was trained or chosen with, if this store knows."""
    ref = Ref("dataset", subject.dataset)
    if not subject.dataset or ref not in store.refs("dataset"):
        return frozenset()
    dataset: Dataset = store.load(ref)
    return frozenset(one.digest for one in samples_of(dataset, store) if one.split != "test")
