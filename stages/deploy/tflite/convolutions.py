"""Lowers convolutions, poolings and changes of size: operators on pictures with channels last."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.c_source.graph import Node
from stages.deploy.tflite.flat_file import schema
from stages.deploy.tflite.tflite_lowering import TfliteLowering, lacking, operator

Array = NDArray[Any]
LOWEST = np.float32(np.finfo(np.float32).min)
HIGHEST_OF_RELU6 = 6


class Padding(NamedTuple):
    """What a window needs around its picture: `before` and `after`, of rows and of columns."""

    before: tuple[int, int]
    after: tuple[int, int]

    @property
    def any(self) -> bool:
        return any((*self.before, *self.after))


class WindowGeometry(NamedTuple):
    """The windows of a convolution or pooling: rows and columns each."""

    sides: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    padding: Padding
    is_same: bool


def windows_of(work: TfliteLowering, node: Node, sides: Sequence[int]) -> WindowGeometry:
    """The windows of `node`, with as much behind the picture as its last windows reach beyond."""
    if len(sides) != 2:
        raise lacking(f"{node.operator} on {len(sides)} axes")
    if node.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise lacking(f"{node.operator} with auto_pad")
    strides, dilations = (_pair(node.attributes, key) for key in ("strides", "dilations"))
    pads = node.attributes.get("pads") or (0, 0, 0, 0)
    picture, out = work.shape(node.inputs[0])[2:], work.shape(node.outputs[0])[2:]
    before, after, same = [], [], []
    for axis in range(2):
        extent = 1 + (sides[axis] - 1) * dilations[axis]
        reach = (out[axis] - 1) * strides[axis] + extent - picture[axis]
        before.append(int(pads[axis]))
        after.append(max(0, reach - int(pads[axis])))
        full = out[axis] == -(-picture[axis] // strides[axis])
        same.append(full and before[axis] == max(0, reach) // 2)
    padding = Padding((before[0], before[1]), (after[0], after[1]))
    return WindowGeometry((sides[0], sides[1]), strides, dilations, padding, all(same))


def _pair(attributes: Mapping[str, Any], key: str) -> tuple[int, int]:
    first, second = attributes.get(key) or (1, 1)
    return int(first), int(second)


@operator("Conv")
def conv(work: TfliteLowering, node: Node) -> None:
    """CONV_2D, or DEPTHWISE_CONV_2D where each channel is a group of its own."""
    weight = work.constant(node, 1, "weights")
    if weight is None or weight.ndim != 4:
        raise lacking("Conv whose weights are not of four axes")
    groups, channels = int(node.attributes.get("group", 1)), work.shape(node.inputs[0])[1]
    windows = windows_of(work, node, weight.shape[2:])
    picture, padding = _padded(work, node, windows, 0.0)
    bias = work.constant(node, 2, "biases")
    biases = np.zeros(len(weight), np.float32) if bias is None else np.asarray(bias, np.float32)
    fields = {
        "padding": padding,
        "strideH": windows.strides[0],
        "strideW": windows.strides[1],
        "dilationHFactor": windows.dilations[0],
        "dilationWFactor": windows.dilations[1],
        "fusedActivationFunction": _activation(work, node),
    }
    weight = np.asarray(weight, np.float32)
    depthwise = groups == channels and weight.shape[1] == 1 and groups > 1
    name, options = ("CONV_2D", "Conv2DOptions")
    kernel = weight.transpose(0, 2, 3, 1)
    if depthwise:
        name, options = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions")
        kernel = weight[:, 0].transpose(1, 2, 0)[None]
        fields["depthMultiplier"] = len(weight) // channels
    inputs = [picture, work.file.constant(kernel), work.file.constant(biases)]
    work.file.operator(name, inputs, [work.output(node, True)], options, **fields)


def _padded(
    work: TfliteLowering, node: Node, windows: WindowGeometry, value: float
) -> tuple[int, int]:
    """The picture that `node` reads, with `value` around it if its padding has no name in the file,
    and the number of the padding's name."""
    names = schema().Padding
    picture = work.last(node.inputs[0])
    if not windows.padding.any:
        return picture, names.VALID
    if windows.is_same:
        return picture, names.SAME
    return pad(work, picture, windows.padding, value), names.VALID


def pad(work: TfliteLowering, picture: int, padding: Padding, value: float) -> int:
    """`picture`, channels last, with `value` around it."""
    widths = [[0, 0], *([b, a] for b, a in zip(padding.before, padding.after, strict=True)), [0, 0]]
    sides = zip(work.file.shape(picture), widths, strict=True)
    shape = [side + sum(width) for side, width in sides]
    inputs = [picture, work.file.constant(np.array(widths, np.int32))]
    if value == 0:
        return work.emit("PAD", inputs, shape, "PadOptions")
    constant = work.file.constant(np.array([value], np.float32))
    return work.emit("PADV2", [*inputs, constant], shape, "PadV2Options")


def _activation(work: TfliteLowering, node: Node) -> int:
    """The number of the activation that alone reads what `node` writes, which is then fused."""
    names = schema().ActivationFunctionType
    user = work.graph.sole_user(node.outputs[0])
    if user is None:
        return int(names.NONE)
    limits = limits_of(work, user)
    found = {(0.0, np.inf): names.RELU, (0.0, HIGHEST_OF_RELU6): names.RELU6}.get(limits)
    if found is None:
        return int(names.NONE)
    work.fuse(user, node.outputs[0])
    return int(found)


