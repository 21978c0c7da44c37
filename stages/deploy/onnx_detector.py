"""The outputs of a detector that was trained elsewhere, in the form that the step `decode_corners`
takes: nodes behind its own make scores and corners of them.

A network answers either boxes [n, rows, 4] and scores [n, rows, labels], in any order, or both side
by side, [n, rows, 4 + labels] or [n, 4 + labels, rows], as the networks of the YOLO family do; the
older ones with a score of 'an object' behind the box, 5 + labels, by which the others are
multiplied. Non-maximum suppression is a step of the package."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.runtime.errors import ConfigError

BOX = 4  # numbers
LEAST_OPSET = 7  # from which on operators broadcast
PREFIX = "aiwf_boxes"  # of the added nodes' names
SCORES, CORNERS = f"{PREFIX}_scores", f"{PREFIX}_corners"  # the network's new outputs
SHARES_AT_MOST = 2.0  # edges of boxes as shares of the picture, noise included
REMEDY = "State it as its publisher documents it, or export it without suppression and so."


@dataclass(frozen=True)
class StatedBoxes:
    """How a detector gives its boxes. `form`: corners are left, top, right, bottom; centres are
    the middle's x and y, width and height. `unit`: pixels of its input, or shares of it.
    `overlap`: of two boxes of a label, above which the worse is removed. `threshold`: the least
    score of a box that is shown; None for the usual."""

    form: Literal["corners", "centres"]
    unit: Literal["pixels", "shares"]
    overlap: float = 0.5
    threshold: float | None = None


class _Places(NamedTuple):
    """Where boxes and scores are: their outputs, whether rows come last, and whether there is a
    score of 'an object' before those of the labels."""

    boxes: str
    scores: str
    rows_last: bool = False
    has_object: bool = False


def with_corners(
    model: Any,
    outputs: Mapping[str, NDArray[np.float32]],
    labels: int,
    stated: StatedBoxes,
    sides: tuple[int, int],
    logits: bool,
) -> Any:
    """A copy of the ONNX `model` that answers scores [n, rows, labels] of 0 to 1 and corners
    [n, rows, 4] in pixels of its input, whose height and width are `sides`. `outputs`: what the
    network answers to pictures of noise, by name. `logits`: whether a sigmoid makes scores.

    Raises ConfigError if the outputs are no boxes and scores, or not as they were stated."""
    import onnx

    _check_opset(model)
    places = _places({name: values.shape for name, values in outputs.items()}, labels)
    _check_values(outputs, places, stated, logits)
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    nodes = _Nodes(changed.graph)
    boxes, scores = places.boxes, places.scores
    if places.rows_last:
        boxes = scores = nodes.add("Transpose", [boxes], perm=[0, 2, 1])
    if places.boxes == places.scores:
        first = BOX + places.has_object
        likely = nodes.columns(scores, range(first, first + labels))
        wholes = nodes.columns(scores, [BOX]) if places.has_object else ""
        boxes = nodes.columns(boxes, range(BOX))
    else:
        likely, wholes = scores, ""
    nodes.scores(likely, wholes, logits)
    nodes.corners(boxes, stated, sides)
    del changed.graph.output[:]
    changed.graph.output.extend(_output(*each) for each in ((SCORES, labels), (CORNERS, BOX)))
    onnx.checker.check_model(changed)
    return changed


class _Nodes:
    """Adds nodes behind those of a graph."""

    def __init__(self, graph: Any) -> None:
        self.graph, self.count = graph, 0

    def add(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Add a node of the operator `kind`, and return the name of its output."""
        from onnx import helper

        self.count += 1
        name = f"{PREFIX}_{self.count}"
        node = helper.make_node(kind, list(inputs), [output or name], name=name, **attributes)
        self.graph.node.append(node)
        return output or name

    def constant(self, values: NDArray[Any]) -> str:
        """Add a constant, and return its name."""
        from onnx import numpy_helper

        self.count += 1
        name = f"{PREFIX}_{self.count}"
        self.graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def columns(self, values: str, places: Sequence[int]) -> str:
        """The columns at `places` of `values`, [n, rows, columns]."""
        return self.add("Gather", [values, self.constant(np.array(places, np.int64))], axis=2)

    def scores(self, likely: str, wholes: str, logits: bool) -> None:
        """The output of scores: `likely`, multiplied by `wholes` unless that is empty."""
        parts = [part for part in (likely, wholes) if part]
        if logits:
            parts = [self.add("Sigmoid", [part]) for part in parts]
        self.add("Mul" if len(parts) > 1 else "Identity", parts, SCORES)

    def corners(self, boxes: str, stated: StatedBoxes, sides: tuple[int, int]) -> None:
        """The output of corners in pixels of an input with these `sides`."""
        if stated.form == "centres":
            middle, lengths = self.columns(boxes, [0, 1]), self.columns(boxes, [2, 3])
            away = self.add("Mul", [lengths, self.constant(np.array(0.5, np.float32))])
            edges = [self.add(kind, [middle, away]) for kind in ("Sub", "Add")]
            boxes = self.add("Concat", edges, axis=2)
        height, width = sides if stated.unit == "shares" else (1, 1)
        scale = self.constant(np.array([width, height] * 2, np.float32))
        self.add("Mul", [boxes, scale], CORNERS)


