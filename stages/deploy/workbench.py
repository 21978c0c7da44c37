"""All that one package is made from: inputs, test samples, exported and compressed networks."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.artifacts import Dataset, Model, Report, canonical, digest_of
from stages.config import DeploySlice
from stages.deploy import calibration
from stages.deploy.compressors import CannotCompress, Compressor
from stages.deploy.content import Content, description
from stages.deploy.remembered import remembered, source_of
from stages.deploy.saturation import layers, pair_sums
from stages.deploy.saturation import network as saturation
from stages.deploy.saturation.network import NetworkSums, read_network_sums
from stages.deploy.sdk import code_of
from stages.deploy.targets import Target
from stages.etl.manifest import samples_of
from stages.evaluate.kinds import Kind, kind_of, modality_of
from stages.evaluate.predictions import Predicted, read_predicted
from stages.media import Modality
from stages.models import onnx_file
from stages.parts import COMPRESSORS, EXPORTERS, TARGETS
from stages.runtime import steps
from stages.runtime.errors import ConfigError, Damaged
from stages.store import Store
from stages.tracking import Run

PARITY = 16  # training samples on which the exported network must answer as the trained one
EXPORTER = "onnx"
WHOLE = "float32"  # what the trained model is in
TOOLS = ("onnx", "onnxruntime", "paddle2onnx", "paddlepaddle")  # whose version may change bytes


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
    def exporter(self) -> Any:
        return EXPORTERS[EXPORTER]()

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

    @property
    def kind(self) -> Kind:
        return kind_of(self.model.task)

    @property
    def modality(self) -> Modality:
        return modality_of(self.model.task)

    @cached_property
    def trained(self) -> Predicted:
        """What is true of `samples`, and what the trained model itself answered."""
        data = self.store.get(self.report.files["predictions.json"])
        found = read_predicted(data, self.modality.noun)
        labels = tuple(self.report.labels)
        if list(found.files) != self.tested or labels != tuple(self.model.labels):
            raise ConfigError(
                f"{self.report.ref} was not measured on the test split of {self.dataset.ref}.",
                "Deploy with the report, model and dataset of one run.",
            )
        return found

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
            "code": source_of(exporter, onnx_file, calibration),
            **self._preparing,
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
            "samples": [one.digest for one in chosen],
            "code": source_of(compressor, onnx_file, calibration),
            **self._preparing,
        }
        return remembered(self.store, key, make)

    @property
    def _preparing(self) -> dict[str, Any]:
        """What decides what a network is shown of a sample, for a key."""
        before = [step.model_dump() for step in self.model.before]
        libraries = ("numpy", *self.modality.libraries, *TOOLS)
        versions = {name: version(name) for name in libraries}
        return {"before": before, "steps": code_of(before), "versions": versions}

    def network_sums(self, network: bytes, digests: Sequence[str]) -> NetworkSums:
        """The sums of the 8-bit layers of `network` on the samples `digests`; shared, too.

        Raises NotCounted for a network of which they are not known."""
        exporter = self.exporter

        def make() -> bytes:
            self.run.progress("counting sums", 0, 1)
            before = [step.model_dump() for step in self.model.before]
            windows = (steps.prepared(before, self.store.get(one)).windows for one in digests)
            return canonical(exporter.count_sums(network, windows).record())

        key = {
            "sums": EXPORTER,
            "network": digest_of(network),
            "samples": list(digests),
            "code": source_of(exporter, layers, pair_sums, saturation),
            **self._preparing,
        }
        return read_network_sums(json.loads(remembered(self.store, key, make)))

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
        return Content(self.config.name, told, network, self.modality.golden())


def _written(write: Any) -> bytes:
    """The bytes of the file that `write` makes at the path it is given."""
    with TemporaryDirectory() as name:
        out = Path(name) / "out"
        write(out)
        if not out.is_file():
            raise Damaged("A compressor or exporter wrote no file.", "Report this.")
        return out.read_bytes()
