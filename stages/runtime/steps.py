"""The steps around a network, by name: from a file's bytes to its input, from its output to scores.

A package names its steps in package.json. Training and evaluation run the same steps, so that what
was measured is what is shipped."""

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .declaring import check_arguments, check_order, declare
from .errors import ConfigError, WorkflowError
from .faults import failed
from .registry import Registry
from .rules import SIZE, choice, number, several, whole

Array = NDArray[Any]
Facts = dict[str, Any]
Box = tuple[float, float, float, float]
Fit = Literal["stretch", "letterbox", "crop"]

STEPS = Registry(
    "step",
    __package__,
    {
        "decode_picture": ".pictures:decode_picture",
        "resize": ".steps:resize",
        "normalise": ".steps:normalise",
        "to_channels_first": ".steps:to_channels_first",
        "mirrored": ".steps:mirrored",
        "reject": ".rejecting:reject",
        "softmax": ".steps:softmax",
        "decode_sound": ".sounds:decode_sound",
        "log_mel": ".spectrograms:log_mel",
        "mfcc": ".spectrograms:mfcc",
        "windows": ".windows:windows",
        "as_picture": ".windows:as_picture",
        "mean_of_windows": ".steps:mean_of_windows",
        "decode_boxes": ".boxes:decode_boxes",
        "decode_priors": ".priors:decode_priors",
        "decode_corners": ".boxes:decode_corners",
        "suppress": ".boxes:suppress",
        "to_pixels": ".boxes:to_pixels",
    },
)


PICTURE_AXES = 3  # channels, height, width


class PreparedSample(NamedTuple):
    """The network's input for one sample: `windows` [m, ...] (a picture is one window, or two with
    its mirror image), and `facts` that the steps before the network recorded for those after it."""

    windows: Array
    facts: Facts


def prepared(steps: Sequence[Mapping[str, Any]], data: bytes) -> PreparedSample:
    """Run the steps before the network on the bytes `data`. Raises what `run` raises."""
    facts: Facts = {}
    return PreparedSample(as_windows(run(steps, data, facts), facts), facts)


def as_windows(value: Array, facts: Facts) -> Array:
    """The network's input [m, ...] from what the steps before it made, with the `facts` that they
    noted."""
    return value if "windows" in facts or "mirrored" in facts else value[None]


def run(steps: Sequence[Mapping[str, Any]], value: Any, facts: Facts | None = None) -> Any:
    """Run `steps`, each {"step": name, "args": {...}}, on `value` one after the other.

    A step with an argument `facts` gets that dict, to record what a step after the network needs to
    know of the sample, such as its width. Raises UnknownPart for a name that is not in STEPS,
    ConfigError for arguments that a step does not take, and what a step itself raises, such as
    BadSample."""
    for step in steps:
        value = _apply(step, value, {} if facts is None else facts)
    return value


def check(steps: Sequence[Mapping[str, Any]]) -> None:
    """Raise UnknownPart for a step that is not in STEPS, ConfigError for arguments that a step does
    not take."""
    for step in steps:
        check_arguments(step["step"], STEPS[step["step"]], step.get("args", {}))


def check_chain(steps: Sequence[Mapping[str, Any]], first: str, last: tuple[str, ...]) -> None:
    """Raise ConfigError unless `steps` lead from a value of the kind `first` to one of `last`."""
    check_order([(step["step"], STEPS[step["step"]]) for step in steps], first, last)


def _apply(step: Mapping[str, Any], value: Any, facts: Facts) -> Any:
    function, args = STEPS[step["step"]], step.get("args", {})
    noted = {"facts": facts} if "facts" in signature(function).parameters else {}
    try:
        signature(function).bind(value, **args, **noted)
    except TypeError as error:
        raise ConfigError(
            f"Step '{step['step']}' cannot take {dict(args)}: {error}.",
            "Compare the arguments with those of the function in runtime/steps.py.",
        ) from error
    try:
        return function(value, **args, **noted)
    except WorkflowError:
        raise
    except Exception as error:  # neither the sample's fault nor, once it was checked, the step's
        raise failed(f"Step '{step['step']}'", error) from error


