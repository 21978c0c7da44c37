"""Everything that a package is made from: the inputs, the test samples, and the exported and
compressed networks."""

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
from stages.deploy.model_info import with_model_info
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

PARITY = 16  # training samples on which the exported network is compared with the trained one
ONNX = "onnx"
WHOLE = "float32"  # the trained model's number format


@dataclass(frozen=True)
class Workbench:
    """What making a package needs: the model, its report and dataset, the config and the store."""

    model: Model
    report: Report
    dataset: Dataset
    config: DeploySlice
    store: Store
    run: Run

    @property
    def ladder(self) -> tuple[str, ...]:
        """The number formats to try, in order."""
        return self.config.deploy.ladder

    @property
    def engine(self) -> Engine:
        engine: Engine = ENGINES[self.config.deploy.engine_of(self.config.target)]
        return engine

    @property
    def fastest_first(self) -> tuple[str, ...]:
        """The number formats of this engine and of the model's input, the fastest first, as
        measured when the run was planned; empty if they were not."""
        model_input = str(self.model.hyperparameters.get("input", ""))
        return self.config.deploy.fastest_of(self.engine.name, model_input)

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
        return [sample.digest for sample in samples_of(self.dataset, self.store, "test")]

    @property
    def samples(self) -> Iterator[bytes]:
        """The test split's files, loaded one at a time as together they may exceed the memory."""
        return (self.store.get(digest) for digest in self.tested)

    @property
    def kind(self) -> Kind:
        return kind_of(self.model.task)

    @property
    def modality(self) -> Modality:
        return modality_of(self.model.task)

    @cached_property
    def trained(self) -> Predicted:
        """The truth and the trained model's own answers for the test split, from its report.

        Raises ConfigError if the report is about another dataset or model."""
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
        """Export the network in float32 for the engine. Cached: all packages of the model share it.

        Raises what `Exporter.export` does."""
        samples = calibration.chosen(self.dataset, self.store, PARITY)
        engine = self.engine

        def make() -> CachedContent:
            self.run.progress("export", 0, 1)
            windows = calibration.prepared(self.model, samples, self.store)
            return CachedContent(files=engine.export(self.model, self.store, windows))

        key = ["export", engine.name, self.model.ref.id, [sample.digest for sample in samples]]
        return self.store.memo(key, self._code(self.exporter), make).all_bytes

    def compressed(self, numeric: str) -> Network:
        """Compress the network to `numeric`. Cached, too. Raises CannotCompress."""
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
        """Count the pair sums of the 8-bit layers of `network` on the samples `digests`. Cached.

        Raises NotCounted if the sums of this network cannot be counted."""
        exporter = self.exporter

        def make() -> CachedContent:
            self.run.progress("counting sums", 0, 1)
            before = self._before
            windows = (steps.prepared(before, self.store.get(digest)).windows for digest in digests)
            with TemporaryDirectory() as folder:
                graph = self.engine.place(network, Path(folder))
                return CachedContent(exporter.count_sums(graph, windows).record())

        key = ["sums", exporter.format, network, list(digests), self._before]
        return read_network_sums(self.store.memo(key, self._code(exporter), make).facts)

    def compressor(self, numeric: str) -> Compressor:
        """The engine's compressor to `numeric`. Raises CannotCompress if there is none."""
        return self.engine.compressor(numeric)

    def content(self, numeric: str, network: Network) -> Content:
        """The content of the package with `network`, whose number format is `numeric`."""
        package = description(
            self.config.name, self.model, self.report, self.dataset, self.engine, numeric
        )
        if self.engine.format == ONNX:
            first = self.engine.files[0]
            network = {**network, first: with_model_info(network[first], package)}
        return Content(self.config.name, package, network, self.modality.golden())
