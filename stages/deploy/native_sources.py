"""The C library's sources that a package carries for programs without Python."""

from pathlib import Path

from stages.deploy.content import Content
from stages.runtime import native

HOME = Path(native.__path__[0])
FOLDER = "native"
SUFFIXES = (".c", ".cpp", ".h", ".txt", ".cmake")


def native_sources(content: Content) -> dict[str, bytes]:
    """The sources by their paths in the package; none if the C library has no plug-in for the
    package's engine."""
    if not has_plugin(content.backend):
        return {}
    found = sorted(path for path in HOME.rglob("*") if path.suffix in SUFFIXES)
    return {f"{FOLDER}/{path.relative_to(HOME).as_posix()}": path.read_bytes() for path in found}


def has_plugin(backend: str) -> bool:
    """Whether the C library has a plug-in for the engine of `backend`."""
    return any((HOME / "engines" / f"{backend}{suffix}").is_file() for suffix in (".c", ".cpp"))


def native_readme(content: Content) -> str:
    """The README's section on the C library; empty without one."""
    if not has_plugin(content.backend):
        return ""
    return f"""
## As a C library

`{FOLDER}/` is the same package runtime in C99, for programs without Python: `include/aiwf.h` opens
this folder, answers files, bytes, pixels or samples, and checks itself with the golden samples.
Build it outside of this folder. It needs CMake, a C compiler, and the development files of
libjpeg-turbo, libpng and libsndfile (on Debian and Ubuntu: libjpeg-dev libpng-dev
libsndfile1-dev; `-DAIWF_PICTURES=OFF` and `-DAIWF_SOUNDS=OFF` do without them).

    cmake -S {FOLDER} -B /tmp/build && cmake --build /tmp/build
{_engine(content.backend)}
    /tmp/build/aiwf_predict --selftest .
    /tmp/build/aiwf_predict . {content.modality.example[0]}

`{FOLDER}/cmake/aarch64-linux-gnu.cmake` is a toolchain for arm64 boards. The library reads pictures
from JPEG and PNG, sounds from WAV, FLAC, OGG and MP3; other formats only the Python code reads.
"""


def _engine(backend: str) -> str:
    """The commands that bring the engine's own library beside the plug-in."""
    if backend == "onnxruntime":
        return (
            "    pip download --no-deps onnxruntime  # a wheel, which is a zip file: of it\n"
            "    # onnxruntime/capi/libonnxruntime.so.* belongs beside the plug-in in /tmp/build"
        )
    option = f"-DAIWF_{backend.upper()}=/path"
    return (
        f"    # with {option} for its source: {FOLDER}/cmake/{backend}.cmake says more; it\n"
        "    # was compiled, but never run: the selftest says whether that plug-in works"
    )
