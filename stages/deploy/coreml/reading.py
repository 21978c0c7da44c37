"""Reads a written program of Core ML back and computes it with numpy: its operators, arguments and
weights as they lie in the file, by what coremltools' documentation says of each operator.

Apple's own runtime, which is only on macOS and iOS, may compute otherwise."""

import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.runtime.backends import numpy_shapes  # noqa: F401 - registers its layers
from stages.runtime.backends.numpy_layers import LAYERS

Array = NDArray[Any]
Arguments = Mapping[str, Any]
SENTINEL = 0xDEADBEEF  # before each array in the file of weights
KINDS = {10: np.float16, 11: np.float32, 23: np.int32}  # of MIL.proto's DataType
PER_PICTURE = 2  # axes before a picture's sides


def computed(specification: Any, weights: bytes, window: Array) -> Array:
    """The output for one `window`: of a classifier its scores [labels]. Raises ValueError, naming
    it, for what a program of this project does not have."""
    function = specification.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    values: dict[str, Any] = {function.inputs[0].name: np.asarray(window, np.float32)}
    for operation in block.operations:
        if operation.type == "classify":
            scores: Array = values[operation.inputs["probabilities"].arguments[0].name].reshape(-1)
            return scores
        found = _result(operation, values, weights)
        outputs = found if isinstance(found, tuple) else (found,)
        for output, value in zip(operation.outputs, outputs, strict=True):
            shape = tuple(d.constant.size for d in output.type.tensorType.dimensions)
            if operation.type != "const" and np.shape(value) != shape:
                raise ValueError(f"{operation.type} gives {np.shape(value)}, not {shape}")
            values[output.name] = value
    answer: Array = values[block.outputs[0]]
    return answer


def _result(operation: Any, values: Mapping[str, Any], weights: bytes) -> Any:
    if operation.type == "const":
        return _value(operation.attributes["val"], weights)
    if operation.type not in RULES:
        raise ValueError(f"no rule for {operation.type}")
    arguments = {
        key: [
            values[argument.name]
            if argument.WhichOneof("binding") == "name"
            else _value(argument.value, weights)
            for argument in bound.arguments
        ]
        for key, bound in operation.inputs.items()
    }
    return RULES[operation.type](
        {key: found if key == "values" else found[0] for key, found in arguments.items()}
    )


def _value(value: Any, weights: bytes) -> Any:
    """A constant: numbers as an array or one number, text as it is."""
    kind = value.type.tensorType
    shape = [dimension.constant.size for dimension in kind.dimensions]
    if value.WhichOneof("value") == "blobFileValue":
        sentinel, _, size, offset = struct.unpack_from("<IIQQ", weights, value.blobFileValue.offset)
        if sentinel != SENTINEL:
            raise ValueError("the file of weights has no array where the program says")
        stored = np.frombuffer(weights[offset : offset + size], KINDS[kind.dataType])
        return stored.reshape(shape).astype(np.float32 if stored.dtype.kind == "f" else np.int64)
    tensor = value.immediateValue.tensor
    name = tensor.WhichOneof("value")
    if name == "bytes":
        stored = np.frombuffer(tensor.bytes.values, KINDS[kind.dataType])
        found: list[Any] = stored.astype(np.float32 if stored.dtype.kind == "f" else int).tolist()
    else:
        found = list(getattr(tensor, name).values)
    if name == "strings" or not shape:
        return found[0]
    return np.asarray(found).reshape(shape)


def _pads(arguments: Arguments) -> list[int]:
    """Padding as ONNX orders it: all that is before, then all behind."""
    pads = [int(width) for width in arguments["pad"]]
    return pads[::2] + pads[1::2]


def _whole(numbers: Any) -> list[int]:
    return [int(number) for number in np.atleast_1d(numbers)]


def _conv(a: Arguments) -> Any:
    return LAYERS["Conv"](
        a["x"], a["weight"], a.get("bias"), strides=_whole(a["strides"]), pads=_pads(a),
        dilations=_whole(a["dilations"]), group=int(a["groups"]),
    )  # fmt: skip


def _pool(operator: str, a: Arguments) -> Any:
    fields = {"ceil_mode": int(bool(a["ceil_mode"]))}
    if operator == "AveragePool":
        fields["count_include_pad"] = int(not a["exclude_padding_from_average"])
    sides, strides = _whole(a["kernel_sizes"]), _whole(a["strides"])
    return LAYERS[operator](a["x"], kernel_shape=sides, strides=strides, pads=_pads(a), **fields)


