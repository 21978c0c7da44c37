"""Holds the data of detectors: decoded pictures with their boxes, which are augmented anew each
time they are trained on."""

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
from stages.media.levels import decode_arguments
from stages.runtime import steps as runtime
from stages.runtime.errors import DataError
from stages.store import Store
from stages.train.cost.detection_budget import ZOOM_MARGIN

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scenes:
    """`training`: the pictures and boxes of the train split, shrunk; `validation`: the files of the
    validation split, which go through all steps before the network; `truth`: their boxes, each
    [boxes, 5]: left, top, right, bottom in pixels, and label index; `digests`: of the samples of
    both, training ones first."""

    dataset: Dataset
    training: tuple[Scene, ...]
    validation: tuple[bytes, ...]
    truth: tuple[Boxes, ...]
    digests: tuple[str, ...]

    @property
    def validation_digests(self) -> tuple[str, ...]:
        """The digests of the validation samples, in their order."""
        return self.digests[len(self.training) :]

    @property
    def nbytes(self) -> int:
        """Bytes of the training pictures and of the files for validation."""
        return sum(scene.picture.nbytes for scene in self.training) + sum(map(len, self.validation))

    def augmented(self, index: int, view: int, size: int, progress: float = 0.0) -> Scene:
        """View `view` of training scene number `index`, with the dataset's augmentations, at `size`
        by `size` pixels: equal for equal arguments. `progress`: the share of the training that is
        done; mosaics may end before it is 1."""
        rng = np.random.default_rng([self.dataset.seed, int(self.digests[index], 16), view])
        scene = self._with_own_augmentations(index, rng)
        for change in changes_of(self.dataset, "batch"):
            if progress >= change.until < 1:
                continue
            partners = rng.integers(0, len(self.training), change.partners).tolist()
            scene = change(
                scene, [self._with_own_augmentations(partner, rng) for partner in partners], rng
            )
        return _sized(scene, size)

    def plain(self, index: int, size: int) -> Scene:
        """Training scene number `index` without augmentation, at `size` by `size` pixels."""
        return _sized(self.training[index], size)

    def _with_own_augmentations(self, index: int, rng: np.random.Generator) -> Scene:
        scene = self.training[index]
        for change in changes_of(self.dataset, "decode_picture"):
            scene = change(scene, rng)
        return scene


def scenes_of(dataset: Dataset, store: Store, largest: int, threads: int) -> Scenes:
    """Decode the scenes of `dataset`, in `threads` threads, for networks whose input has at most
    `largest` pixels a side.

    Raises DataError if a split is empty, or no training picture has a box."""
    samples = samples_of(dataset, store)
    training = [sample for sample in samples if sample.split == "train"]
    validation = [sample for sample in samples if sample.split == "validation"]
    _check(training, validation)
    labels, side = dataset.labels, round(ZOOM_MARGIN * largest)
    decode = [{"step": "decode_picture", "args": decode_arguments(dataset.facts)}]
    with ThreadPoolExecutor(threads) as pool:
        scenes = pool.map(
            lambda sample: _shrunk(
                runtime.run(decode, store.get(sample.digest)), boxes_of(sample.boxes, labels), side
            ),
            training,
        )
        return Scenes(
            dataset=dataset,
            training=tuple(scenes),
            validation=tuple(store.get(sample.digest) for sample in validation),
            truth=tuple(boxes_of(sample.boxes, labels) for sample in validation),
            digests=tuple(sample.digest for sample in (*training, *validation)),
        )


def _check(training: Sequence[Sample], validation: Sequence[Sample]) -> None:
    empty = [name for name, part in (("train", training), ("validation", validation)) if not part]
    if empty:
        raise DataError(
            f"The dataset has no samples in {' and '.join(empty)}.",
            "Add photos, or change etl.splits.",
        )
    if not any(sample.boxes for sample in training):
        raise DataError(
            f"None of the {len(training)} photos of the train split has a box.",
            "Add photos with boxes, or change etl.splits or etl.seed.",
        )


def _shrunk(picture: NDArray[np.uint8], boxes: Boxes, side: int) -> Scene:
    """`picture` with its `boxes`, at most `side` pixels a side."""
    height, width = picture.shape[:2]
    factor = min(1.0, side / max(height, width))
    wanted = (max(1, round(height * factor)), max(1, round(width * factor)))
    return _resized(Scene(picture, boxes), wanted)


def _sized(scene: Scene, size: int) -> Scene:
    return _resized(scene, (size, size))


def _resized(scene: Scene, wanted: tuple[int, int]) -> Scene:
    """`scene` resized to `wanted` (height, width in pixels) by the step `resize`, which also
    resizes the network's input in prediction."""
    height, width = scene.picture.shape[:2]
    step: list[dict[str, Any]] = [{"step": "resize", "args": {"size": list(wanted)}}]
    picture = runtime.run(step, scene.picture)
    boxes = scene.boxes.copy()
    boxes[:, :4] *= np.tile(np.array([wanted[1] / width, wanted[0] / height], np.float32), 2)
    return Scene(np.asarray(picture), boxes)
