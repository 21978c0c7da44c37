"""Compiles a package into one static program, and runs that on samples."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.deploy.c_program.sources import NATIVE, NetworkSource, library_files
from stages.deploy.c_source.builds import host_compiler
from stages.deploy.packed import write_folder
from stages.runtime.errors import AgreementNotMet, ConfigError

DECODERS = ("decode_jpeg.c", "decode_png.c")
LIBRARIES = {"pictures": ("-ljpeg", "-lpng", "-lz"), "sounds": ()}
OPTIONS = ("-std=c99", "-O3", "-ffp-contract=off", "-w", "-DAIWF_WITH_COMPILED")
LINKING = ("-static", "-s", "-Wl,--gc-sections", "-Wl,--build-id=none")
PATIENCE = 900  # seconds
# Functions of the library that are compiled under another name, since `embedded.c` has their place.
ON_DISK = (
    "-Daiwf_file_read=file_read_from_disk",  # their names by native/src/names.h
    "-Daiwf_file_digest=file_digest_from_disk",
)
PREDICT = ("-Dmain=predict_main",)
TABLE = """#include "embedded.h"
{externs}
const struct embedded_file embedded_files[] = {{
{rows}
}};
const int embedded_count = {count};
"""


def built_program(network: NetworkSource, files: Mapping[str, bytes], modality: str) -> bytes:
    """A static program for this kind of computer with the `network` and the package's `files`
    inside, which takes samples of `modality`. Equal input and compiler give equal bytes.

    Raises ConfigError without a compiler and the static libraries of the decoders."""
    compiler = host_compiler()
    if compiler is None:
        raise ConfigError("executable: there is no C compiler here.", "Run: apt install gcc")
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_sources(folder, network, files, modality)
        includes = [f"-I{part}" for part in ("include", "src", "network", "programs")]
        common = [compiler, *OPTIONS, *includes]
        for source, options in (("src/files", ON_DISK), ("programs/aiwf_predict", PREDICT)):
            _run([*common, *options, "-c", f"{source}.c", "-o", f"{source}.o"], folder)
            (folder / f"{source}.c").unlink()
        sources = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.[cSo]"))
        libraries = [*LIBRARIES[modality], "-lm", "-lpthread"]
        _run([*common, *LINKING, *sources, "-o", "program", *libraries], folder)
        return (folder / "program").read_bytes()


def write_sources(
    folder: Path, network: NetworkSource, files: Mapping[str, bytes], modality: str
) -> None:
    """Write what the program is compiled from into `folder`."""
    programs = ("aiwf_predict.c", "embedded.c", "embedded.h", "executable.c")
    write_folder(
        folder,
        {
            **library_files(network, modality, DECODERS),
            **{f"programs/{name}": (NATIVE / "programs" / name).read_bytes() for name in programs},
            **{f"inside/{place}": data for place, data in enumerate(files.values())},
            "inside.S": _assembly(len(files)),
            "programs/table.c": _table(list(files)),
        },
    )


def _assembly(count: int) -> bytes:
    """The content of the files, between symbols, as the assembler reads it."""
    lines = [".section .rodata", ".balign 16"]
    for place in range(count):
        begin, end = f"inside_{place}", f"inside_{place}_end"
        lines += [f".global {begin}, {end}", f"{begin}:", f'.incbin "inside/{place}"', f"{end}:"]
    lines += [".byte 0", '.section .note.GNU-stack,"",%progbits', ""]
    return "\n".join(lines).encode()


def _table(names: Sequence[str]) -> bytes:
    externs = "\n".join(
        f"extern const uint8_t inside_{place}[], inside_{place}_end[];"
        for place in range(len(names))
    )
    rows = "\n".join(
        f"    {{{json.dumps(name)}, inside_{place}, inside_{place}_end}},"
        for place, name in enumerate(names)
    )
    return TABLE.format(externs=externs, rows=rows, count=len(names)).encode()


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise AgreementNotMet(
            f"executable: the compiler took more than {PATIENCE} seconds.",
            "Deploy again when this machine has less to do, or choose a smaller family.",
        ) from None
    if done.returncode:
        raise ConfigError(
            f"executable: the program cannot be compiled: {done.stderr.strip()[:600]}",
            "Install a C compiler with libjpeg-turbo, libpng and zlib as static libraries "
            "(apt install gcc libjpeg62-turbo-dev libpng-dev zlib1g-dev).",
        )


def program_answers(program: Path, samples: Sequence[Path]) -> list[dict[str, Any]]:
    """What `program` answers to `samples`, with all labels. Raises AgreementNotMet if it fails."""
    command = [str(program), "--top", "0", *map(str, samples)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) != len(samples):
        raise AgreementNotMet(
            f"The program ended with code {done.returncode}: {done.stderr[-300:]}{lines[-1:]}",
            "This is a fault in the program: report it with this message.",
        )
    return [json.loads(line) for line in lines]
