"""A fourth task, as somebody would add it: this file, and one line on the board."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from stages.artifacts import Dataset, Step
from stages.models.family import Family


class SketchClassification:
    """Sketches keep their proportions, on white paper; a score for each label out."""

    name: ClassVar[str] = "sketch_classification"
    modality: ClassVar[str] = "pictures"
    answers: ClassVar[str] = "labels"
    trainer: ClassVar[str] = "heads"
    takes: ClassVar[tuple[str, ...]] = ("pictures",)
    readers: ClassVar[tuple[str, ...]] = ("csv", "class_folders")
    suites: ClassVar[tuple[str, ...]] = ("samples", "pictures", "labels")
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {"etl": {"augmentations": ["rotate"]}}

    def before(self, family: Family, size: int, dataset: Dataset) -> tuple[Step, ...]:
        fit = {"size": size, "fit": "letterbox", "fill": 255}
        return (
            Step(step="decode_picture"),
            Step(step="resize", args=fit),
            Step(step="normalise", args={"mean": list(family.mean), "std": list(family.std)}),
            Step(step="to_channels_first"),
        )

    def after(self, family: Family, size: int, labels: Sequence[str]) -> tuple[Step, ...]:
        return (Step(step="softmax"),)
