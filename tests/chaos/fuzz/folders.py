"""Hostile YAML, annotated folders, tables and zips: valid ones with random changes."""

import io
import stat
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from stages.config import parse_pipeline
from stages.etl.intake import take_in
from stages.etl.readers import read_folder
from tests import layouts, makers
from tests.chaos.fuzz.mutations import (
    STRINGS,
    Generator,
    changed_bytes,
    changed_json,
    changed_record,
    changed_text,
    pick,
)

Files = dict[str, bytes]

PIPELINE = """
name: fuzz
task: image_classification
schedule: "@daily"
data: {name: fuzz, revision: abc}
etl:
  splits: {train: 0.8, validation: 0.1, test: 0.1}
  views: 2
  augmentations: [{horizontal_flip: {chance: 0.5}}]
  max_quarantine: 0.1
train:
  budget_minutes: 5
  families: [efficientnet_lite0, squeezenet]
  searcher: optuna
  device: {latency_ms_p95: 20, size_mb: 5}
  search_space: {class_balance: [auto], learning_rate: {low: 0.001, high: 0.1}}
  finetune: {trials: 2, epochs: 3}
evaluate:
  gate: {accuracy: 0.9, "recall of cat": 0.8}
deploy:
  targets: [device_sdk, cloud_api]
  ladder: [int8, float16, float32]
  max_drop: 0.02
"""


def pipeline(rng: Generator) -> str:
    """A pipeline's YAML, changed as text or as a record."""
    if rng.random() < 0.6:
        return changed_text(PIPELINE, rng)
    changed = changed_record(yaml.safe_load(PIPELINE), rng)
    return yaml.safe_dump(changed, allow_unicode=True)


def parse(text: str) -> None:
    """Parse a pipeline, as every command does."""
    parse_pipeline(text, "fuzz.yaml")


def annotated(rng: Generator) -> Files:
    """A folder in a random layout with one to three changes to its files or their names."""
    files = dict(pick(rng, _layouts()))
    for _ in range(int(rng.integers(1, 4))):
        name = pick(rng, sorted(files))
        _change_file(files, name, rng)
    return files


def _change_file(files: Files, name: str, rng: Generator) -> None:
    match int(rng.integers(8)):
        case 0:
            del files[name]
            files.setdefault("left.txt", b"")
        case 1:
            renamed = pick(rng, STRINGS).replace("\0", "")[:200].strip("/.") or "x"
            files[f"{name.rpartition('/')[0]}/{renamed}".lstrip("/")] = files[name]
        case _ if name.endswith(".json"):
            files[name] = changed_json(files[name], rng)
        case _ if name.endswith((".txt", ".csv", ".xml", ".yaml")) and rng.random() < 0.7:
            text = changed_text(files[name].decode("utf-8", "replace"), rng)
            files[name] = text.encode("utf-8", "surrogatepass")
        case _:
            files[name] = changed_bytes(files[name], rng)


def read(files: Files) -> None:
    """Read a folder as `aiwf data add` does, except for DVC."""
    with TemporaryDirectory(prefix="fuzz-") as name:
        source, target = Path(name) / "source", Path(name) / "target"
        target.mkdir()
        put(source, files)
        read_folder(source)
        take_in(source, target)


def put(folder: Path, files: Files) -> None:
    """Write `files`, except those whose names the file system cannot store."""
    for name, data in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except (OSError, ValueError):
            continue


@cache
def _layouts() -> tuple[Files, ...]:
    found = [_files(write) for write in layouts.BOXED.values()]
    photos = {
        f"{label}/{k}.png": makers.picture(label, k) for label in makers.LABELS for k in (0, 1)
    }
    lines = "".join(
        f"{name},{name.partition('/')[0]},train,g{k}\n" for k, name in enumerate(photos)
    )
    table = {**photos, "labels.csv": f"file,label,split,group\n{lines}".encode()}
    return (*found, photos, table)


def _files(write: Callable[[Path], Path]) -> Files:
    with TemporaryDirectory(prefix="fuzz-") as name:
        folder = write(Path(name))
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


def archive(rng: Generator) -> bytes:
    """A zip of an annotated folder: with hostile members, changed bytes, or both."""
    files = annotated(rng) if rng.random() < 0.5 else dict(pick(rng, _layouts()))
    data = _zipped(files, rng)
    return changed_bytes(data, rng) if rng.random() < 0.7 else data


def _zipped(files: Files, rng: Generator) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name.encode("utf-8", "replace").decode() or "x", data)
        if rng.random() < 0.5:
            _add_hostile(opened, rng)
    return out.getvalue()


def _add_hostile(opened: zipfile.ZipFile, rng: Generator) -> None:
    match int(rng.integers(6)):
        case 0:
            opened.writestr(pick(rng, ("../out.png", "/etc/out", "a/../../b", "C:\\x", "..")), b"x")
        case 1:
            link = zipfile.ZipInfo("link")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            opened.writestr(link, "/etc/passwd")
        case 2:
            opened.writestr("bomb.png", _zeros())
        case 3:
            opened.writestr("a", b"x")
            opened.writestr("a/b.png", b"x")  # a file that is a folder, too
        case 4:
            opened.writestr("d" * 300 + ".png", b"x")
        case _:
            opened.writestr("/".join("d" * 200) + "/deep.png", b"x")


@cache
def _zeros() -> bytes:
    return bytes(120 * 2**20)


def take(data: bytes) -> None:
    """Read a zip as `aiwf data add` does, except for DVC."""
    with TemporaryDirectory(prefix="fuzz-") as name:
        path, target = Path(name) / "brought.zip", Path(name) / "target"
        target.mkdir()
        path.write_bytes(data)
        take_in(path, target)
