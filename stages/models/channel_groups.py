"""Finds which channels of a network have to be cut together, from its program as Paddle traces it.

A union-find over the dimensions of all values: an operator joins those that are the same channels
(a sum joins both of its inputs, a depthwise convolution its input and output). So residual,
depthwise and squeeze-and-excitation layers stay consistent without a rule for each family. An
operator that is not known here, such as a concatenation, freezes the dimensions that it touches."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import paddle
from paddle import nn

from stages.runtime.quiet import quiet

Node = tuple[Any, int]  # a value's id, and one of its dimensions

ELEMENTWISE = (
    *("relu", "relu6", "hardswish", "hardsigmoid", "sigmoid", "silu", "swish", "leaky_relu"),
    *("dropout", "scale", "assign", "cast", "sqrt", "square", "clip"),
)
BROADCAST = ("add", "subtract", "multiply", "divide", "maximum", "minimum")
CONSTANTS = ("full", "full_int_array", "data", "parameter", "combine", "assign_value")


class Dimension(NamedTuple):
    """Dimension `axis` of the parameter or buffer `name`, as in a layer's `state_dict`."""

    name: str
    axis: int


@dataclass(frozen=True)
class ChannelGroups:
    """The channels of a network. `groups`: dimensions that have to be cut alike, without those that
    cannot be cut; `positions`: for the weight of each convolution and linear layer, at how many
    positions of its output it is used for one window."""

    groups: tuple[tuple[Dimension, ...], ...]
    positions: dict[str, int]

    def multiply_adds(self, shapes: dict[str, tuple[int, ...]]) -> int:
        """The multiply-adds of the network for one window, if its weights have `shapes`."""
        return sum(count * prod(shapes[name]) for name, count in self.positions.items())


def channel_groups(network: nn.Layer, window_shape: Sequence[int]) -> ChannelGroups:
    """The channel groups of `network`, in evaluation mode, for windows of `window_shape`
    [channels, height, width]. What it returns keeps all of its channels."""
    traced = _traced(network, window_shape)
    tracing = _Tracing(traced.main_program, network)
    for operator in tracing.operators:
        tracing.join(operator)
    tracing.freeze_results()
    return ChannelGroups(tuple(tracing.groups()), tracing.positions)


@quiet()
def _traced(network: nn.Layer, window_shape: Sequence[int]) -> Any:
    """Paddle's trace of `network`, which has to live as long as the values of its program."""
    spec = paddle.static.InputSpec([1, *window_shape], "float32", "window")
    static = paddle.jit.to_static(network.forward, input_spec=[spec], full_graph=True)
    return static.concrete_program


