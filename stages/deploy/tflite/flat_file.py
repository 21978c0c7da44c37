"""A .tflite file as it is written: tensors, constants and operators of one graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.runtime.errors import BackendMissing

Array = NDArray[Any]
SCHEMA_VERSION = 3
IDENTIFIER = b"TFL3"
SIGNATURE = "serving_default"
BYTE_CODES = 127  # operators with a larger number are not in the old field of one byte


def schema() -> Any:
    """The classes of the file format, from LiteRT. Raises BackendMissing without it."""
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise BackendMissing(
            f"LiteRT cannot be loaded here: {error}.", "Run: pip install ai-edge-litert"
        ) from error
    return schema_py_generated


class FlatFile:
    """A graph under construction; tensors are named by their place in it."""

    def __init__(self) -> None:
        self._schema = schema()
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: dict[int, int] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], int] = {}
        self._buffers = [self._schema.BufferT()]  # the first is empty, for tensors without content

    def tensor(self, name: str, shape: Sequence[int], kind: str = "FLOAT32") -> int:
        """A new tensor of `shape` that an operator writes, or an input."""
        tensor = self._schema.TensorT()
        tensor.name, tensor.shape = name, [int(side) for side in shape]
        tensor.type, tensor.buffer = getattr(self._schema.TensorType, kind), 0
        tensor.hasRank = True
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def constant(self, values: Array) -> int:
        """A tensor with the content `values`, float32 or int32; equal ones are one tensor."""
        values = np.ascontiguousarray(values)
        data = values.tobytes()
        key = (values.dtype.name, values.shape, data)
        if key not in self._constants:
            name = f"constant_{len(self._constants)}"
            place = self.tensor(name, values.shape, values.dtype.name.upper())
            buffer = self._schema.BufferT()
            buffer.data = np.frombuffer(data, np.uint8)
            self._buffers.append(buffer)
            self._tensors[place].buffer = len(self._buffers) - 1
            self._constants[key] = place
        return self._constants[key]

    def operator(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str = "",
        **fields: Any,
    ) -> None:
        """Append the built-in operator `name`, with `fields` of its `options`."""
        operator = self._schema.OperatorT()
        code = getattr(self._schema.BuiltinOperator, name)
        operator.opcodeIndex = self._codes.setdefault(code, len(self._codes))
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options:
            operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(self._schema, f"{options}T")()
            for field, value in fields.items():
                setattr(operator.builtinOptions, field, value)
        self._operators.append(operator)

    def rename(self, tensor: int, name: str) -> None:
        """Give `tensor` another name."""
        self._tensors[tensor].name = name

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The shape of `tensor`, with its axes as they are in the file."""
        return tuple(self._tensors[tensor].shape)

    def packed(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file, with these input and output tensors. Equal graphs have equal bytes."""
        schema = self._schema
        graph = schema.SubGraphT()
        graph.tensors, graph.operators, graph.name = self._tensors, self._operators, "main"
        graph.inputs, graph.outputs = list(inputs), list(outputs)
        model = schema.ModelT()
        model.version, model.description = SCHEMA_VERSION, ""
        model.subgraphs, model.buffers = [graph], self._buffers
        model.operatorCodes = [self._code(code) for code in self._codes]
        model.signatureDefs = [self._signature(inputs, outputs)]
        return packed(model)

    def _code(self, number: int) -> Any:
        code = self._schema.OperatorCodeT()
        code.builtinCode, code.version = number, VERSIONS.get(number, 1)
        code.deprecatedBuiltinCode = min(number, BYTE_CODES)
        return code

    def _signature(self, inputs: Sequence[int], outputs: Sequence[int]) -> Any:
        signature = self._schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
        signature.inputs, signature.outputs = (
            [self._named(tensor) for tensor in tensors] for tensors in (inputs, outputs)
        )
        return signature

    def _named(self, tensor: int) -> Any:
        named = self._schema.TensorMapT()
        named.name, named.tensorIndex = self._tensors[tensor].name, tensor
        return named


# The version of an operator that has what is used here, by its number, where that is not the first.
VERSIONS: dict[int, int] = {
    9: 5,  # FULLY_CONNECTED with keepNumDims
}


def packed(model: Any) -> bytes:
    """The `model`, a ModelT of the schema, as the bytes of a file."""
    import flatbuffers

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def unpacked(data: bytes) -> Any:
    """The bytes of a file as a ModelT of the schema."""
    return schema().ModelT.InitFromPackedBuf(data, 0)
