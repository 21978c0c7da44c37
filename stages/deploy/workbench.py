"""All that one package is made from: inputs, test samples, exported and compressed networks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, Model, Report
from stages.config import DeploySlice
from stages.deploy import calibration, golden
from stages.deploy.compressors import CannotCompress, Compressor
from stages.deploy.content import Content, description
from stages.deploy.remembered import remembered, source_of
from stages.deploy.targets import Target
from stages.etl.manifest import samples_of
from stages.models import onnx_file
from stages.parts import COMPRESSORS, EXPORTERS, TARGETS
from stages.runtime import pictures, steps
from stages.runtime.errors import ConfigError, Damaged
from stages.store import Store
from stages.tracking import Run

PARITY = 16  # training samples on which the exported network must answer as the trained one
EXPORTER = "onnx"
PREPARING = (calibration, pictures, steps)  # whose code decides what a network is shown


@dataclass(frozen=True)
class Workbench:
    model: Model
    report: Report
    dataset: Dataset
    config: DeploySlice
    store: Store
    run: Run

    @property
    def ladder(self) -> tuple[str, ...]:
        return self.config.deploy.ladder

    @property
    def target(self) -> Target:
        target: Target = TARGETS[self.config.target]()
        return target

    @cached_property
    def tested(self) -> list[str]:
        """The digests of the test split's files, in the manifest's order."""
        return [one.digest for one in samples_of(self.dataset, self.store, "test")]

    @property
    def samples(self) -> Iterator[bytes]:
        """The test split's files, one after the other: together they may be more than memory."""
        return (self.store.get(digest) for digest in self.tested)

    @cached_property
    def _predictions(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.store.get(self.report.files["predictions.json"]))
        if found["files"] != self.tested or tuple(self.report.labels) != tuple(self.model.labels):
            raise ConfigError(
                f"{self.report.ref} was not measured on the test split of {self.dataset.ref}.",
                "Deploy with the report, model and dataset of one run.",
            )
        return found

    @cached_property
    def truth(self) -> NDArray[np.int64]:
        """The true labels of `samples`, as indices."""
        return np.array(self._predictions["truth"], np.int64)

    @cached_property
    def trained(self) -> NDArray[np.float64]:
        """What the trained model itself scored on `samples`, [n, labels]."""
        return np.array(self._predictions["scores"], np.float64)

    def exported(self) -> bytes:
        """The network in float32, as the engine wants it; shared by all packages of the model."""
        chosen = calibration.chosen(self.dataset, self.store, PARITY)
        exporter = EXPORTERS[EXPORTER]()

        def make() -> bytes:
            self.run.progress("export", 0, 1)
            prepared = calibration.prepared(self.model, chosen, self.store)
            return _written(lambda out: exporter.export(self.model, self.store, prepared, out))

        key = {
            "export": EXPORTER,
            "model": self.model.ref.id,
            "samples": [one.digest for one in chosen],
            "code": source_of(exporter, onnx_file, *PREPARING),
            "versions": _versions(),
        }
        return remembered(self.store, key, make)

    def compressed(self, numeric: str) -> bytes:
        """The network in `numeric`; shared, too. Raises CannotCompress."""
        compressor: Compressor = COMPRESSORS[numeric]()
        if compressor.format != EXPORTERS[EXPORTER].format:
            raise CannotCompress(f"{numeric} cannot read {EXPORTERS[EXPORTER].format}.")
        count = self.config.deploy.calibration if compressor.needs_samples else 0
        chosen = calibration.chosen(self.dataset, self.store, count)
        exported = self.exported()

        def make() -> bytes:
            self.run.progress(f"compressing to {numeric}", 0, 1)
            prepared = calibration.prepared(self.model, chosen, self.store)
            with TemporaryDirectory() as name:
                graph = Path(name) / "graph.onnx"
                graph.write_bytes(exported)
                batches = calibration.batches(prepared)
                return _written(lambda out: compressor.compress(graph, batches, out))

        key = {
            "compress": numeric,
            "graph": self.store.add(exported),
            "before": [step.model_dump() for step in self.model.before],
            "samples": [one.digest for one in chosen],
            "code": source_of(compressor, *PREPARING),
            "versions": _versions(),
        }
        return remembered(self.store, key, make)

    def content(self, compressor: Compressor, network: bytes) -> Content:
        """What goes into the package with `network`."""
        told = description(
            self.config.name,
            self.model,
            self.report,
            self.dataset,
            compressor,
            EXPORTERS[EXPORTER].backend,
        )
        return Content(self.config.name, told, network, golden.golden_pictures())


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("numpy", "onnx", "onnxruntime", "paddle2onnx", "paddlepaddle", "pillow")
    return {name: version(name) for name in names}


def _written(write: Any) -> bytes:
    """The bytes of the file that `write` makes at the path it is given."""
    with TemporaryDirectory() as name:
        out = Path(name) / "out"
        write(out)
        if not out.is_file():
            raise Damaged("A compressor or exporter wrote no file.", "Report this.")
        return out.read_bytes()
