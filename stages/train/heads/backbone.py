"""The frozen backbone of a family as an ONNX file: exported once, compared with Paddle, cached in
the store."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from stages.closure import code_of
from stages.memo import CachedContent
from stages.models.export import export_network
from stages.models.family import Family
from stages.resources import Resources
from stages.runtime.errors import Damaged
from stages.store import Store


class BackboneFile(NamedTuple):
    """An ONNX file, windows (N, ...) to (N, features), and its digest."""

    path: Path
    digest: str


def backbone_file(
    family: Family, store: Store, resources: Resources | None = None, split_point: int = 0
) -> BackboneFile:
    """The exported backbone of `family` with its weights; with a `split_point`, its frozen stem
    alone.

    Raises what `export_network` and `Family.load` raise."""
    key = ["backbone", family.name, family.frozen, family.digests, split_point]
    code = code_of("stages.models.export", "stages.models.family", config=[family.name])

    def make() -> CachedContent:
        digest = _export(family, store, resources, split_point)
        return CachedContent({"family": family.name, "onnx": digest}, blobs=(digest,))

    digest = store.memo(key, code, make).facts["onnx"]
    try:
        return BackboneFile(store.path(digest, ".onnx"), digest)
    except Damaged:  # its blob was lost
        store.memo.remove(key, code)
        digest = store.memo(key, code, make).facts["onnx"]
        return BackboneFile(store.path(digest, ".onnx"), digest)


def _export(family: Family, store: Store, resources: Resources | None, split_point: int) -> str:
    arrays = {f"backbone.{name}": array for name, array in family.load(resources).items()}
    with TemporaryDirectory() as folder:
        files = export_network(family.name, arrays, Path(folder), ("onnx",), split_point)
        return store.add_file(files["graph.onnx"])
