"""Reads the ONNX file of a network for pictures that was trained elsewhere, and refuses what cannot
become a package."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stages.runtime.errors import ConfigError, DataError

MOST_BYTES = 1_000_000_000
LONGEST = 300  # characters of what the checker says
DEEPEST = 20  # graphs inside each other
LABELS = ([2],)  # how many sides the outputs of a classifier have
BOXES = ([3], [3, 3])
LOOPS = ("Loop", "Scan")  # operators whose work the file does not bound


def read_network(path: Path, detector: bool = False) -> Any:
    """The ONNX file at `path` as a model, its batch of any size.

    Raises DataError if it is none, too large, or has weights in other files; ConfigError unless it
    has one input of pictures [n, 3, height, width], and one output [n, labels]; a `detector` one or
    two of three sides; all float32."""
    model = _checked(path)
    inputs, outputs = pictures_of(model), list(model.graph.output)
    sides = [sides_of(value) for value in (*inputs, *outputs)]
    ranks = [len(each) for each in sides[len(inputs) :]]
    if len(inputs) != 1 or len(sides[0]) != 4 or ranks not in (BOXES if detector else LABELS):
        raise ConfigError(
            f"{path} has inputs and outputs of {sides}.",
            "Only networks with one input [n, 3, height, width] can be imported: classifiers with "
            "one output [n, labels], and with --boxes detectors with boxes and scores [n, rows, "
            "...] before suppression.",
        )
    if sides[0][1] not in (0, 3):
        raise ConfigError(
            f"{path} takes pictures of {sides[0][1:]}, and channels have to come first.",
            "Export it with inputs [n, 3, height, width].",
        )
    for value in (*inputs, *outputs):
        _check_type(value, path)
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    return model


def pictures_of(model: Any) -> list[Any]:
    """The inputs of `model` that are no constants."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constants]


def sides_of(value: Any) -> list[int]:
    """The sides of a tensor; 0 for one of any size."""
    return [max(0, side.dim_value) for side in value.type.tensor_type.shape.dim]


def _checked(path: Path) -> Any:
    """The model at `path`, checked by ONNX's own checker, which is not to open other files."""
    import onnx

    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(
                f"{path} has more than {MOST_BYTES / 1e9:g} GB.", "Import a smaller one."
            )
        model = onnx.load_model(str(path), load_external_data=False)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.", "Name an ONNX file.") from error
    except DataError:
        raise
    except Exception as error:  # protobuf's exceptions share no base with others
        raise DataError(f"{path} is no ONNX file.", "Export the model to ONNX again.") from error
    _check_loops(model, path)
    if any(tensor.data_location == tensor.EXTERNAL for tensor in _tensors(model)):
        raise DataError(f"{path} has weights in other files.", "Save it as a single file.")
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # the checker's exceptions share no base
        reason = " ".join(str(error).split())[:LONGEST] or type(error).__name__
        raise DataError(
            f"{path} is no ONNX file that can be used: {reason}.", "Export the model to ONNX again."
        ) from error
    return model


def _check_loops(model: Any, path: Path) -> None:
    """Raise ConfigError for operators that repeat a graph: one answer might never end."""
    for graph in _graphs(model):
        for node in graph.node:
            if node.op_type in LOOPS:
                raise ConfigError(
                    f"{path} has the operator {node.op_type}, which repeats a part of the network "
                    "as often as it likes.",
                    "Export the network without loops, and a detector without suppression; in "
                    "PyTorch that is tracing, not scripting.",
                )


def _graphs(model: Any) -> Iterator[Any]:
    """Yield the graph of `model`, its functions and all graphs inside them.

    Raises DataError if graphs are nested too deep."""
    graphs = [(model.graph, 0), *((function, 0) for function in model.functions)]
    while graphs:
        graph, depth = graphs.pop()
        if depth > DEEPEST:
            raise DataError("The network's graphs are nested too deep.", "Export it without loops.")
        yield graph
        for attribute in (each for node in graph.node for each in node.attribute):
            inner = [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]
            graphs += [(each, depth + 1) for each in inner]


def _tensors(model: Any) -> Iterator[Any]:
    """Yield every tensor of `model`: weights and constants, also those of inner graphs. Raises what
    `_graphs` raises."""
    for graph in _graphs(model):
        yield from getattr(graph, "initializer", ())
        for sparse in getattr(graph, "sparse_initializer", ()):
            yield from (sparse.values, sparse.indices)
        for attribute in (each for node in graph.node for each in node.attribute):
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)


def _check_type(value: Any, path: Path) -> None:
    """Raise ConfigError unless `value` is of float32."""
    from onnx import TensorProto

    found = value.type.tensor_type.elem_type
    if found != TensorProto.FLOAT:
        has_name = found in TensorProto.DataType.values()
        name = TensorProto.DataType.Name(found) if has_name else found
        raise ConfigError(
            f"{path} has a tensor '{value.name[:80]}' of {name} at its input or output.",
            "Export it with float32 pictures as input and float32 scores as output.",
        )
