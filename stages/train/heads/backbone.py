"""Exports the backbone of a family, or its frozen stem, as an ONNX file, and caches it in the
store.

Feature passes, fine-tuning, detectors and the evaluation of models use it."""

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
    """An exported backbone: the `path` of the ONNX file, and the file's `digest`.

    It maps windows (N, ...), float32, to features (N, features); a frozen stem maps them to a
    feature map (N, channels, height, width). The backbone of a detector has several outputs, each a
    feature map; the first is that of its frozen stem."""

    path: Path
    digest: str


def backbone_file(
    family: Family,
    store: Store,
    resources: Resources | None = None,
    parts: int | None = None,
    feature_maps: bool = False,
) -> BackboneFile:
    """Export the backbone of `family` with its initial weights, unless it is in the cache of
    `store`; return the file. `parts`: export a frozen stem of so many of the backbone's parts
    (`models/backbone_split.py`) in place of the whole backbone; at least one. `feature_maps`: it
    gives the features of its inner maps, too. `resources`: where the weights are fetched from.

    The outputs are compared with Paddle's when it is exported. A cached file that was lost or
    damaged is exported again. Raises what `export_network` and `Family.load` raise."""
    # 0 is the whole backbone here, as in `export_network`; a stem without parts is no network
    key = ["backbone", family.name, family.frozen, family.digests, parts or 0, feature_maps]
    code = code_of("stages.models.export", "stages.models.family", config=[family.name])

    def make() -> CachedContent:
        digest = _export(family, store, resources, parts or 0, feature_maps)
        return CachedContent({"family": family.name, "onnx": digest}, blobs=(digest,))

    def find() -> BackboneFile:
        digest = store.memo(key, code, make).facts["onnx"]
        return BackboneFile(store.path(digest, ".onnx"), digest)

    try:
        return find()
    except Damaged:  # its blob was lost
        store.memo.remove(key, code)
        return find()


def _export(
    family: Family, store: Store, resources: Resources | None, parts: int, feature_maps: bool
) -> str:
    """Export the backbone into `store`; return the file's digest."""
    arrays = {f"backbone.{name}": array for name, array in family.load(resources).items()}
    with TemporaryDirectory() as folder:
        files = export_network(family.name, arrays, Path(folder), ("onnx",), parts, feature_maps)
        return store.add_file(files["graph.onnx"])