def _places(shapes: Mapping[str, tuple[int, ...]], labels: int) -> _Places:
    """Where boxes and scores are among outputs of these `shapes`.

    Raises ConfigError if that is not plain."""
    found = _apart(shapes, labels) if len(shapes) == 2 else _side_by_side(shapes, labels)
    if len(found) == 1:
        return found[0]
    sizes = " and ".join(str(list(shape)) for shape in shapes.values())
    raise ConfigError(
        f"The network answers {sizes} to two pictures: that is "
        f"{'more than one way' if found else 'no way'} to give boxes with scores of "
        f"{labels} labels.",
        "Name as many labels as it has, and export it without suppression and with a batch of any "
        "size: boxes [n, rows, 4] and scores [n, rows, labels], or both as one output.",
    )


def _apart(shapes: Mapping[str, tuple[int, ...]], labels: int) -> list[_Places]:
    return [
        _Places(boxes, scores)
        for boxes, scores in permutations(shapes, 2)
        if shapes[boxes][2:] == (BOX,) and shapes[scores] == (*shapes[boxes][:2], labels)
    ]


def _side_by_side(shapes: Mapping[str, tuple[int, ...]], labels: int) -> list[_Places]:
    [(name, shape)] = shapes.items()
    return [
        _Places(name, name, rows_last=axis == 1, has_object=has_object)
        for has_object in (False, True)
        for axis in (1, 2)
        if len(shape) == 3 and shape[axis] == BOX + has_object + labels
    ]


def _check_values(
    outputs: Mapping[str, NDArray[np.float32]],
    places: _Places,
    stated: StatedBoxes,
    logits: bool,
) -> None:
    """Raise ConfigError for scores that are none, and for boxes in another unit than stated."""
    boxes, scores = outputs[places.boxes], outputs[places.scores]
    if places.rows_last:
        boxes = scores = boxes.transpose(0, 2, 1)
    if places.boxes == places.scores:
        boxes, scores = boxes[..., :BOX], scores[..., BOX:]
    low, high = float(scores.min()), float(scores.max())
    if not logits and not (low >= 0 and high <= 1):
        raise ConfigError(
            f"The network gives {low:.3g} to {high:.3g} as scores, which go from 0 to 1.",
            f"Give --logits if a sigmoid makes scores of them. {REMEDY}",
        )
    largest = float(np.abs(boxes).max())
    if (largest <= SHARES_AT_MOST) != (stated.unit == "shares"):
        raise ConfigError(
            f"The network places boxes at {largest:.3g} at most, which are not {stated.unit}.",
            f"--unit is pixels or shares. {REMEDY}",
        )


def _check_opset(model: Any) -> None:
    versions = [each.version for each in model.opset_import if each.domain in ("", "ai.onnx")]
    if not versions or versions[0] < LEAST_OPSET:
        raise ConfigError(
            f"The network is of ONNX's operators {versions[0] if versions else 'of no version'}.",
            f"Export it with an opset of {LEAST_OPSET} or newer.",
        )


def _output(name: str, columns: int) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "rows", columns])
