"""Engines: the ways to run a network on a device, one record each.

An engine is an `Engine` on the board ENGINES. It names the exporter of its format, the number
formats that it does not run, the runtime's backend that runs its networks, the files of a network
and the program that measures a network. Exporters and compressors belong to a format: engines that
read the same format share them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Model
from stages.config import DeployConfig
from stages.deploy.compressors import CannotCompress, Compressor
from stages.deploy.exporters import Exporter
from stages.parts import COMPRESSORS, ENGINES, EXPORTERS
from stages.runtime.backends import BACKENDS
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import ConfigError, Damaged
from stages.runtime.libraries import installed
from stages.store import Store

Network = Mapping[str, bytes]  # the files of a network by their names in the package

MEASURING_PROGRAM = "stages.deploy.device.child"


@dataclass(frozen=True)
class Engine:
    """One way to run a network on a device.

    `name`: its name on the board ENGINES. `format`: the file format of its networks. `exporter`: a
    name on the board EXPORTERS. `backend`: a name on the runtime's board BACKENDS. `files`: the
    names of a network's files in a package; the backend opens the first, the others are beside it.
    `cannot`: the number formats that it does not run, each with the reason. `used_in_training`:
    whether training itself runs every family by it, so that a network that it cannot run, or runs
    wrongly, is known then; with any other engine each family is tried before training. `measure`:
    the module that, run as a program, prints what a network costs on this machine
    (deploy/device/child.py). `processors`: the kinds of processor that run its
    operators; on a device with others all of them fall back to these."""

    name: str
    format: str
    exporter: str
    backend: str
    files: tuple[str, ...]
    cannot: Mapping[str, str] = field(default_factory=dict)
    used_in_training: bool = False
    measure: str = MEASURING_PROGRAM
    processors: tuple[str, ...] = ("cpu",)

    @property
    def compressors(self) -> dict[str, str]:
        """The names on the board COMPRESSORS of its compressors, by number format."""
        keys = {key.partition("/")[2]: key for key in COMPRESSORS if key.startswith(self._prefix)}
        return {numeric: key for numeric, key in keys.items() if numeric not in self.cannot}

    @property
    def libraries(self) -> tuple[str, ...]:
        """The libraries, by their names in pip, that running its networks needs."""
        libraries: tuple[str, ...] = BACKENDS[self.backend].libraries
        return libraries

    @property
    def tools(self) -> tuple[str, ...]:
        """The libraries whose version may change the bytes of its networks."""
        return (*EXPORTERS[self.exporter].tools, *self.libraries)

    def compressor(self, numeric: str) -> Compressor:
        """The compressor to `numeric`. Raises CannotCompress if the engine does not run that number
        format or no compressor makes it."""
        if numeric in self.cannot:
            raise CannotCompress(f"{self.name} does not run {numeric}: {self.cannot[numeric]}")
        if numeric not in self.compressors:
            raise CannotCompress(f"No compressor makes {numeric} of {self.format}.")
        compressor: Compressor = COMPRESSORS[self.compressors[numeric]]()
        return compressor

    def sums(self, numeric: str, instruction_set: str) -> Sums:
        """How the engine adds products in `numeric` on processors of `instruction_set`, with the
        options that the runtime sets there."""
        sums: Sums = BACKENDS[self.backend].sums(numeric, instruction_set)
        return sums

    def export(self, model: Model, store: Store, windows: NDArray[np.float32]) -> Network:
        """Export `model` in float32. The outputs for the preprocessed samples `windows`, float32
        [n, ...], are compared with the trained model's. Raises what `Exporter.export` does."""
        exporter: Exporter = EXPORTERS[self.exporter]()
        backend = BACKENDS[self.backend]
        return self.written(lambda path: exporter.export(model, store, windows, path, backend))

    def convert(self, graphs: Path, windows: NDArray[np.float32]) -> Network:
        """The exported network in the folder `graphs`, in this engine's format. Raises what
        `Exporter.convert` does."""
        exporter: Exporter = EXPORTERS[self.exporter]()
        return self.written(lambda path: exporter.convert(graphs, windows, path))

    def compress(
        self, network: Network, numeric: str, calibration: list[NDArray[np.float32]]
    ) -> Network:
        """Compress `network` to `numeric`. `calibration`: batches of preprocessed samples, float32
        [n, ...] each, for compressors that need them. Raises CannotCompress."""
        compressor = self.compressor(numeric)
        with TemporaryDirectory() as name:
            graph = self.place(network, Path(name))
            return self.written(lambda path: compressor.compress(graph, calibration, path))

    def place(self, network: Network, folder: Path) -> Path:
        """Write the files of `network` into `folder` and return the path that a backend opens."""
        for name in self.files:
            (folder / name).write_bytes(network[name])
        return folder / self.files[0]

    @property
    def _prefix(self) -> str:
        return f"{self.format}/"

    def written(self, write: Callable[[Path], Any]) -> Network:
        """The network that `write` writes: its first file to the path that `write` is called with,
        the others beside it. Raises Damaged if a file is missing."""
        with TemporaryDirectory() as name:
            write(Path(name) / self.files[0])
            missing = [file for file in self.files if not (Path(name) / file).is_file()]
            if missing:
                raise Damaged(
                    f"A compressor or exporter did not write {', '.join(missing)}.", "Report this."
                )
            return {file: (Path(name) / file).read_bytes() for file in self.files}


def size_of(network: Network) -> int:
    """The bytes of all files of `network`."""
    return sum(map(len, network.values()))


def check_engine(deploy: DeployConfig) -> None:
    """Raise ConfigError if the engine of a target runs no number format of `deploy.ladder`, or is
    not installed. It is checked when a run is planned, so that the error does not come after
    training."""
    for name in deploy.engines:
        engine: Engine = ENGINES[name]
        if deploy.compress == "ladder" and not set(deploy.ladder) & set(engine.compressors):
            raise ConfigError(
                f"deploy.ladder: {engine.name} runs none of {', '.join(deploy.ladder)}.",
                f"Name some of: {', '.join(engine.compressors)}.",
            )
        check_installed(engine, "deploy.engine" if name == deploy.engine else "deploy.targets")


def check_installed(engine: Engine, key: str = "deploy.engine") -> None:
    """Raise ConfigError, naming them and the config's `key`, if libraries that `engine` needs are
    not installed here."""
    if missing := missing_libraries(engine):
        raise ConfigError(
            f"{key}: {engine.name} needs {' and '.join(missing)}, not installed here.",
            f"Run: pip install {' '.join(missing)}",
        )


def missing_libraries(engine: Engine) -> list[str]:
    """The libraries that `engine` needs, to make networks or to run them, and that are not
    installed here."""
    needed = dict.fromkeys((*engine.libraries, *engine.tools))
    return [library for library in needed if installed(library) is None]
