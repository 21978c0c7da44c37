"""Sound classification: one label for each sound."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from stages.artifacts import Dataset, Step

if TYPE_CHECKING:  # reading a pipeline does not import model families
    from stages.models.family import Family

SPECTROGRAM = {"rate": 16000, "window": 1024, "hop": 160, "bands": 128, "low": 50.0, "high": 8000.0}
CELL = 32  # pixels of a picture for each cell of a backbone's last map
WINDOW_SECONDS = 1.0  # for a Dataset without that fact
OVERLAP = 0.5


class SoundClassification:
    """Sound files in, a score for each label out: the mean over windows of the network's logits."""

    name: ClassVar[str] = "sound_classification"
    modality: ClassVar[str] = "sounds"
    answers: ClassVar[str] = "labels"
    trainer: ClassVar[str] = "heads"
    takes: ClassVar[tuple[str, ...]] = ("pictures", "sounds")
    readers: ClassVar[tuple[str, ...]] = ("csv", "lists", "class_folders", "inner_folders")
    suites: ClassVar[tuple[str, ...]] = ("samples", "sounds", "labels")
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "etl": {"augmentations": ({"time_shift": {}}, {"gain": {}}, {"background_noise": {}})},
        # for pictures of 448 by 224 pixels, see `_sides`
        "train": {
            "families": ("efficientnet_lite0", "small_audio"),
            "input_sizes": (320,),
            "head_views": 1,
        },
    }

    def before(self, family: "Family", size: int, dataset: Dataset) -> tuple[Step, ...]:
        """From a file's bytes to windows of its spectrogram, as `family` takes them.

        For families of pictures, [m, 3, height, width], about as many pixels as a square of side
        `size` has: windows of dataset.facts["window_seconds"] as pictures, of levels in the upper
        half and of energies in the lower one, at dataset.facts["rate"] frames a second. For
        families of sounds, [m, 1, bands, frames]: `size` bands and such windows, unless
        family.spectrogram sets other arguments for a step (log_mel or mfcc, windows)."""
        if family.takes == "pictures":
            spectrogram = _at_rate(dataset.facts.get("rate", SPECTROGRAM["rate"]))
            picture = {"size": _sides(size), "mean": list(family.mean), "std": list(family.std)}
            return (
                *_heard("log_mel", spectrogram, family, dataset),
                Step(step="as_picture", args={**picture, "energy": True}),
            )
        name = "mfcc" if "mfcc" in family.spectrogram else "log_mel"
        spectrogram = {**SPECTROGRAM, "bands": size, **family.spectrogram.get(name, {})}
        return _heard(name, spectrogram, family, dataset)

    def after(self, family: "Family", size: int, labels: Sequence[str]) -> tuple[Step, ...]:
        """From the logits of a sound's windows to scores of `labels`, which add up to 1."""
        return (Step(step="mean_of_windows"), Step(step="softmax"))


def _at_rate(rate: float) -> dict[str, Any]:
    """SPECTROGRAM at `rate` frames a second, with the same times and up to the highest pitch."""
    factor = rate / SPECTROGRAM["rate"]
    scaled = {name: SPECTROGRAM[name] * factor for name in ("rate", "window", "hop")}
    whole = {name: round(value) for name, value in scaled.items()}
    return {**SPECTROGRAM, **whole, "high": SPECTROGRAM["high"] * factor}


def _sides(size: int) -> list[int]:
    """Height and width of two squares, one above the other, with about as many pixels as a square
    of side `size`; whole cells, so that none is at the border of both."""
    side = max(1, round(size / 2**0.5 / CELL)) * CELL
    return [2 * side, side]


def _heard(
    name: str, spectrogram: Mapping[str, Any], family: "Family", dataset: Dataset
) -> tuple[Step, ...]:
    """The steps from bytes to windows, as `family` takes them, of the spectrogram that the step
    `name` makes with `spectrogram`."""
    hop = spectrogram["hop"] / spectrogram["rate"]
    seconds = dataset.facts.get("window_seconds", WINDOW_SECONDS)
    frames = -(-(1 + round(seconds / hop)) // family.segments) * family.segments
    whole = {"frames": frames, "overlap": OVERLAP, "hop_seconds": hop}
    silence = {"silence": _silence(name, spectrogram)}
    return (
        Step(step="decode_sound", args={"rate": spectrogram["rate"]}),
        Step(step=name, args=dict(spectrogram)),
        Step(step="windows", args={**whole, **silence, **family.spectrogram.get("windows", {})}),
    )


def _silence(name: str, spectrogram: Mapping[str, Any]) -> float | list[float]:
    """The output of the step `name` for silence: a number, or one for each band if they differ."""
    import numpy as np

    from stages.runtime.steps import STEPS

    levels = STEPS[name](np.zeros(spectrogram["window"], np.float32), **spectrogram)[:, 0]
    rounded = [round(float(level), 4) for level in levels]
    return rounded[0] if len(set(rounded)) == 1 else rounded
