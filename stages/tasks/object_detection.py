"""Object detection: boxes with labels on a picture."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from stages.artifacts import Dataset, Step

if TYPE_CHECKING:  # reading a pipeline does not import model families
    from stages.models.family import Family


class ObjectDetection:
    """Pictures as files in, boxes with a label and a score out."""

    name: ClassVar[str] = "object_detection"
    modality: ClassVar[str] = "pictures"
    answers: ClassVar[str] = "boxes"
    trainer: ClassVar[str] = "detectors"
    takes: ClassVar[tuple[str, ...]] = ("pictures",)
    readers: ClassVar[tuple[str, ...]] = ("coco", "label_studio", "cvat", "voc", "yolo")
    suites: ClassVar[tuple[str, ...]] = ("samples", "pictures", "boxes")
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "etl": {
            "augmentations": (
                {"horizontal_flip": {}},
                {"scale": {"smallest": 0.7}},
                {"colour": {}},
            )
        },
        "train": {
            "families": ("lite_detector", "mobile_ssd"),
            "budget_minutes": 20,
            "search_space": {
                "learning_rate": {"low": 5e-4, "high": 4e-3},
                "weight_decay": {"low": 0.01, "high": 0.1},
                "batch_size": (8, 16),
            },
        },
    }

    def before(self, family: "Family", size: int, dataset: Dataset) -> tuple[Step, ...]:
        """From a file's bytes to the network's input, (3, `size`, `size`) float32; the proportions
        are not kept, so that boxes are shares of width and height."""
        from stages.media.levels import decode_arguments

        return (
            Step(step="decode_picture", args=decode_arguments(dataset.facts)),
            Step(step="resize", args={"size": size}),
            Step(step="normalise", args={"mean": list(family.mean), "std": list(family.std)}),
            Step(step="to_channels_first"),
        )

    def after(self, family: "Family", size: int, labels: Sequence[str]) -> tuple[Step, ...]:
        """From the network's outputs to boxes in pixels, [boxes, 6]: left, top, right, bottom,
        score, label's index; the highest score first."""
        return (
            Step(step=family.decode["step"], args={"size": size, **family.decode["args"]}),
            Step(step="suppress", args={"overlap": 0.6, "least": 0.02, "most": 100}),
            Step(step="to_pixels"),
        )
