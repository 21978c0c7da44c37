"""The C library's sources that a package carries for programs without Python."""

from importlib.metadata import version
from pathlib import Path

from stages.deploy.content import Content
from stages.runtime import native

HOME = Path(native.__path__[0])
FOLDER = "native"
# Of the C library, what a package carries: not the classes in other languages, nor what the target
# executable compiles into its program.
PARTS = ("CMakeLists.txt", "cmake/*.cmake", "engines/*.[ch]", "include/*.h", "src/*.[ch]")
PROGRAMS = ("programs/aiwf_predict.c", "programs/fuzz.c")
ELSEWHERE = {"engines/compiled.c"}


def native_sources(content: Content) -> dict[str, bytes]:
    """The sources by their paths in the package; none if the C library cannot run it."""
    if not runs(content):
        return {}
    found = {path for part in (*PARTS, *PROGRAMS) for path in HOME.glob(part)}
    names = sorted({path.relative_to(HOME).as_posix() for path in found} - ELSEWHERE)
    return {f"{FOLDER}/{name}": (HOME / name).read_bytes() for name in names}


def runs(content: Content) -> bool:
    """Whether the C library has a plug-in for the package's engine, and the package is no chain of
    networks, which only Python runs."""
    plugin = HOME / "engines" / f"{content.backend}.c"
    return plugin.is_file() and "classify" not in content.description


def native_readme(content: Content) -> str:
    """The README's section on the C library; empty without one."""
    if not runs(content):
        return ""
    return f"""
## As a C library

`{FOLDER}/` is the same package runtime in C99, for programs without Python: `include/aiwf.h` opens
this folder, answers files, bytes, pixels or samples, and checks itself with the golden samples.
Build it outside of this folder. It needs CMake, a C compiler, and the development files of
libjpeg-turbo, libpng and libsndfile (on Debian and Ubuntu: libjpeg-dev libpng-dev
libsndfile1-dev; `-DAIWF_PICTURES=OFF` and `-DAIWF_SOUNDS=OFF` do without them).

    cmake -S {FOLDER} -B /tmp/build{_options(content.backend)} && cmake --build /tmp/build
{_engine(content.backend)}
    /tmp/build/aiwf_predict --selftest .
    /tmp/build/aiwf_predict . {content.modality.example[0]}

`{FOLDER}/cmake/aarch64-linux-gnu.cmake` is a toolchain for arm64 boards. The library reads pictures
from JPEG and PNG, sounds from WAV, FLAC, OGG and MP3; other formats only the Python code reads.
"""


def _options(backend: str) -> str:
    """What CMake is told for an engine that is linked into its plug-in."""
    if backend == "onnxruntime":
        return ""
    return f" -DAIWF_{backend.upper()}=/path -DAIWF_ONNXRUNTIME=OFF"


def _engine(backend: str) -> str:
    """The commands that bring the engine's own library beside the plug-in, in the version that the
    package was tested with."""
    if backend == "onnxruntime":
        return (
            f"    pip download --no-deps {backend}=={version(backend)}\n"
            "    # a wheel, which is a zip file: of it onnxruntime/capi/libonnxruntime.so.*\n"
            "    # belongs beside the plug-in in /tmp/build"
        )
    return (
        f"    # /path: the unpacked source of {backend}, or where it is installed;\n"
        f"    # {FOLDER}/cmake/{backend}.cmake says where to get it, and how to build it only once"
    )
