"""The folder of a network as a C library: sources, a program that tests them on a computer or an
emulated board, and the layout of an Arduino library."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stages.deploy.c_source.graph import Graph, read_graph
from stages.deploy.c_source.lowering import lowered
from stages.deploy.c_source.prefix import prefixed
from stages.deploy.c_source.steps import steps_source
from stages.deploy.c_source.writer import ModelSource, filled, model_source
from stages.runtime.errors import ConfigError
from stages.runtime.neutral import line


class Board(NamedTuple):
    """A board that qemu emulates: its name there, its processor and the compiler's options."""

    machine: str
    processor: str
    flags: str


MOST_WEIGHTS = 4_000_000  # bytes; the largest microcontrollers have flash for as much
MOST_NAME = 63  # characters, as Arduino's library specification allows

M3 = Board("mps2-an385", "Cortex-M3", "-mcpu=cortex-m3 -mthumb")
M7 = Board("mps2-an500", "Cortex-M7", "-mcpu=cortex-m7 -mthumb -mfpu=fpv5-sp-d16 -mfloat-abi=hard")


class Library(NamedTuple):
    """`files` by their paths in the library's folder; `graph` and `source` of the network."""

    files: Mapping[str, bytes]
    graph: Graph
    source: ModelSource


def c_library(
    description: Mapping[str, Any], network: Mapping[str, bytes], board: Board = M3
) -> Library:
    """The C library of a package with this package.json and the network's files.

    Raises ConfigError, naming what cannot be written as C."""
    if description["answers"] != "labels":
        raise ConfigError(
            f"microcontroller: answers of the kind {description['answers']} are not written as C.",
            "This target takes classification; name device_sdk in deploy.targets for others.",
        )
    title = f"{_comment(description['name'])}: {len(description['labels'])} labels, C99"
    graph = read_graph(network, description["input_shape"])
    steps = steps_source(description, title)
    source = model_source(lowered(graph), description["labels"], title, MOST_WEIGHTS)
    facts = {
        **steps.facts,
        "cpu": board.processor,
        "cpu_flags": board.flags,
        "board": board.machine,
        "library": _arduino_name(description["name"]),
        "header": f"{_arduino_name(description['name'])}_library.h",
        "sentence": f"Answers {len(description['labels'])} labels of a "
        f"{line(description['noun'])}.",
    }
    files = {f"src/{name}": data for name, data in {**source.files, **steps.files}.items()}
    for name in ("main.c", "library.c", "startup.c", "board.ld"):
        files[f"host/{name}"] = filled(name, facts)
    for name in ("Makefile", "library.properties"):
        files[name] = filled(name, facts)
    example = f"examples/{facts['library']}/{facts['library']}.ino"
    files[example] = filled("example.ino", facts)
    files[f"src/{facts['header']}"] = f'#include "steps.h" /* {title} */\n'.encode()
    return Library(prefixed(files, prefix_of(description["name"])), graph, source)


def prefix_of(name: str) -> str:
    """What the names of the C library of the package `name` begin with."""
    return _arduino_name(name).lower()


def _comment(text: str) -> str:
    """`text` for a comment of C or make: in one line, without what ends it or goes on in the next
    line."""
    return re.sub(r"[*/\\?]", "_", line(text))


def _arduino_name(text: str) -> str:
    """`text` as the name of an Arduino library and sketch: ASCII letters, digits and _, a letter
    first, 63 characters at most."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)[:MOST_NAME]
    return name if name[:1].isalpha() else f"model_{name}"[:MOST_NAME]


def names(files: Sequence[str]) -> list[str]:
    """The C sources of the library among its files' paths."""
    return sorted(name for name in files if name.startswith("src/") and name.endswith(".c"))
