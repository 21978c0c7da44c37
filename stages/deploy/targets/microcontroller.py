"""microcontroller: a C99 library for devices without an operating system, as an Arduino library, in
the folder microcontroller/ of a device_sdk package, whose answers it is compared with."""

from pathlib import Path
from typing import ClassVar

from stages.deploy.c_source import builds
from stages.deploy.c_source.library import c_library, prefix_of
from stages.deploy.c_source.verification import (
    golden_set,
    shipped_samples,
    statements,
    verify_on_host,
)
from stages.deploy.c_source.writer import ModelSource
from stages.deploy.content import Content
from stages.deploy.targets.device_sdk import DeviceSdk

FOLDER = "microcontroller"


class Microcontroller(DeviceSdk):
    """The network and the steps around it as C, with a test for a computer and an emulated board.
    Samples of the test split are answered by the package's Python code; golden samples by both."""

    chooses: ClassVar[bool] = False  # its C source is of one network

    def files(self, content: Content) -> dict[str, bytes]:
        """The package's files by relative path. Raises ConfigError, naming it, for an operator or
        step that cannot be written as C."""
        library = c_library(content.description, content.network)
        files = super().files(content)
        prefix = prefix_of(content.description["name"])
        section = _readme_section(FOLDER, library.source, content.modality.noun, prefix)
        return {
            **files,
            **{f"{FOLDER}/{name}": data for name, data in library.files.items()},
            "README.md": files["README.md"] + section.encode(),
        }

    def golden_files(self, folder: Path, content: Content) -> dict[str, bytes]:
        """samples.bin, which main.c runs."""
        golden = golden_set(folder, content.description, content.network)
        return {f"{FOLDER}/samples.bin": shipped_samples(golden)}

    def statements(self, folder: Path, content: Content) -> list[str]:
        """What of the C library was verified here, and what not."""
        golden = golden_set(folder, content.description, content.network)
        return statements(folder / FOLDER, golden)

    def verify(self, folder: Path, content: Content) -> None:
        """Run the package's selftest, and the compiled C library on the golden samples where there
        is a C compiler. Raises AgreementNotMet if either fails."""
        super().verify(folder, content)
        if builds.host_compiler() is not None:
            golden = golden_set(folder, content.description, content.network)
            verify_on_host(folder / FOLDER, golden)


def _readme_section(folder: str, source: ModelSource, noun: str, prefix: str) -> str:
    """The README's section on the C library in `folder`. `prefix`: of its names."""
    return f"""
## For microcontrollers

`{folder}/` is the same network with its steps as C99: an Arduino library (put a copy of the folder
into `Arduino/libraries`, or add it as a zip file), and plain sources for any other build: all of
`src/`. It allocates nothing. `src/steps.h` has the function from a decoded {noun} to scores,
`src/model.h` the network alone; all its names begin with `{prefix}_`, so that it links beside the
library of another package. The weights take {source.weight_bytes} bytes of flash, the numbers
between layers {source.arena_bytes} bytes of RAM in one static arena; one answer takes
{source.multiplications / 1e6:.2f} million multiplications.

    cp -r {folder} /tmp/library && cd /tmp/library  # the package stays as it is
    make check       # compiles for this computer and answers samples.bin
    make arm         # bytes of flash and RAM for a Cortex-M3: needs gcc-arm-none-eabi
    make qemu        # answers samples.bin on an emulated board: needs qemu-system-arm, too

The package's figures on the test {noun}s are of its Python code; golden {noun}s were answered by
both. What the device itself has to do: bring a {noun} into memory.
"""
