"""One label for each picture."""

from collections.abc import Sequence
from typing import Any

from stages.artifacts import Step
from stages.config import EtlConfig
from stages.models.family import Family


class ImageClassification:
    """Pictures as files in, a score for each label out."""

    name = "image_classification"
    readers = ("csv", "class_folders")

    def inspect(self, data: bytes, config: EtlConfig) -> dict[str, Any]:
        """Facts of one picture for the manifest. Raises BadSample if it cannot be used."""
        from stages.tasks import pictures

        return pictures.inspect_picture(data, config)

    def thumbnail(self, data: bytes, side: int) -> bytes:
        """The picture as a small JPEG, at most `side` pixels wide and high."""
        from stages.tasks import pictures

        return pictures.thumbnail(data, side)

    def before(self, family: Family, size: int) -> tuple[Step, ...]:
        """From a file's bytes to the network's input, (3, `size`, `size`) float32."""
        return (
            Step(step="decode_picture"),
            Step(step="resize", args={"size": size}),
            Step(step="normalise", args={"mean": list(family.mean), "std": list(family.std)}),
            Step(step="to_channels_first"),
        )

    def after(self, labels: Sequence[str]) -> tuple[Step, ...]:
        """From the network's logits to scores of `labels`, which add up to 1."""
        return (Step(step="softmax"),)
