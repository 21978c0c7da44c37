"""One label for each sound."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from stages.artifacts import Dataset, Step
from stages.models.family import Family


class SoundClassification:
    """Sound files in, a score for each label out: the mean over windows of the network's logits."""

    name: ClassVar[str] = "sound_classification"
    medium: ClassVar[str] = "sounds"
    answers: ClassVar[str] = "labels"
    trainer: ClassVar[str] = "heads"
    takes: ClassVar[tuple[str, ...]] = ("pictures", "sounds")
    readers: ClassVar[tuple[str, ...]] = ("csv", "class_folders")
    suites: ClassVar[tuple[str, ...]] = ("samples", "sounds", "labels")
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "etl": {"augmentations": ({"time_shift": {}}, {"gain": {}}, {"background_noise": {}})},
        "train": {"families": ("efficientnet_lite0", "small_audio")},
    }

    def before(self, family: Family, size: int, dataset: Dataset) -> tuple[Step, ...]:
        """From a file's bytes to windows of a log-mel spectrogram, as `family` takes them."""
        raise NotImplementedError

    def after(self, family: Family, size: int, labels: Sequence[str]) -> tuple[Step, ...]:
        """From the logits of a sound's windows to scores of `labels`, which add up to 1."""
        return (Step(step="mean_of_windows"), Step(step="softmax"))
