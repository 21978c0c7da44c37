"""Builds a C library with the compilers that are installed here, and runs it on samples: on this
computer, and on an emulated Cortex-M."""

import shutil
import struct
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.c_source.library import M3, Board, names
from stages.runtime.errors import AgreementNotMet

COMPILERS = ("cc", "gcc", "clang")
ARM_COMPILER, ARM_SIZE, EMULATOR = "arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm"
OPTIONS = ("-std=c99", "-O2", "-Wall", "-Wextra")
LINKING = ("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-nostartfiles")
SEMIHOSTING = ("-nographic", "-monitor", "none", "-serial", "none", "-semihosting-config")
PATIENCE = 300  # seconds
WINDOW, SAMPLE = 0, 1  # kinds of samples in samples.bin


class GoldenSample(NamedTuple):
    """A sample as the library takes it: `data`, a window [...] of float32, a picture [height,
    width, 3] of uint8, or a waveform [n] of float32; `kind` is WINDOW or SAMPLE. `expected`: the
    network's outputs or the scores."""

    kind: int
    data: NDArray[np.float32] | NDArray[np.uint8]
    expected: NDArray[np.float32]


class Footprint(NamedTuple):
    """Bytes of a build of the library alone: `flash` has code, weights and initial values, `ram`
    all variables; the stack comes on top."""

    flash: int
    ram: int


def samples_file(samples: Sequence[GoldenSample], tolerance: float) -> bytes:
    """The content of samples.bin; `tolerance`: the largest difference that main.c lets pass."""
    parts = [struct.pack("<if", len(samples), tolerance)]
    for sample in samples:
        data, sizes = _lowest_first(sample.data), (*sample.data.shape, 0)
        parts.append(struct.pack("<4i", sample.kind, sizes[0], sizes[1], len(data)))
        parts += [data, _lowest_first(np.asarray(sample.expected, np.float32))]
    return b"".join(parts)


def _lowest_first(values: NDArray[Any]) -> bytes:
    """The bytes of `values`, the lowest byte of each number first, as microcontrollers have it."""
    return values.astype(values.dtype.newbyteorder("<")).tobytes()


def host_compiler() -> str | None:
    """The path of a C compiler for this computer, None if there is none."""
    return next(filter(None, map(shutil.which, COMPILERS)), None)


def host_build(folder: Path, build: Path, options: Sequence[str] = ()) -> list[str]:
    """Compile the library in `folder` for this computer into the folder `build`. Returns the
    command that runs it. Raises AgreementNotMet if it does not compile."""
    compiler, program = host_compiler(), build / "check"
    sources = [*_sources(folder), folder / "host/main.c"]
    _compile([str(compiler), *OPTIONS, *options], folder, program, sources)
    return [str(program)]


def can_build_for_arm() -> bool:
    return bool(shutil.which(ARM_COMPILER) and shutil.which(ARM_SIZE))


def can_emulate_arm() -> bool:
    return can_build_for_arm() and shutil.which(EMULATOR) is not None


def arm_footprint(folder: Path, build: Path, board: Board = M3) -> Footprint:
    """The footprint of the library in `folder`, built for the processor of `board`."""
    program = build / "library.elf"
    specs = ("--specs=nano.specs", "--specs=nosys.specs")
    _arm_compile(folder, program, board, specs, "host/library.c")
    done = subprocess.run([ARM_SIZE, str(program)], capture_output=True, text=True, check=True)
    text, data, bss = map(int, done.stdout.splitlines()[1].split()[:3])
    return Footprint(flash=text + data, ram=data + bss)


def arm_build(folder: Path, build: Path, board: Board = M3) -> list[str]:
    """Compile the library in `folder` for the emulated `board`, as `host_build` does."""
    program = build / "qemu.elf"
    specs = ("-DSEMIHOSTING", "--specs=rdimon.specs")
    _arm_compile(folder, program, board, specs, "host/main.c")
    return [EMULATOR, "-M", board.machine, *SEMIHOSTING, "enable=on,target=native", "-kernel",
            str(program)]  # fmt: skip


def _arm_compile(
    folder: Path, program: Path, board: Board, specs: Sequence[str], main: str
) -> None:
    script = ["-T", str(folder / "host/board.ld")]
    command = [ARM_COMPILER, *OPTIONS, *board.flags.split(), *LINKING, *script, *specs]
    sources = [*_sources(folder), folder / main, folder / "host/startup.c"]
    _compile(command, folder, program, sources)


def _sources(folder: Path) -> list[Path]:
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*.c")]
    return [folder / name for name in names(files)]


def _compile(command: Sequence[str], folder: Path, program: Path, sources: Iterable[Path]) -> None:
    arguments = [*command, f"-I{folder / 'src'}", "-o", str(program), *map(str, sources), "-lm"]
    try:
        done = subprocess.run(
            arguments,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AgreementNotMet(
            f"microcontroller: {Path(command[0]).name} took more than {PATIENCE} seconds.",
            "Deploy again when this machine has less to do.",
        ) from None
    if done.returncode:
        raise AgreementNotMet(
            f"microcontroller: {Path(command[0]).name} cannot compile the C sources. "
            f"{' / '.join(done.stderr.splitlines()[:5])}",
            "This is a fault in the sources that were written: report it with this message.",
        )


def run_samples(command: Sequence[str], samples: bytes, folder: Path) -> NDArray[np.float32]:
    """What the library that `command` starts finds for samples.bin `samples`, written to `folder`:
    [samples, outputs]. Raises AgreementNotMet if it fails or takes too long."""
    (folder / "samples.bin").write_bytes(samples)
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise _failed(command, f"took more than {PATIENCE} seconds") from None
    *lines, last = done.stdout.splitlines() or [""]
    count, _ = struct.unpack("<if", samples[:8])
    if len(lines) != count or not last.endswith(tuple("0123456789")):
        raise _failed(command, f"ended with code {done.returncode}: {last[:200]}")
    return np.array([[float(text) for text in line.split()] for line in lines], np.float32)


def _failed(command: Sequence[str], how: str) -> AgreementNotMet:
    return AgreementNotMet(
        f"microcontroller: the compiled network in {Path(command[0]).name} {how}.",
        "Report this with the package; deploy for device_sdk meanwhile.",
    )
