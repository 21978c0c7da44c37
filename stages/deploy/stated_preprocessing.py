"""The preprocessing of a network that was trained elsewhere, as its publisher documents it.

It is stated by options, or in the file itself under the names of OpenVINO's Model API
(model_info.py). Nothing is guessed: a wrong mean changes answers without an error."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.deploy.model_info import LEVELS, PREFIX, RESIZE_TYPES
from stages.deploy.onnx_detector import StatedBoxes
from stages.deploy.onnx_network import pictures_of, sides_of
from stages.runtime.errors import ConfigError

LARGEST = {"mean": 1.0, "std": 10.0}  # of pixels of 0..1
NEEDED = "--labels FILE --size N --mean R,G,B --std R,G,B and --logits or --scores"


@dataclass(frozen=True)
class StatedPreprocessing:
    """What the network expects, and what it answers. `size`: the side of its pictures, or height
    and width. `fit`: as of the step resize. `mean` and `std`: of red, green, blue, for pixels of
    0..1. `logits`: whether its outputs are to be turned into scores, by a softmax, or of a detector
    by a sigmoid. `boxes`: of a detector."""

    labels: tuple[str, ...]
    size: int | tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    logits: bool
    fit: str = "stretch"
    boxes: StatedBoxes | None = None

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width of its pictures."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size


def stated(model: Any, options: Mapping[str, Any]) -> StatedPreprocessing:
    """The preprocessing of `model`: `options`, by the fields' names (None: not stated), before what
    its file says.

    Raises ConfigError, naming it, if something is stated nowhere."""
    found = {
        **_in_file(model),
        **{key: value for key, value in options.items() if value is not None},
    }
    height, width = sides_of(pictures_of(model)[0])[2:]
    if height and width:
        found.setdefault("size", height if height == width else (height, width))
    missing = [key for key in ("labels", "size", "mean", "std", "logits") if key not in found]
    if missing:
        raise ConfigError(
            f"Nothing states the {', '.join(missing)} of this network.",
            f"Give {NEEDED}, as its publisher documents them.",
        )
    count = 0 if found.get("boxes") else sides_of(model.graph.output[0])[1]
    if count and count != len(found["labels"]):
        raise ConfigError(
            f"The network answers {count} labels, and {len(found['labels'])} are named.",
            "Give a file with one label on each line, in the network's order.",
        )
    _check_stated(found)
    return StatedPreprocessing(**found)


def _check_stated(found: Mapping[str, Any]) -> None:
    """Raise ConfigError for labels that are equal, and for a mean or deviation that can only be of
    pixels of 0..255."""
    if found.get("boxes") and found.get("fit") == "crop":
        raise ConfigError(
            "A detector has to find boxes on the whole picture, and fit is crop.",
            "Give --fit stretch or --fit letterbox, as it was trained.",
        )
    twice = [label for label, count in Counter(found["labels"]).items() if count > 1]
    if twice:
        raise ConfigError(
            f"The label '{twice[0][:80]}' is named {found['labels'].count(twice[0])} times.",
            "Give each label a name of its own, in the network's order.",
        )
    for key, most in LARGEST.items():
        if not all(abs(value) <= most for value in found[key]):
            raise ConfigError(
                f"{key}: {', '.join(f'{value:g}' for value in found[key])} cannot be of pixels "
                f"of 0..1: {most:g} is the largest.",
                f"Divide what is documented for pixels of 0..{LEVELS} by {LEVELS}.",
            )


def _in_file(model: Any) -> dict[str, Any]:
    """What the entries of the file state, by the names of StatedPreprocessing.

    Raises ConfigError for an entry that cannot be, or that no step does."""
    entries = {entry.key.removeprefix(f"{PREFIX} "): entry.value for entry in model.metadata_props}
    found: dict[str, Any] = {}
    if entries.get("reverse_input_channels", "False").lower() in ("true", "yes", "1"):
        raise ConfigError(
            "The network takes pictures as blue, green, red, and no step reorders them.",
            "Export it for red, green, blue.",
        )
    if "labels" in entries:
        found["labels"] = tuple(entries["labels"].split())
    try:
        for key, entry in {"mean": "mean_values", "std": "scale_values"}.items():
            if entry in entries:
                found[key] = tuple(float(text) / LEVELS for text in entries[entry].split())
    except ValueError as error:
        raise ConfigError(
            f"The file's {PREFIX} has no numbers: {error}.", f"Give {NEEDED}."
        ) from None
    fits = {name: fit for fit, name in RESIZE_TYPES.items()}
    if entries.get("resize_type") in fits:
        found["fit"] = fits[entries["resize_type"]]
    if "output_raw_scores" in entries:
        found["logits"] = entries["output_raw_scores"].lower() in ("true", "yes", "1")
    return found
