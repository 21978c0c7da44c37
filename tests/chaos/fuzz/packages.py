"""Hostile packages: damaged, or changed and sealed again, as folders and as zips."""

import io
import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.deploy.packed import write_folder
from stages.evaluate.packaged import opened_package
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, selftest
from tests import makers
from tests.chaos.fuzz.folders import Files
from tests.chaos.fuzz.mutations import STRINGS, Generator, changed_bytes, changed_json, pick
from tests.runtime import conftest, networks, painting

SAMPLES = {
    "colours": painting.saved(painting.plain((0, 0, 255))),
    "spots": networks.scene(("red", (0, 0, 16, 16))),
    "tones": networks.tune(500),
}


def package(rng: Generator) -> Files:
    """A package with one changed file: usually package.json, and usually sealed again."""
    files = dict(pick(rng, _whole()))
    name = pick(rng, ("package.json", "package.json", "package.json", GOLDEN, SEAL, *sorted(files)))
    if name.endswith(".json"):
        files[name] = changed_json(files[name], rng)
    else:
        files[name] = changed_bytes(files[name], rng)
    if rng.random() < 0.1:
        files[pick(rng, ("numpy.py", "x.PY", "x.so.1", "a/b/c.pyc", "note.txt"))] = b"x"
    # Whoever seals again can put in any code, so changed code is only tested without a new seal.
    if name.endswith(".json") and rng.random() < 0.8:
        files[SEAL] = seal({name: data for name, data in files.items() if name != SEAL})
    return files


def open_and_predict(files: Files) -> None:
    """Open a package and predict, as its user does."""
    with TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name) / "package"
        write_folder(folder, files)
        _predict(folder)


def packed(rng: Generator) -> bytes:
    """A package as a zip, changed inside or outside."""
    files = package(rng) if rng.random() < 0.5 else dict(pick(rng, _whole()))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
        if rng.random() < 0.2:
            name = pick(rng, STRINGS).replace("\0", "")[:300].encode("utf-8", "replace")
            opened.writestr(name.decode() or "..", b"x")
    return changed_bytes(out.getvalue(), rng) if rng.random() < 0.8 else out.getvalue()


def unpack_and_predict(data: bytes) -> None:
    """Open a package's zip and predict, as `aiwf predict` does."""
    with TemporaryDirectory(prefix="fuzz-") as name:
        path = Path(name) / "package.zip"
        path.write_bytes(data)
        with opened_package(str(path), makers.store(Path(name))) as folder:
            _predict(folder)


def _predict(folder: Path) -> None:
    with Predictor.open(folder) as predictor:
        predictor.predict(SAMPLES.get(predictor.description["name"], SAMPLES["colours"]))
    selftest(folder)


@cache
def _whole() -> tuple[Files, ...]:
    kinds = (
        (conftest.DESCRIPTION, conftest.colour_network()),
        (networks.SPOTS, networks.spots_network()),
        (networks.TONES, networks.tones_network()),
    )
    with TemporaryDirectory(prefix="fuzz-") as name:
        return tuple(conftest.whole(*kind, Path(name)) for kind in kinds)


def colours() -> Files:
    """The unchanged package for pictures."""
    return _whole()[0]
