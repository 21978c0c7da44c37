"""How tests build the C library and run its program.

The plug-in for ncnn needs ncnn, which the environment lacks: AIWF_NCNN names its unpacked source
(some minutes of building, once with ccache) or where it is installed, AIWF_NCNN_ARM64 the same for
the emulated board. stages/runtime/native/cmake/ncnn.cmake says where to get it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

import pytest

from stages import runtime
from tests.compilers import missing_headers
from tests.emulation import CORTEX_A72

SOURCES = Path(runtime.__path__[0]) / "native"
TOOLS = ("cmake", "gcc")
CROSS = "aarch64-linux-gnu-gcc"
HEADERS = ("jpeglib.h", "png.h", "sndfile.h")
WARNINGS = "-Werror -Wconversion -Wno-sign-conversion"
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all -g -O1"


def _missing() -> list[str]:
    return [*(name for name in TOOLS if not shutil.which(name)), *missing_headers(HEADERS)]


needs_tools = pytest.mark.skipif(bool(_missing()), reason=f"not here: {', '.join(_missing())}")


class Built(NamedTuple):
    """A folder with the library, its plug-ins and programs. `through`: an emulator's command;
    `library`: that of ONNX Runtime, the installed one if None."""

    folder: Path
    through: tuple[str, ...] = ()
    library: Path | None = None

    def command(self, *arguments: str | Path) -> list[str]:
        """The command that runs aiwf_predict."""
        engine = ["--library", str(self.library or onnxruntime())]
        return [*self.through, str(self.folder / "aiwf_predict"), *engine, *map(str, arguments)]

    def run(self, *arguments: str | Path) -> Any:
        """The finished process of aiwf_predict."""
        command = self.command(*arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)

    def answers(self, package: Path, files: Iterable[Path], *options: str) -> list[dict[str, Any]]:
        """What the program prints as JSON for `files`, with all labels."""
        done = self.run("--json", "--top", "0", *options, package, *files)
        assert done.stdout, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@cache
def built(flags: str = "", *options: str) -> Built:
    """The library built with the compiler's `flags` and CMake's `options`."""
    return Built(build(Path(mkdtemp(prefix="aiwf-native-")), flags, options))


def build(folder: Path, flags: str, options: Sequence[str], sources: Path = SOURCES) -> Path:
    launchers = [f"-DCMAKE_{language}_COMPILER_LAUNCHER=ccache" for language in ("C", "CXX")]
    cached = launchers if shutil.which("ccache") else []
    compiler = [f"-DCMAKE_C_FLAGS={flags}"] if flags else []
    configure = ["cmake", "-S", sources, "-B", folder, *compiler]
    for command in (
        [*configure, *cached, *options],
        ["cmake", "--build", folder, "--parallel", "2"],
    ):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def plugin(backend: str, on_board: bool = False) -> tuple[str, ...]:
    """CMake's options that build the plug-in for `backend`. Skips without ncnn if it is that."""
    if backend != "ncnn":
        return ()
    variable = "AIWF_NCNN_ARM64" if on_board else "AIWF_NCNN"
    home = os.environ.get(variable)
    if not home:
        pytest.skip(f"needs {variable}, a folder with ncnn's source or where it is installed")
    return (f"-DAIWF_NCNN={Path(home).absolute()}", "-DAIWF_ONNXRUNTIME=OFF")


@cache
def arm64(*options: str) -> Built | None:
    """The library on an emulated Cortex-A72, built with CMake's `options`; None without
    AIWF_ARM64 (see tests/emulation.py), or without the cross compiler."""
    home = Path(os.environ.get("AIWF_ARM64", "/nowhere")).absolute()
    if not (home / "root/usr/include/jpeglib.h").is_file() or not shutil.which(CROSS):
        return None
    toolchain = SOURCES / "cmake" / "aarch64-linux-gnu.cmake"
    cross = (f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", f"-DAIWF_ARM64_ROOT={home / 'root'}")
    (engine,) = (home / "site/onnxruntime/capi").glob("libonnxruntime.so.*.*.*")
    through = (*CORTEX_A72, "-L", str(home / "root"))
    return Built(
        build(Path(mkdtemp(prefix="aiwf-arm64-")), "", (*cross, *options)), through, engine
    )


@cache
def onnxruntime() -> Path:
    """The shared library in the installed wheel."""
    spec = find_spec("onnxruntime")
    assert spec is not None
    assert spec.origin is not None
    (library,) = (Path(spec.origin).parent / "capi").glob("libonnxruntime.so.*.*.*")
    return library