def limits_of(work: TfliteLowering, node: Node) -> tuple[float, float]:
    """The limits that a Relu or Clip sets; infinite ones for another node."""
    if node.operator == "Relu":
        return 0.0, np.inf
    if node.operator != "Clip":
        return -np.inf, np.inf
    low, high = (work.constant(node, place, "limits") for place in (1, 2))
    return (
        -np.inf if low is None else float(np.asarray(low).reshape(())),
        np.inf if high is None else float(np.asarray(high).reshape(())),
    )


@operator("MaxPool")
def max_pool(work: TfliteLowering, node: Node) -> None:
    """The largest number of each window."""
    windows = windows_of(work, node, node.attributes["kernel_shape"])
    if windows.dilations != (1, 1):
        raise lacking("MaxPool with dilations")
    picture, padding = _padded(work, node, windows, float(LOWEST))
    _pool(work, "MAX_POOL_2D", picture, padding, windows, work.output(node, True))


@operator("AveragePool")
def average_pool(work: TfliteLowering, node: Node) -> None:
    """The mean of each window; where padding does not count, by how much of it there is."""
    windows = windows_of(work, node, node.attributes["kernel_shape"])
    names = schema().Padding
    counts = _share_that_counts(work, node, windows)
    if windows.is_same and not node.attributes.get("count_include_pad", 0):
        picture, counts = work.last(node.inputs[0]), np.ones(1, np.float32)
        padding = names.SAME
    else:
        padding = names.VALID
        picture = work.last(node.inputs[0])
        if windows.padding.any:
            picture = pad(work, picture, windows.padding, 0.0)
    if np.all(counts == 1):
        return _pool(work, "AVERAGE_POOL_2D", picture, padding, windows, work.output(node, True))
    out = work.output(node, True)
    mean = work.new(work.file.shape(out))
    _pool(work, "AVERAGE_POOL_2D", picture, padding, windows, mean)
    factors = work.file.constant((1 / counts).astype(np.float32))
    work.file.operator("MUL", [mean, factors], [out], "MulOptions")
    return None


def _share_that_counts(work: TfliteLowering, node: Node, windows: WindowGeometry) -> Array:
    """The share of each window that counts, [1, rows, columns, 1]."""
    counted = float(node.attributes.get("count_include_pad", 0))
    pads = node.attributes.get("pads") or (0, 0, 0, 0)
    shares = []
    for axis in range(2):
        side = work.shape(node.inputs[0])[2 + axis]
        inner = np.ones(side)
        stated = np.full(int(pads[axis]), counted), np.full(int(pads[2 + axis]), counted)
        line = np.concatenate([stated[0], inner, stated[1]])
        count, stride, size = (
            work.shape(node.outputs[0])[2 + axis],
            windows.strides[axis],
            windows.sides[axis],
        )
        line = np.pad(line, (0, max(0, (count - 1) * stride + size - len(line))))
        shares.append(np.array([line[p * stride :][:size].sum() / size for p in range(count)]))
    return np.asarray(shares[0][:, None] * shares[1][None], np.float32)[None, :, :, None]


def _pool(
    work: TfliteLowering, name: str, picture: int, padding: int, windows: WindowGeometry, out: int
) -> None:
    work.file.operator(
        name,
        [picture],
        [out],
        "Pool2DOptions",
        padding=padding,
        strideH=windows.strides[0],
        strideW=windows.strides[1],
        filterHeight=windows.sides[0],
        filterWidth=windows.sides[1],
    )


@operator("GlobalAveragePool")
def global_average_pool(work: TfliteLowering, node: Node) -> None:
    """The mean of each channel; the axes stay."""
    axes = work.file.constant(np.array([1, 2], np.int32))
    inputs = [work.last(node.inputs[0]), axes]
    work.file.operator("MEAN", inputs, [work.output(node, True)], "ReducerOptions", keepDims=True)


@operator("Resize")
def resize(work: TfliteLowering, node: Node) -> None:
    """A picture of another size, by the nearest number or linearly."""
    source, out, mode, places = work.resized(node)
    whole = all(after % before == 0 for before, after in zip(source[2:], out[2:], strict=True))
    floors = node.attributes.get("nearest_mode", "round_prefer_floor") == "floor"
    if mode == "nearest" and places == "asymmetric" and (floors or whole):
        name, fields = "RESIZE_NEAREST_NEIGHBOR", {}
    elif mode == "nearest" and places in ("half_pixel", "pytorch_half_pixel") and whole:
        name, fields = "RESIZE_NEAREST_NEIGHBOR", {"halfPixelCenters": True}
    elif mode == "linear" and places in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        aligned = places == "align_corners"
        name, fields = "RESIZE_BILINEAR", {"alignCorners": aligned, "halfPixelCenters": not aligned}
    elif mode == "linear" and places == "asymmetric":
        name, fields = "RESIZE_BILINEAR", {}
    else:
        raise lacking(f"Resize with mode {mode} and {places}")
    sides = work.file.constant(np.array(out[2:], np.int32))
    options = "ResizeBilinearOptions" if "BILINEAR" in name else "ResizeNearestNeighborOptions"
    inputs = [work.last(node.inputs[0]), sides]
    work.file.operator(name, inputs, [work.output(node, True)], options, **fields)
