"""What detectors are taught and judged with: decoded pictures with their boxes, changed anew each
time they are shown."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset
from stages.etl.augment import boxes_of, changes_of
from stages.etl.augmentations import Boxes, Scene
from stages.etl.manifest import Sample, samples_of
from stages.runtime import steps as runtime
from stages.runtime.errors import DataError
from stages.store import Store
from stages.train.cost.detection_budget import SPARE

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scenes:
    """`taught`: the train split, shrunk; `held`: the files of the validation split, for all steps
    to go through, and `truth` their boxes in pixels. `digests` name both, taught ones first."""

    dataset: Dataset
    taught: tuple[Scene, ...]
    held: tuple[bytes, ...]
    truth: tuple[Boxes, ...]
    digests: tuple[str, ...]

    @property
    def held_digests(self) -> tuple[str, ...]:
        return self.digests[len(self.taught) :]

    @property
    def nbytes(self) -> int:
        return sum(one.picture.nbytes for one in self.taught) + sum(map(len, self.held))

    def shown(self, place: int, view: int, size: int) -> Scene:
        """View `view` of a taught scene at `size` by `size` pixels: equal for equal arguments."""
        rng = np.random.default_rng([self.dataset.seed, int(self.digests[place], 16), view])
        scene = self._changed(place, rng)
        for change in changes_of(self.dataset, "batch"):
            partners = rng.integers(0, len(self.taught), change.partners).tolist()
            scene = change(scene, [self._changed(one, rng) for one in partners], rng)
        return _sized(scene, size)

    def plain(self, place: int, size: int) -> Scene:
        """A taught scene as it is, at `size` by `size` pixels."""
        return _sized(self.taught[place], size)

    def _changed(self, place: int, rng: np.random.Generator) -> Scene:
        scene = self.taught[place]
        for change in changes_of(self.dataset, "decode_picture"):
            scene = change(scene, rng)
        return scene


def scenes_of(dataset: Dataset, store: Store, largest: int, threads: int) -> Scenes:
    """The scenes of `dataset` for networks that see `largest` pixels or less.

    Raises DataError if there is nothing to teach or to judge with, or no box to be taught."""
    samples = samples_of(dataset, store)
    taught = [one for one in samples if one.split == "train"]
    held = [one for one in samples if one.split == "validation"]
    _check(taught, held)
    labels = dataset.labels
    with ThreadPoolExecutor(threads) as pool:
        scenes = pool.map(lambda one: _kept(one, store, labels, round(SPARE * largest)), taught)
        return Scenes(
            dataset,
            tuple(scenes),
            tuple(store.get(one.digest) for one in held),
            tuple(boxes_of(one.boxes, labels) for one in held),
            tuple(one.digest for one in (*taught, *held)),
        )


def _check(taught: Sequence[Sample], held: Sequence[Sample]) -> None:
    empty = [name for name, part in (("train", taught), ("validation", held)) if not part]
    if empty:
        raise DataError(
            f"The dataset has no samples in {' and '.join(empty)}.",
            "Add photos, or change etl.splits.",
        )
    if not any(one.boxes for one in taught):
        raise DataError(
            f"None of the {len(taught)} photos of the train split has a box.",
            "Add photos with boxes, or change etl.splits or etl.seed.",
        )


def _kept(sample: Sample, store: Store, labels: Sequence[str], side: int) -> Scene:
    decode = [{"step": "decode_picture"}]
    picture = runtime.run(decode, store.get(sample.digest))
    height, width = picture.shape[:2]
    factor = min(1.0, side / max(height, width))
    wanted = (max(1, round(height * factor)), max(1, round(width * factor)))
    return _resized(Scene(picture, boxes_of(sample.boxes, labels)), wanted)


def _sized(scene: Scene, size: int) -> Scene:
    return _resized(scene, (size, size))


def _resized(scene: Scene, wanted: tuple[int, int]) -> Scene:
    """`scene` at `wanted` (height, width), by the step that the network's input comes from."""
    height, width = scene.picture.shape[:2]
    step: list[dict[str, Any]] = [{"step": "resize", "args": {"size": list(wanted)}}]
    picture = runtime.run(step, scene.picture)
    boxes = scene.boxes.copy()
    boxes[:, :4] *= np.tile(np.array([wanted[1] / width, wanted[0] / height], np.float32), 2)
    return Scene(np.asarray(picture), boxes)
