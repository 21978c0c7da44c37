"""Processors shown by qemu-user on which a Python program runs: Haswell (AVX2, no VNNI), Cortex-A72
(no dot product) and Cortex-A76 (with it).

The interpreter itself is run by the emulator. That of arm64 lies in a folder: `root` and
`root-dotprod` with its files, which differ in /proc/cpuinfo alone, and its libraries in `site`."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stages.runtime.processor import ARM, ARM_DOT_PRODUCT, X86

HASWELL = ("qemu-x86_64", "-cpu", "Haswell")
CORTEX_A72 = ("qemu-aarch64", "-cpu", "cortex-a72")
CORTEX_A76 = ("qemu-aarch64", "-cpu", "cortex-a76")
ROOT, DOT_ROOT, SITE = "root", "root-dotprod", "site"
START = (
    "import runpy, sys; sys.path[:0] = sys.argv[1].split('|'); del sys.argv[1]; sys.argv[0] = ''"
)
MODULE = "; name = sys.argv.pop(1); runpy.run_module(name, run_name='__main__', alter_sys=True)"


class EmulatedProcessor(NamedTuple):
    """`interpreter`: the command that starts an interpreter on it, which finds libraries in `path`
    beside its own."""

    name: str
    interpreter: tuple[str, ...]
    path: tuple[str, ...] = ()

    def command(self, folder: Path, module: str, arguments: Sequence[str]) -> list[str]:
        """The command that runs `module`, which lies in `folder`, with `arguments`."""
        paths = "|".join([str(folder), *self.path])
        return [*self.interpreter, "-I", "-B", "-c", START + MODULE, paths, module, *arguments]

    def run(
        self, program: Path, arguments: Sequence[str], patience: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run the file `program`, whose first argument is `path`, joined by |. Raises
        subprocess.TimeoutExpired after `patience` seconds."""
        command = [*self.interpreter, "-I", "-B", str(program), "|".join(self.path), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=patience
        )


def here() -> EmulatedProcessor:
    """This machine's own processor, which is not emulated."""
    return EmulatedProcessor("here", (sys.executable,))


def haswell() -> EmulatedProcessor | None:
    """None if the emulator is not installed."""
    return (
        EmulatedProcessor("Haswell", (*HASWELL, sys.executable))
        if shutil.which(HASWELL[0])
        else None
    )


def cortex_a72(folder: Path) -> EmulatedProcessor | None:
    """None without emulator, or without an interpreter in `folder`."""
    return _arm64("Cortex-A72", CORTEX_A72, folder, ROOT)


def cortex_a76(folder: Path) -> EmulatedProcessor | None:
    """As `cortex_a72`."""
    return _arm64("Cortex-A76", CORTEX_A76, folder, DOT_ROOT)


def emulated(arm64: Path | None) -> dict[str, EmulatedProcessor]:
    """The processors that can be emulated on this machine by their instruction sets; those of arm64
    with the interpreter in the folder `arm64`."""
    found = {X86: haswell()}
    if arm64 is not None:
        found |= {ARM: cortex_a72(arm64), ARM_DOT_PRODUCT: cortex_a76(arm64)}
    return {name: processor for name, processor in found.items() if processor is not None}


def _arm64(
    name: str, emulator: tuple[str, ...], folder: Path, root: str
) -> EmulatedProcessor | None:
    python = folder / root / "usr" / "bin" / "python3.11"
    if not shutil.which(emulator[0]) or not python.is_file():
        return None
    command = (*emulator, "-L", str(folder / root), str(python))
    return EmulatedProcessor(name, command, (str(folder / SITE),))
