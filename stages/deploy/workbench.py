"""All that one package is made from: inputs, test samples, exported and compressed networks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.artifacts import Dataset, Model, Report
from stages.closure import Code, code_of
from stages.config import DeploySlice
from stages.deploy import calibration
from stages.deploy.compressors import Compressor
from stages.deploy.content import Content, description
from stages.deploy.engines import Engine, Network
from stages.deploy.exporters import Exporter
from stages.deploy.saturation.network import NetworkSums, read_network_sums
from stages.deploy.targets import Target
from stages.etl.manifest import samples_of
from stages.evaluate.kinds import Kind, kind_of, modality_of
from stages.evaluate.predictions import Predicted, read_predicted
from stages.media import Modality
from stages.memo import CachedContent
from stages.parts import ENGINES, EXPORTERS, TARGETS
from stages.runtime import steps
from stages.runtime.errors import ConfigError
from stages.store import Store
from stages.tracking import Run

PARITY = 16  # training samples on which the exported network must answer as the trained one
WHOLE = "float32"  # what the trained model is in


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
    def engine(self) -> Engine:
        engine: Engine = ENGINES[self.config.deploy.engine]
        return engine

    @property
    def exporter(self) -> Exporter:
        exporter: Exporter = EXPORTERS[self.engine.exporter]()
        return exporter

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

    def exported(self) -> Network:
        """The network in float32, as the engine wants it; shared by all packages of the model."""
        samples = calibration.chosen(self.dataset, self.store, PARITY)
        engine = self.engine

        def make() -> CachedContent:
            self.run.progress("export", 0, 1)
            windows = calibration.prepared(self.model, samples, self.store)
            return CachedContent(files=engine.export(self.model, self.store, windows))

        key = ["export", engine.name, self.model.ref.id, [sample.digest for sample in samples]]
        return self.store.memo(key, self._code(self.exporter), make).all_bytes

    def compressed(self, numeric: str) -> Network:
        """The network in `numeric`; shared, too. Raises CannotCompress."""
        engine, compressor = self.engine, self.engine.compressor(numeric)
        count = self.config.deploy.calibration if compressor.needs_samples else 0
        samples = calibration.chosen(self.dataset, self.store, count)
        exported = self.exported()

        def make() -> CachedContent:
            self.run.progress(f"compressing to {numeric}", 0, 1)
            windows = calibration.prepared(self.model, samples, self.store)
            return CachedContent(
                files=engine.compress(exported, numeric, calibration.batches(windows))
            )

        digests = [sample.digest for sample in samples]
        key = [engine.compressors[numeric], exported, digests, self._before]
        return self.store.memo(key, self._code(compressor), make).all_bytes

    @property
    def _before(self) -> list[dict[str, Any]]:
        """The steps before the network, which decide what it is shown of a sample."""
        return [step.model_dump() for step in self.model.before]

    def _code(self, part: object) -> Code:
        """The code of an exporter or compressor, and of what brings samples to the network."""
        modules = (type(part).__module__, calibration.__name__, "stages.runtime.backends")
        named = [step["step"] for step in self._before]
        return code_of(*modules, config=[*named, self.model.family, self.engine.backend])

    def network_sums(self, network: Network, digests: Sequence[str]) -> NetworkSums:
        """The sums of the 8-bit layers of `network` on the samples `digests`; shared, too.

        Raises NotCounted for a network of which they are not known."""
        exporter = self.exporter

        def make() -> CachedContent:
            self.run.progress("counting sums", 0, 1)
            before = self._before
            windows = (steps.prepared(before, self.store.get(one)).windows for one in digests)
            with TemporaryDirectory() as folder:
                graph = self.engine.place(network, Path(folder))
                return CachedContent(exporter.count_sums(graph, windows).record())

        key = ["sums", exporter.format, network, list(digests), self._before]
        return read_network_sums(self.store.memo(key, self._code(exporter), make).facts)

    def compressor(self, numeric: str) -> Compressor:
        """What makes the engine's networks in `numeric`. Raises CannotCompress if nothing does."""
        return self.engine.compressor(numeric)

    def content(self, numeric: str, network: Network) -> Content:
        """What goes into the package with `network`, which is in `numeric`."""
        package = description(
            self.config.name, self.model, self.report, self.dataset, self.engine, numeric
        )
        return Content(self.config.name, package, network, self.modality.golden())
