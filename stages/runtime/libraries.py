"""The least versions of the libraries that the runtime works with, and their check.

The versions are those of Debian 12, the first ONNX Runtime with wheels for its Python, and the
first OpenCV that takes batches of any size; of the other engines, the one that was tried. The
versions that a package was tested with are in its
requirements.txt."""

import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from .errors import BackendMissing

PYTHON = "3.11"
LEAST = {
    "numpy": "1.24.2",
    "pillow": "9.4.0",
    "soundfile": "0.11.0",
    "onnxruntime": "1.15.0",
    "opencv-python-headless": "5.0.0.93",
    "openvino": "2026.4.1",
    "ncnn": "1.0.20261020",
    "MNN": "3.6.1",
    "ai-edge-litert": "2.3.0",
    "paddlepaddle": "3.3.1",
    "setuptools": "65.5.0",
}


def installed(library: str) -> str | None:
    """The installed version of `library` (as pip calls it); None if pip has no record of it."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def named(library: str) -> str:
    """`library` with its version and that of Python: pillow 9.4.0 on Python 3.11.7."""
    return f"{library} {installed(library) or '(of unknown version)'} on Python {_python()}"


def at_least(library: str) -> str:
    """The requirement to give to pip, as 'pillow>=9.4.0'."""
    return f"{library}>={LEAST[library]}" if library in LEAST else library


def check_libraries(requires: Mapping[str, str]) -> None:
    """Raise BackendMissing if Python or a library is older than `requires` (name: least version).

    A library of which pip has no record is skipped: the module that imports it reports that it is
    missing."""
    for name, least in requires.items():
        found = _python() if name == "python" else installed(name)
        if found is not None and _parts(found) < _parts(least):
            raise BackendMissing(
                f"{name} {found} is installed, and the package needs {least} or newer.",
                "Install a newer Python."
                if name == "python"
                else f"Run: pip install --upgrade '{name}>={least}'",
            )


def _python() -> str:
    return ".".join(str(part) for part in sys.version_info[:3])


def _parts(text: str) -> tuple[int, ...]:
    """The numbers of a version: 1.24.2rc1 as (1, 24, 2)."""
    numbers = []
    for part in text.split(".")[:3]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers + [0] * (3 - len(numbers)))
