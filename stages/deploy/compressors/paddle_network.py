"""An ONNX network in Paddle, as it was exported or quantised (QDQ format), through which gradients
flow. The 8-bit weights and the biases of a quantised one can be trained.

Rounding is simulated in floats at the places and with the scales of the file: Jacob et al. (2018),
Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR,
arXiv:1712.05877, section 3. Its gradient is that of the straight-through estimator: Bengio,
Leonard, Courville (2013), arXiv:1308.3432, section 4."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import paddle
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from paddle.autograd import PyLayer

from stages.deploy.compressors.layer_weights import LEVELS, OUTPUT_AXES
from stages.deploy.compressors.paddle_operators import OPERATORS, Tensor
from stages.runtime.backends import numpy_shapes  # noqa: F401 - registers its layers
from stages.runtime.backends.numpy_layers import LAYERS

QUANTISE, DEQUANTISE = "QuantizeLinear", "DequantizeLinear"
QUANTISED = "_quantized"  # what ONNX Runtime appends to the name of a weight
BIAS_STEPS = 64  # of a bias in 32 bits are as much as a step of a weight with a usual activation
SCALE_UNIT = 2  # of the logarithm of a scale, beside steps of weights

Values = dict[str, Any]


class UnsupportedOperator(ValueError):
    """An operator that cannot be computed in Paddle here; the message names it."""


class FakeQuantise(PyLayer):  # type: ignore[misc]
    """`x` rounded to whole steps of `scale`, a tensor of one number, between `low` and `high` of
    them, halves to the even one.

    The gradient passes to `x` unchanged where that rounds to a step within these, and is 0 beyond;
    that of `scale` is the one of learned step size quantisation (Esser et al. 2019,
    arXiv:1902.08153, equation 3)."""

    @staticmethod
    def forward(context: Any, x: Tensor, scale: Tensor, low: float, high: float) -> Tensor:
        """`x` as 8 bits would hold it."""
        context.save_for_backward(x, scale)
        context.limits = (low, high)
        context.wanted = (not x.stop_gradient, not scale.stop_gradient)
        return (x / scale).round().clip(low, high) * scale

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """The straight-through estimates for `x` and `scale`, None where it is a constant."""
        x, scale = context.saved_tensor()
        low, high = context.limits
        steps = x / scale
        inside = paddle.logical_and(steps >= low - 0.5, steps <= high + 0.5).astype(x.dtype)
        of_x = gradient * inside if context.wanted[0] else None
        if not context.wanted[1]:
            return of_x, None
        slope = steps.round().clip(low, high) - steps * inside
        return of_x, (gradient * slope).sum().reshape(scale.shape)


@dataclass(frozen=True)
class Trainable:
    """Whole numbers of the file that are trained: `parameter`, in units of `unit` of them; what
    they stand for is `parameter` times `scales`. Weights are rounded, biases need not be: their
    steps are far finer than those of weights."""

    parameter: Tensor
    scales: Tensor
    unit: int
    kind: Any

    @property
    def value(self) -> Tensor:
        """The weights, or the bias, that the layer uses."""
        if self.unit != 1:
            return self.parameter * self.scales
        step = paddle.ones([1])
        return FakeQuantise.apply(self.parameter, step, -LEVELS, LEVELS) * self.scales

    def whole(self, factor: float = 1.0) -> NDArray[Any]:
        """The numbers for the file, where their scales are multiplied by `factor`."""
        limits = (-LEVELS, LEVELS) if self.unit == 1 else (-(2**31), 2**31 - 1)
        numbers = np.rint(self.parameter.numpy().astype(np.float64) * self.unit / factor)
        found: NDArray[Any] = np.clip(numbers, *limits).astype(self.kind)
        return found


@dataclass(frozen=True)
class _Node:
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


class PaddleNetwork:
    """Computes the ONNX `model`, whose first input is the window. `trainable`: the whole numbers of
    the file that can be trained, by their names in it; `growth`: by the names of the scales of its
    activations, what they are multiplied by, as a logarithm in units of SCALE_UNIT."""

    def __init__(self, model: Any) -> None:
        graph = model.graph
        self.constants: Values = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        self.input = next(each.name for each in graph.input if each.name not in self.constants)
        self.outputs = [output.name for output in graph.output]
        self.trainable: dict[str, Trainable] = {}
        self.growth: dict[str, Tensor] = {}
        self._trained: dict[str, Trainable] = {}  # by the name of the value in floats
        self._nodes = [
            _Node(
                node.op_type,
                tuple(node.input),
                tuple(node.output),
                {item.name: _attribute(item) for item in node.attribute},
            )
            for node in graph.node
        ]
        self._inputs_of_biases = _inputs_of_biases(self._nodes)
        self._nodes = [node for node in self._nodes if not self._is_ready(node)]
        for node in self._nodes:
            if node.operator == QUANTISE:
                zero = paddle.nn.initializer.Constant(0.0)
                self.growth[node.inputs[1]] = paddle.create_parameter(
                    [1], "float32", default_initializer=zero
                )
        self._tensors: Values = {}  # constants as Paddle has them
        self._last = self._last_uses()

    def start_from(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Let trainable weights begin at those of the network before it was quantised, by their
        names in it; with whole numbers, all weights would be equally far from the next ones."""
        for name, numbers in self.trainable.items():
            found = weights.get(name.partition(QUANTISED)[0])
            if found is not None and found.shape == tuple(numbers.parameter.shape):
                steps = found / numbers.scales.numpy()
                if np.array_equal(np.clip(np.rint(steps), -LEVELS, LEVELS), numbers.whole()):
                    numbers.parameter.set_value(np.clip(steps, -LEVELS, LEVELS))

    @property
    def parameters(self) -> list[Tensor]:
        """All that can be trained."""
        return [*(numbers.parameter for numbers in self.trainable.values()), *self.growth.values()]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is to stand in the file instead, by name: the numbers of weights and biases, and the
        scales of activations and of the biases of the layers that read these."""
        factors = {name: float(_factor(growth)) for name, growth in self.growth.items()}
        found: dict[str, NDArray[Any]] = {
            name: np.asarray(self.constants[name] * factor, np.float32)
            for name, factor in factors.items()
        }
        for name, numbers in self.trainable.items():
            scale = self._inputs_of_biases.get(name)
            factor = factors[scale.activation] if scale else 1.0
            found[name] = numbers.whole(factor)
            if scale:
                found[scale.bias] = np.asarray(self.constants[scale.bias] * factor, np.float32)
        return found

    def run(self, window: Tensor) -> list[Tensor]:
        """The outputs for a batch [n, ...], in the file's order. Raises UnsupportedOperator."""
        values = self._values(window)
        for _ in self._computed(values):
            pass
        return [values[name] for name in self.outputs]

    def numbers(self, window: Tensor) -> int:
        """How many numbers all operators compute for `window`: what a gradient remembers."""
        with paddle.no_grad():
            return sum(_size(value) for value in self._computed(self._values(window)))

    def _values(self, window: Tensor) -> Values:
        trained = {name: numbers.value for name, numbers in self._trained.items()}
        scales = {
            name: paddle.to_tensor(self.constants[name]).reshape([1]) * _factor(growth)
            for name, growth in self.growth.items()
        }
        return {self.input: window, **trained, **scales}

    def _computed(self, values: Values) -> Iterator[Any]:
        """Compute node by node into `values`, which loses what no later node needs."""
        for place, node in enumerate(self._nodes):
            found = self._result(node, values)
            results = found if isinstance(found, tuple) else (found,)
            values.update(zip(node.outputs, results, strict=False))
            yield from results
            for name in self._last.get(place, ()):
                values.pop(name, None)

    def _result(self, node: _Node, values: Values) -> Any:
        operands = [self._operand(name, values) for name in node.inputs]
        if node.operator == QUANTISE:
            return self._quantised(operands[0], *operands[1:])
        if node.operator == DEQUANTISE:  # of an activation, which is simulated in floats
            return operands[0]
        is_shape = not any(isinstance(operand, paddle.Tensor) for operand in operands)
        layers = LAYERS if is_shape else OPERATORS
        if node.operator not in layers:
            raise UnsupportedOperator(node.operator)
        if not is_shape:
            operands = [
                self._tensor(name, operand)
                for name, operand in zip(node.inputs, operands, strict=True)
            ]
        try:
            return layers[node.operator](*operands, **node.attributes)
        except (TypeError, ValueError, KeyError, RuntimeError) as error:
            raise UnsupportedOperator(f"{node.operator} '{node.outputs[0]}': {error}") from error

    def _quantised(self, x: Tensor, scale: Tensor, zero: Any) -> Tensor:
        limits = np.iinfo(zero.dtype)
        low, high = (float(limit - int(zero)) for limit in (limits.min, limits.max))
        return FakeQuantise.apply(x, scale, low, high)

    def _operand(self, name: str, values: Values) -> Any:
        if not name:
            return None
        return values[name] if name in values else self.constants[name]

    def _tensor(self, name: str, value: Any) -> Any:
        """`value` as Paddle has it, if it is a constant in floats; shapes stay arrays."""
        if not isinstance(value, np.ndarray) or value.dtype != np.float32:
            return value
        if name not in self._tensors:
            self._tensors[name] = paddle.to_tensor(value)
        return self._tensors[name]

    def _is_ready(self, node: _Node) -> bool:
        """Whether `node` depends on constants alone. Its outputs become constants, or trainable."""
        if not all(name in self.constants for name in node.inputs if name):
            return False
        if node.operator not in LAYERS:
            raise UnsupportedOperator(node.operator)
        operands = [self.constants[name] if name else None for name in node.inputs]
        found = LAYERS[node.operator](*operands, **node.attributes)
        results = found if isinstance(found, tuple) else (found,)
        self.constants.update(zip(node.outputs, results, strict=False))
        if node.operator == DEQUANTISE and (numbers := self._numbers(node)):
            self._trained[node.outputs[0]] = numbers
        return True

    def _numbers(self, node: _Node) -> Trainable | None:
        """The trainable numbers that `node` dequantises: int8 weights and int32 biases."""
        name = node.inputs[0]
        whole, scale = self.constants[name], self.constants[node.inputs[1]]
        is_weight = whole.dtype == np.int8 and whole.ndim >= 2
        if not is_weight and whole.dtype != np.int32:
            return None
        if name not in self.trainable:
            unit = 1 if is_weight else BIAS_STEPS
            sides = [1] * whole.ndim
            if scale.size > 1:
                sides[node.attributes.get("axis", 1)] = -1
            scales = paddle.to_tensor((scale * np.float32(unit)).reshape(sides))
            start = paddle.nn.initializer.Assign((whole / unit).astype(np.float32))
            parameter = paddle.create_parameter(whole.shape, "float32", default_initializer=start)
            self.trainable[name] = Trainable(parameter, scales, unit, whole.dtype)
        return self.trainable[name]

    def _last_uses(self) -> dict[int, list[str]]:
        """For each node, by its place, the values that no later one needs."""
        last: dict[str, int] = {}
        for place, node in enumerate(self._nodes):
            last.update(dict.fromkeys((*node.inputs, *node.outputs), place))
        frees: dict[int, list[str]] = {}
        for name, place in last.items():
            if name not in self.outputs:
                frees.setdefault(place, []).append(name)
        return frees


class _Scales(NamedTuple):
    """The names of the scale of a layer's bias, and of the scale of its input."""

    bias: str
    activation: str


def _inputs_of_biases(nodes: Sequence[_Node]) -> dict[str, _Scales]:
    """The scales of each bias, by the name of its numbers."""
    makers = {name: node for node in nodes for name in node.outputs if node.operator == DEQUANTISE}
    found = {}
    for node in nodes:
        read, bias = (makers.get(name) for name in (*node.inputs[:3:2], "", "")[:2])
        if node.operator in OUTPUT_AXES and read and bias:
            found[bias.inputs[0]] = _Scales(bias.inputs[1], read.inputs[1])
    return found


def _factor(growth: Tensor) -> Tensor:
    return paddle.exp(growth * SCALE_UNIT)


def _size(value: Any) -> int:
    return int(np.prod(value.shape))


def _attribute(attribute: Any) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    return numpy_helper.to_array(value) if hasattr(value, "data_type") else value
