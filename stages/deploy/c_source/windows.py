"""The geometry of convolutions and poolings, as the kernels take it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from stages.deploy.c_source.graph import Node
from stages.deploy.c_source.lowering import Struct, lacking


@dataclass(frozen=True)
class Geometry:
    """Windows of `kernel` (height, width) that move over `channels` pictures of `size` and give
    `outputs` pictures of `out`; `before`: padding above and to the left; `after`: below and to the
    right. `groups`: of channels, each with its own outputs. `counts_padding`: for means."""

    channels: int
    size: tuple[int, int]
    outputs: int
    out: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)
    after: tuple[int, int] = (0, 0)
    groups: int = 1
    counts_padding: bool = False

    @classmethod
    def dense(cls, inputs: int, outputs: int) -> "Geometry":
        """One pixel with `inputs` channels to one with `outputs`."""
        return cls(inputs, (1, 1), outputs, (1, 1), (1, 1))

    @property
    def multiplications(self) -> int:
        """Those of a convolution."""
        return prod((*self.kernel, *self.out, self.outputs)) * self.channels // self.groups

    @property
    def area(self) -> int:
        """The numbers in a window."""
        return prod(self.kernel)

    @property
    def record(self) -> Struct:
        """The C struct."""
        pairs = {
            "size": self.size,
            "out": self.out,
            "kernel": self.kernel,
            "stride": self.stride,
            "dilation": self.dilation,
            "before": self.before,
            "after": self.after,
        }
        singles = {
            "channels": self.channels,
            "outputs": self.outputs,
            "groups": self.groups,
            "counts_padding": int(self.counts_padding),
        }
        return Struct("nn_window", {**singles, **{name: list(pairs[name]) for name in pairs}})


def conv_window(node: Node, shape: Sequence[int], weights: Sequence[int]) -> Geometry:
    """The geometry of a Conv of an array of `shape` with weights of the shape `weights`."""
    groups = int(node.attributes.get("group", 1))
    return _geometry(node, shape, (weights[2], weights[3]), weights[0], groups)


def pool_window(node: Node, shape: Sequence[int]) -> Geometry:
    """The geometry of a MaxPool, AveragePool or GlobalAveragePool of an array of `shape`."""
    if node.operator == "GlobalAveragePool":
        return Geometry(shape[1], (shape[2], shape[3]), shape[1], (1, 1), (shape[2], shape[3]))
    height, width = node.attributes["kernel_shape"]
    return _geometry(node, shape, (height, width), shape[1], shape[1])


def _geometry(
    node: Node, shape: Sequence[int], kernel: tuple[int, int], outputs: int, groups: int
) -> Geometry:
    attributes = node.attributes
    if attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise lacking(f"{node.operator} with auto_pad {attributes['auto_pad']}")
    pads = list(attributes.get("pads") or [0] * 4)
    stride, dilation = (_pair(attributes.get(name) or [1, 1]) for name in ("strides", "dilations"))
    size = (shape[2], shape[3])
    counts = [
        _count(
            size[axis] + pads[axis] + pads[axis + 2],
            1 + (kernel[axis] - 1) * dilation[axis],
            stride[axis],
            size[axis] + pads[axis] if attributes.get("ceil_mode") else None,
        )
        for axis in (0, 1)
    ]
    return Geometry(
        channels=shape[1],
        size=size,
        outputs=outputs,
        out=_pair(counts),
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        before=_pair(pads[:2]),
        after=_pair(pads[2:]),
        groups=groups,
        counts_padding=bool(attributes.get("count_include_pad", 0)),
    )


def _count(side: int, extent: int, stride: int, ends: int | None) -> int:
    """The windows along an axis; with `ends` rounded up, but none begins from there on."""
    if ends is None:
        return (side - extent) // stride + 1
    count = -(-(side - extent) // stride) + 1
    return count - ((count - 1) * stride >= ends)


def over_axes(name: str, shape: Sequence[int], among: Sequence[int] | None) -> Geometry:
    """The window of a reduction of an array of `shape` over axes that lie side by side, but for
    those of side 1; over all axes if `among` is empty. Raises ConfigError for others, calling the
    operator `name`."""
    reduced = {axis % len(shape) for axis in among or range(len(shape))}
    axes = [axis for axis in sorted(reduced) if shape[axis] > 1] or [0]
    if any(shape[axis] > 1 for axis in set(range(axes[0], axes[-1] + 1)) - reduced):
        raise lacking(f"{name} over the axes {sorted(reduced)}")
    outer, inner = prod(shape[: axes[0]]), prod(shape[axes[-1] + 1 :])
    count = prod(shape[axes[0] : axes[-1] + 1])
    return Geometry(outer, (count, inner), outer, (1, inner), (count, 1))


def _pair(values: Sequence[int]) -> tuple[int, int]:
    first, second = values
    return int(first), int(second)