class _Tracing:
    """The union-find over the dimensions of a program's values."""

    def __init__(self, program: Any, network: nn.Layer) -> None:
        self.operators = list(program.global_block().ops)
        names = {tensor.name: name for name, tensor in network.state_dict().items()}
        self.parameters: dict[Any, tuple[str, tuple[int, ...]]] = {}
        self.parents: dict[Node, Node] = {}
        self.frozen: list[Node] = []
        self.positions: dict[str, int] = {}
        self.used: set[Any] = set()
        for operator in self.operators:
            if operator.name() == "builtin.parameter":
                [value] = operator.results()
                if name := names.get(operator.attrs()["parameter_name"]):  # else a constant
                    self.parameters[value.id] = (name, tuple(value.shape))
            self.used |= {value.id for value in _operands(operator)}

    def join(self, operator: Any) -> None:
        """Join the dimensions that are the same channels in `operator`."""
        name = operator.name().rpartition(".")[2].rstrip("_")
        values = _operands(operator)
        results = [value for value in operator.results() if _is_tensor(value)]
        if name in CONSTANTS:
            for value in results if name == "data" else []:
                self._freeze(value)
            return
        rules: dict[str, Callable[[Any, list[Any], Any], bool]] = {
            "conv2d": self._join_convolution,
            "depthwise_conv2d": self._join_convolution,
            "batch_norm": self._join_norm,
            "matmul": self._join_matmul,
            "pool2d": self._join_pooled,
            "mean": self._join_pooled,
            "max": self._join_pooled,
            "flatten": self._join_reshaped,
            "reshape": self._join_reshaped,
            "squeeze": self._join_reshaped,
        }
        rules |= dict.fromkeys(ELEMENTWISE, self._join_elementwise)
        rules |= dict.fromkeys(BROADCAST, self._join_broadcast)
        rule = rules.get(name)
        if rule is None or not rule(operator, values, results[0]):
            for value in [*values, *results]:
                self._freeze(value)

    def freeze_results(self) -> None:
        """Freeze what no operator uses: the network's outputs."""
        for operator in self.operators:
            for value in operator.results():
                if _is_tensor(value) and value.id not in self.used and len(value.shape) > 1:
                    self._freeze(value)

    def groups(self) -> Iterator[tuple[Dimension, ...]]:
        """The dimensions of parameters that belong together and are not frozen, in the order of
        their first parameter's name."""
        frozen = {self._root(node) for node in self.frozen}
        members = defaultdict(list)
        for value, (name, shape) in self.parameters.items():
            for axis in range(min(2, len(shape))):
                root = self._root((value, axis))
                if root not in frozen and shape[axis] > 1:
                    members[root].append(Dimension(name, axis))
        yield from sorted(tuple(sorted(group)) for group in members.values() if len(group) > 1)

    def _join_convolution(self, operator: Any, values: list[Any], result: Any) -> bool:
        inputs, weight = values[:2]
        groups = int(operator.attrs()["groups"])
        if groups not in (1, inputs.shape[1]) or operator.attrs()["data_format"] != "NCHW":
            return False
        if weight.id in self.parameters:
            self.positions[self.parameters[weight.id][0]] = prod(result.shape[2:])
        if groups > 1 and groups == result.shape[1]:
            self._union((inputs.id, 1), (weight.id, 0))
        elif groups == 1:
            self._union((inputs.id, 1), (weight.id, 1))
        else:
            return False
        self._union((weight.id, 0), (result.id, 1))
        return True

    def _join_norm(self, operator: Any, values: list[Any], result: Any) -> bool:
        inputs, *parameters = values
        for parameter in parameters:
            self._union((inputs.id, 1), (parameter.id, 0))
        self._union((inputs.id, 1), (result.id, 1))
        return True

    def _join_matmul(self, operator: Any, values: list[Any], result: Any) -> bool:
        inputs, weight = values[:2]
        attributes = operator.attrs()
        transposed = attributes["transpose_x"] or attributes["transpose_y"]
        if transposed or len(inputs.shape) != 2 or len(weight.shape) != 2:
            return False
        if weight.id in self.parameters:
            self.positions[self.parameters[weight.id][0]] = 1
        self._union((inputs.id, 1), (weight.id, 0))
        self._union((weight.id, 1), (result.id, 1))
        return True

    def _join_pooled(self, operator: Any, values: list[Any], result: Any) -> bool:
        inputs = values[0]
        if len(result.shape) < 2 or result.shape[1] != inputs.shape[1]:
            return False
        self._union((inputs.id, 1), (result.id, 1))
        return True

    def _join_reshaped(self, operator: Any, values: list[Any], result: Any) -> bool:
        """Join the one dimension that is not 1, if neither shape has another."""
        inputs = values[0]
        before = [axis for axis, side in enumerate(inputs.shape) if side != 1]
        after = [axis for axis, side in enumerate(result.shape) if side != 1]
        if len(before) != 1 or len(after) != 1:
            return False
        self._union((inputs.id, before[0]), (result.id, after[0]))
        return True

    def _join_elementwise(self, operator: Any, values: list[Any], result: Any) -> bool:
        for axis in range(len(result.shape)):
            self._union((values[0].id, axis), (result.id, axis))
        return True

    def _join_broadcast(self, operator: Any, values: list[Any], result: Any) -> bool:
        rank = len(result.shape)
        for value in values[:2]:
            for axis, side in enumerate(value.shape):
                place = rank - len(value.shape) + axis
                if side == result.shape[place] and side != 1:
                    self._union((value.id, axis), (result.id, place))
        return True

    def _freeze(self, value: Any) -> None:
        self.frozen += [(value.id, axis) for axis in range(len(value.shape))]

    def _union(self, first: Node, second: Node) -> None:
        self.parents[self._root(first)] = self._root(second)

    def _root(self, node: Node) -> Node:
        path = [node]
        while (parent := self.parents.get(path[-1], path[-1])) != path[-1]:
            path.append(parent)
        self.parents.update(dict.fromkeys(path[:-1], path[-1]))
        return path[-1]


def _operands(operator: Any) -> list[Any]:
    """The tensors that `operator` takes, without those that are missing; of a list its tensors."""
    values = [value for value in operator.operands_source() if value is not None]
    lists = [value for value in values if value.initialized() and not _is_tensor(value)]
    inside = [each for value in lists for each in _operands(value.get_defining_op())]
    return [value for value in values if _is_tensor(value)] + inside


def _is_tensor(value: Any) -> bool:
    return bool(value.initialized() and value.is_dense_tensor_type())
