"""What this machine lacks to compile programs and libraries of packages."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from stages.deploy.c_program.aar import java_home
from stages.deploy.c_source.builds import host_compiler

INCLUDES = (Path("/usr/include"), Path("/usr/local/include"))
HEADERS = ("jpeglib.h", "png.h", "zlib.h")


def missing_headers(names: Sequence[str]) -> list[str]:
    """Those of `names` that no folder of headers has."""
    return [name for name in names if not any((at / name).is_file() for at in INCLUDES)]


def cannot_compile() -> str:
    """Why no program with decoders of pictures can be compiled here; empty if one can."""
    lacking = [] if host_compiler() else ["a C compiler"]
    lacking += missing_headers(HEADERS)
    return f"needs {', '.join(lacking)}" if lacking else ""


def cannot_compile_for_java() -> str:
    """Why no library for Java can be compiled here; empty if one can."""
    lacking = [] if java_home() else ["a JDK"]
    lacking += [] if shutil.which("cmake") else ["cmake"]
    reasons = [*filter(None, [cannot_compile()]), *(f"needs {what}" for what in lacking)]
    return ", ".join(reasons)
