"""Gives every name that a C library shows to a linker, or to who includes its headers, the prefix
of its package, so that two libraries link into one firmware."""

import re
from collections.abc import Mapping

NAMES = re.compile(
    r'"(?:\\.|[^"\\\n])*"'  # texts, as labels, stay
    r"|\b(?:model_(?:input|run|labels)|classify_(?:picture|sound)|steps_after|[a-z]\w*_(?:f32|u8)"
    r"|(?:MODEL|STEPS|NN)_[A-Z_]+)\b"
)
SUFFIXES = (".c", ".h", ".ino")


def prefixed(files: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    """`files`, in whose C sources the library's names begin with `prefix`, an identifier: functions
    and arrays as it is, macros in capitals."""

    def renamed(found: re.Match[str]) -> str:
        name = found.group()
        if name.startswith('"'):
            return name
        return f"{prefix.upper() if name.isupper() else prefix}_{name}"

    def text_of(name: str, data: bytes) -> bytes:
        return NAMES.sub(renamed, data.decode()).encode() if name.endswith(SUFFIXES) else data

    return {name: text_of(name, data) for name, data in files.items()}
