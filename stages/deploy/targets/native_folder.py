"""The common part of targets for programs that call an engine's own library, in C++ or another
language: the files of a device_sdk package, and a test vector that such a program can check itself
with, without reading a picture or a sound."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.content import Content, spelled
from stages.deploy.packed import write_folder
from stages.deploy.targets.device_sdk import DeviceSdk
from stages.runtime import steps
from stages.runtime.backends import BACKENDS
from stages.runtime.errors import AgreementNotMet, BadSample, ConfigError

Float32 = NDArray[np.float32]

VECTOR = "test_vector.json"
INPUT = "test_vector_input.f32"
OUTPUT = "test_vector_output_{place}.f32"
# The largest difference allowed, as a share of the largest output. In 8 bits a rounding at an edge
# may fall differently on another processor.
TOLERANCES = {"float32": 1e-3, "float16": 1e-2}
OF_8_BITS = 5e-2


class NativeFolder(DeviceSdk, ABC):
    """A folder for one engine, which has the target's own name."""

    engine: ClassVar[str]
    chooses: ClassVar[bool] = False  # a program that calls the engine opens one network

    def files(self, content: Content) -> dict[str, bytes]:
        """The package's files by relative path."""
        content = self.native(content)
        vector = test_vector(content)
        readme = super().files(content)
        readme["README.md"] += self.readme(content, json.loads(vector[VECTOR])).encode()
        return {**readme, **vector}

    def native(self, content: Content) -> Content:
        """`content` with the network in the engine's own format.

        Raises ConfigError if its network is another engine's."""
        if content.backend != self.engine:
            raise ConfigError(
                f"A package for {self.engine} cannot hold a network for {content.backend}.",
                f"Name the target `{self.engine}` in deploy.targets; its engine follows from it.",
            )
        return content

    def readme(self, content: Content, vector: Mapping[str, Any]) -> str:
        """The README's section for programs that call the engine's library."""
        names = ", ".join(f"`{name}`" for name in self.native(content).network)
        outputs = ", ".join(
            f"`{output['file']}` (`{output['name']}`, {_sides(output['shape'])})"
            for output in vector["outputs"]
        )
        return f"""
## From C++ or another language

{self.usage()} The network is {names}; the steps before and after it are `before` and `after` of
`package.json`. To check a program without reading a sample: `{INPUT}` (`{vector["input"]["name"]}`,
{_sides(vector["input"]["shape"])}, float32, little endian) is `{vector["sample"]}` after the steps
before the network, and the network answers {outputs}, up to {vector["tolerance"]:.2g}.
"""

    @abstractmethod
    def usage(self) -> str:
        """How the engine's library opens the network, and with which options it was tested."""

    @abstractmethod
    def run_natively(self, folder: Path, content: Content, window: Float32) -> list[Float32]:
        """The outputs for `window`, [1, ...], in the order of the test vector, by the engine's
        own library alone."""

    def verify(self, folder: Path, content: Content) -> None:
        """Run the selftest, and the test vector by the engine's library as another program would.
        Raises AgreementNotMet if one of them fails."""
        super().verify(folder, content)
        vector = json.loads((folder / VECTOR).read_text("utf-8"))
        window = _read(folder / INPUT, vector["input"]["shape"])
        found = self.run_natively(folder, self.native(content), window)
        for output, values in zip(vector["outputs"], found, strict=True):
            expected = _read(folder / output["file"], output["shape"])
            away = float(np.max(np.abs(values.reshape(expected.shape) - expected)))
            if not away <= vector["tolerance"]:
                raise AgreementNotMet(
                    f"{self.engine} itself answers the test vector's {output['name']} with a "
                    f"difference of {away:.3g}, {vector['tolerance']:.3g} allowed.",
                    "Take another number format first in deploy.ladder, or report this.",
                )


def test_vector(content: Content) -> dict[str, bytes]:
    """The files of the test vector: the first golden sample after the steps before the network, and
    what the network answers. Raises ConfigError if no golden sample can be read."""
    sample, window = _first_window(content)
    with TemporaryDirectory() as name:
        write_folder(Path(name), content.network)
        model = Path(name) / content.description["model"]
        backend = BACKENDS[content.backend](model, 1, content.description["numeric"])
        outputs = backend.run({backend.inputs[0]: window})
    arrays = {
        OUTPUT.format(place=place): np.ascontiguousarray(outputs[name], "<f4")
        for place, name in enumerate(backend.outputs)
    }
    largest = max(float(np.max(np.abs(values))) for values in arrays.values())
    record = {
        "sample": f"golden/{sample}" if "/" not in sample else sample,
        "input": {"name": backend.inputs[0], "shape": list(window.shape), "file": INPUT},
        "outputs": [
            {"name": name, "shape": list(values.shape), "file": file}
            for name, (file, values) in zip(backend.outputs, arrays.items(), strict=True)
        ],
        "tolerance": max(TOLERANCES.get(content.description["numeric"], OF_8_BITS) * largest, 1e-6),
    }
    files = {file: values.tobytes() for file, values in arrays.items()}
    return {VECTOR: spelled(record), INPUT: window.astype("<f4").tobytes(), **files}


def _first_window(content: Content) -> tuple[str, Float32]:
    for name in sorted(content.golden):
        try:
            windows = steps.prepared(content.description["before"], content.golden[name]).windows
        except BadSample:
            continue
        return name, np.ascontiguousarray(windows[:1], np.float32)
    raise ConfigError("No golden sample can be read for a test vector.", "Report this.")


def _read(path: Path, shape: list[int]) -> Float32:
    return np.frombuffer(path.read_bytes(), "<f4").reshape(shape).astype(np.float32)


def _sides(shape: list[int]) -> str:
    return " x ".join(map(str, shape))