def _reduce(function: Callable[..., Any], a: Arguments) -> Any:
    return function(a["x"], axis=tuple(_whole(a["axes"])), keepdims=bool(a["keep_dims"]))


def _slice(a: Arguments) -> Any:
    places = zip(_whole(a["begin"]), _whole(a["end"]), _whole(a["stride"]), strict=True)
    return a["x"][tuple(slice(*place) for place in places)]


def _pad(a: Arguments) -> Any:
    widths = np.asarray(_whole(a["pad"])).reshape(-1, 2)
    none = np.zeros((a["x"].ndim - len(widths), 2), int)
    return np.pad(a["x"], np.concatenate([none, widths]), constant_values=a["constant_val"])


def _cast(a: Arguments) -> Any:
    if a["dtype"] == "fp16":  # what is computed in 16 bits is computed in 32 here
        return a["x"].astype(np.float16).astype(np.float32)
    return a["x"]


def _bilinear(a: Arguments) -> Any:
    if a["sampling_mode"] != "UNALIGN_CORNERS":
        raise ValueError(f"no rule for {a['sampling_mode']}")
    sides = [int(a[f"target_size_{side}"]) for side in ("height", "width")]
    sizes = np.array([*a["x"].shape[:PER_PICTURE], *sides])
    half = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return LAYERS["Resize"](a["x"], None, None, sizes, **half)


def _nearest(a: Arguments) -> Any:
    rows, columns = (int(a[f"scale_factor_{side}"]) for side in ("height", "width"))
    return a["x"].repeat(rows, axis=-2).repeat(columns, axis=-1)


def _hard_sigmoid(a: Arguments) -> Any:
    return np.clip(a["alpha"] * a["x"] + a["beta"], 0, 1)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


RULES: dict[str, Callable[[Arguments], Any]] = {
    "identity": lambda a: a["x"],
    "relu": lambda a: np.maximum(a["x"], 0),
    "relu6": lambda a: np.clip(a["x"], 0, 6),
    "clip": lambda a: np.clip(a["x"], a["alpha"], a["beta"]),
    "sigmoid": lambda a: _sigmoid(a["x"]),
    "silu": lambda a: a["x"] * _sigmoid(a["x"]),
    "sigmoid_hard": _hard_sigmoid,
    "leaky_relu": lambda a: np.where(a["x"] < 0, a["alpha"] * a["x"], a["x"]),
    "tanh": lambda a: np.tanh(a["x"]),
    "sqrt": lambda a: np.sqrt(a["x"]),
    "exp": lambda a: np.exp(a["x"]),
    "log": lambda a: np.log(a["x"] + a.get("epsilon", 0)),
    "abs": lambda a: np.abs(a["x"]),
    "floor": lambda a: np.floor(a["x"]),
    "round": lambda a: np.rint(a["x"]),
    "add": lambda a: a["x"] + a["y"],
    "sub": lambda a: a["x"] - a["y"],
    "mul": lambda a: a["x"] * a["y"],
    "real_div": lambda a: a["x"] / a["y"],
    "pow": lambda a: a["x"] ** a["y"],
    "maximum": lambda a: np.maximum(a["x"], a["y"]),
    "minimum": lambda a: np.minimum(a["x"], a["y"]),
    "conv": _conv,
    "max_pool": lambda a: _pool("MaxPool", a),
    "avg_pool": lambda a: _pool("AveragePool", a),
    "linear": lambda a: a["x"] @ a["weight"].T + a.get("bias", 0),
    "matmul": lambda a: np.matmul(a["x"], a["y"]),
    "softmax": lambda a: LAYERS["Softmax"](a["x"], axis=int(a["axis"])),
    "reduce_mean": lambda a: _reduce(np.mean, a),
    "reduce_sum": lambda a: _reduce(np.sum, a),
    "reduce_max": lambda a: _reduce(np.max, a),
    "reshape": lambda a: a["x"].reshape(_whole(a["shape"])),
    "expand_dims": lambda a: np.expand_dims(a["x"], tuple(_whole(a["axes"]))),
    "squeeze": lambda a: np.squeeze(a["x"], tuple(_whole(a["axes"]))),
    "transpose": lambda a: a["x"].transpose(_whole(a["perm"])),
    "concat": lambda a: np.concatenate(a["values"], axis=int(a["axis"])),
    "slice_by_index": _slice,
    "pad": _pad,
    "gather": lambda a: np.take(a["x"], np.asarray(a["indices"], int), axis=int(a["axis"])),
    "upsample_nearest_neighbor": _nearest,
    "resize_bilinear": _bilinear,
    "cast": _cast,
}