@declare(
    "picture",
    "picture",
    size=SIZE,
    fit=choice("stretch", "letterbox", "crop"),
    fill=whole(0, 255),
)
def resize(
    picture: Array, size: int | Sequence[int], fit: Fit = "stretch", fill: int = 128
) -> Array:
    """Resize `picture` (H, W, 3 uint8) to `size` (a side, or height and width) by an antialiased
    bilinear filter.

    `fit`: "stretch" ignores the proportions; "letterbox" keeps them and fills the rest with grey
    `fill`; "crop" keeps them and cuts out the middle."""
    height, width = (size, size) if isinstance(size, int) else size
    match fit:
        case "stretch":
            return _scaled(picture, (height, width))
        case "crop":
            return _scaled(picture, (height, width), _middle(picture.shape, height / width))
        case "letterbox":
            return _letterboxed(picture, height, width, fill)
    raise ConfigError(f"resize knows no fit '{fit}'.", "There are: stretch, letterbox, crop.")


def _scaled(picture: Array, size: tuple[int, int], box: Box | None = None) -> Array:
    from PIL import Image

    if picture.shape[:2] == size and box is None:
        return picture
    image = Image.fromarray(picture)
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR, box=box))


def _middle(shape: tuple[int, ...], ratio: float) -> Box:
    """The largest centred box (left, top, right, bottom) with height / width equal to `ratio`."""
    height, width = shape[:2]
    wide, high = min(width, height / ratio), min(height, width * ratio)
    left, top = (width - wide) / 2, (height - high) / 2
    return left, top, left + wide, top + high


def letterbox(tall: int, broad: int, height: int, width: int) -> tuple[int, int, int, int]:
    """Where a picture of `tall` by `broad` pixels lies in a letterbox of `height` by `width`: its
    top, left, height and width in pixels."""
    scale = min(height / tall, width / broad)
    inner_height, inner_width = max(1, round(tall * scale)), max(1, round(broad * scale))
    return (height - inner_height) // 2, (width - inner_width) // 2, inner_height, inner_width


def _letterboxed(picture: Array, height: int, width: int, fill: int) -> Array:
    top, left, inner_height, inner_width = letterbox(
        picture.shape[0], picture.shape[1], height, width
    )
    out = np.full((height, width, 3), fill, np.uint8)
    inner = _scaled(picture, (inner_height, inner_width))
    out[top : top + inner_height, left : left + inner_width] = inner
    return out


@declare(
    "picture",
    "numbers",
    mean=several(number(-1000, 1000), 3, 3),
    std=several(number(1e-6, 1000), 3, 3),
)
def normalise(picture: Array, mean: Sequence[float], std: Sequence[float]) -> Array:
    """Scale `picture` from 0..255 to 0..1, subtract `mean`, divide by `std`; float32."""
    scale = np.float32(1) / (np.float32(255) * np.asarray(std, np.float32))
    offset = np.asarray(mean, np.float32) / np.asarray(std, np.float32)
    return picture.astype(np.float32) * scale - offset


@declare("picture|numbers", "windows")
def to_channels_first(picture: Array) -> Array:
    """(H, W, C) to (C, H, W), contiguous in memory."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


@declare("windows", "windows")
def mirrored(picture: Array, facts: Facts) -> Array:
    """A picture and its mirror image, left and right swapped, as two windows: (C, H, W) to
    (2, C, H, W). Notes that in `facts["mirrored"]`. Raises ConfigError for windows of a sound."""
    if picture.ndim != PICTURE_AXES:
        raise ConfigError(
            "Step 'mirrored' takes one picture, and is given several windows.",
            "Take it out: sounds have no left and right.",
        )
    facts["mirrored"] = True
    return np.stack([picture, picture[:, :, ::-1]])


@declare("outputs|logits", "scores")
def softmax(logits: Array) -> Array:
    """Scores that add up to 1 over the last axis; float32."""
    shifted = np.exp(logits.astype(np.float32) - logits.max(axis=-1, keepdims=True))
    scores: Array = shifted / shifted.sum(axis=-1, keepdims=True)
    return scores.astype(np.float32)


@declare("outputs|logits", "logits")
def mean_of_windows(logits: Array, facts: Facts) -> Array:
    """The mean of the logits of a sample's windows, [m, labels] to [1, labels]. Logits are averaged
    because that equals a linear head on the mean of the features. Writes the logits of the windows
    to `facts["window_logits"]`."""
    facts["window_logits"] = logits
    mean: Array = logits.mean(axis=0, keepdims=True)
    return mean
