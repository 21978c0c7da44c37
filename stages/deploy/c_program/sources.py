"""The sources of a program that answers: the C library, the network as C, and what the library
reads of a package."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages import runtime
from stages.deploy.c_source.graph import read_graph
from stages.deploy.c_source.lowering import lowered
from stages.deploy.c_source.writer import model_source
from stages.deploy.content import Content, spelled
from stages.runtime.errors import ConfigError
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN

NATIVE = Path(runtime.__path__[0]) / "native"
RIFF = b"RIFF"  # how a WAV begins
NETWORK_FILE = "network.sha256"
MOST_WEIGHTS = 8_000_000  # bytes: more takes a compiler minutes and gigabytes
# Of the C library, what decodes samples or stands in a decoder's place.
DECODERS = {"decode_jpeg.c", "decode_png.c", "decode_sound.c", "no_pictures.c", "no_sounds.c"}


class NetworkSource(NamedTuple):
    """The network as C: `files` by name, and their `digest`, by which a package and a program that
    was compiled know each other. `weight_bytes` and `multiplications` of one window."""

    files: Mapping[str, bytes]
    digest: str
    weight_bytes: int
    multiplications: int


def network_source(content: Content) -> NetworkSource:
    """The network of `content` as C. Raises ConfigError, naming what cannot be written."""
    description = content.description
    if description["answers"] != "labels":
        raise ConfigError(
            f"Answers of the kind {description['answers']} are not compiled into a program.",
            "This target takes classification; name device_sdk in deploy.targets for others.",
        )
    graph = read_graph(content.network, description["input_shape"])
    title = f"{len(description['labels'])} labels"
    source = model_source(lowered(graph), description["labels"], title, MOST_WEIGHTS)
    digest = hashlib.sha256()
    for name in sorted(source.files):
        digest.update(source.files[name])
    header = f'#define NETWORK_DIGEST "{digest.hexdigest()}"\n'.encode()
    files = {**source.files, "network.h": header}
    return NetworkSource(files, digest.hexdigest(), source.weight_bytes, source.multiplications)


def library_files(
    network: NetworkSource, modality: str, pictures: Sequence[str]
) -> dict[str, bytes]:
    """The C library's sources and headers, the compiled engine and its `network`, by their paths.
    Sounds are read from WAV. `pictures`: the library's files that decode pictures, or
    no_pictures.c, with which a caller brings pixels."""
    folders = (NATIVE / "include", NATIVE / "src")
    paths = [path for folder in folders for path in sorted(folder.glob("*.[ch]"))]
    chosen = {*pictures, "no_sounds.c"} if modality == "pictures" else {"no_pictures.c"}
    paths = [path for path in paths if path.name not in DECODERS - chosen]
    paths.append(NATIVE / "engines/compiled.c")
    found = {path.relative_to(NATIVE).as_posix(): path.read_bytes() for path in paths}
    if modality == "sounds":
        found["src/decode_wav.c"] = (NATIVE / "programs/decode_wav.c").read_bytes()
    return found | {f"network/{name}": data for name, data in network.files.items()}


def golden_cases(folder: Path, modality: str) -> dict[str, Any]:
    """The golden answers in `folder`, of the samples that a program can decode by itself."""
    recorded: dict[str, Any] = json.loads((folder / GOLDEN).read_text("utf-8"))
    if modality == "sounds":
        cases = [
            case for case in recorded["cases"] if (folder / case["file"]).read_bytes()[:4] == RIFF
        ]
        return {**recorded, "cases": cases}
    return recorded


def package_files(description: Mapping[str, Any], digest: str, folder: Path) -> dict[str, bytes]:
    """What the C library reads of the package in `folder`, sealed: description, golden samples and
    answers, and in place of the network the `digest` of the one that is compiled."""
    described = {**description, "backend": "compiled", "format": "c", "model": NETWORK_FILE}
    recorded = golden_cases(folder, description["modality"])
    files = {
        "package.json": spelled(described),
        NETWORK_FILE: digest.encode(),
        GOLDEN: spelled(recorded),
        **{case["file"]: (folder / case["file"]).read_bytes() for case in recorded["cases"]},
    }
    return {**files, SEAL: seal(files)}
