"""Operators that only move numbers, or show them under another shape."""

from collections.abc import Sequence
from math import prod

import numpy as np

from stages.deploy.c_source.graph import Node
from stages.deploy.c_source.integer_operators import rescaled
from stages.deploy.c_source.lowering import (
    VIEWS,
    Lowering,
    Struct,
    Value,
    lacking,
    operator,
)
from stages.runtime.backends.numpy_layers import LAYERS

AXES = 6  # of the arrays that copy and arithmetic take


@operator(*VIEWS)
def view(work: Lowering, node: Node) -> None:
    """The same numbers under another shape."""
    shape = work.graph.shapes[node.outputs[0]]
    work.values[node.outputs[0]] = work.values[node.inputs[0]]._replace(shape=shape)


@operator("Cast")
def cast(work: Lowering, node: Node) -> None:
    if node.attributes["to"] != 1:
        raise lacking(f"Cast of activations to type {node.attributes['to']}")
    view(work, node)


@operator("Transpose")
def transpose(work: Lowering, node: Node) -> None:
    source, shape = work.values[node.inputs[0]], work.graph.shapes[node.outputs[0]]
    order = node.attributes.get("perm") or list(range(len(source.shape)))[::-1]
    strides = steps_of(source.shape)
    moved = [strides[axis] for axis in order]
    work.values[node.outputs[0]] = _copied(work, source, shape, moved, 0)


@operator("Slice")
def slice_(work: Lowering, node: Node) -> None:
    source, shape = work.values[node.inputs[0]], work.graph.shapes[node.outputs[0]]
    places = np.arange(prod(source.shape)).reshape(source.shape)
    found = [work.constant(node, place, "bounds") for place in range(1, len(node.inputs))]
    taken = LAYERS["Slice"](places, *found)
    first, strides = int(taken.reshape(-1)[0]), [step // places.itemsize for step in taken.strides]
    work.values[node.outputs[0]] = _copied(work, source, shape, strides, first)


@operator("Split")
def split(work: Lowering, node: Node) -> None:
    source, start = work.values[node.inputs[0]], 0
    axis = node.attributes.get("axis", 0) % len(source.shape)
    strides = steps_of(source.shape)
    for name in node.outputs:
        shape = work.graph.shapes[name]
        work.values[name] = _copied(work, source, shape, strides, start * strides[axis])
        start += shape[axis]


def _copied(
    work: Lowering, source: Value, shape: tuple[int, ...], strides: Sequence[int], first: int
) -> Value:
    """`source` read with `strides` from its number `first` on, in a buffer of its own."""
    kernel = "copy_f32" if source.quantization is None else "copy_u8"
    record = _copy(shape, strides, first, steps_of(shape), 0)
    return work.emit(kernel, [source.buffer], shape, [record], quantization=source.quantization)


@operator("Concat")
def concat(work: Lowering, node: Node) -> None:
    """Each array is copied to its place; 8-bit ones after a change of scale."""
    shape, start = work.graph.shapes[node.outputs[0]], 0
    axis = node.attributes["axis"] % len(shape)
    quantization = work.quantized_next(node.outputs[0])
    dynamic = [work.values.get(name) for name in node.inputs]
    if not all(value and value.quantization for value in dynamic):
        quantization = None
    value: Value | None = None
    for name in node.inputs:
        piece = rescaled(work, name, quantization).buffer if quantization else work.operand(name)
        sides = work.shape(name)
        record = _copy(sides, steps_of(sides), 0, steps_of(shape), start * steps_of(shape)[axis])
        kernel = "copy_u8" if quantization else "copy_f32"
        value = work.emit(kernel, [piece], shape, [record], quantization=quantization, into=value)
        work.values[node.outputs[0]] = value
        start += sides[axis]


def _copy(
    shape: Sequence[int], taken: Sequence[int], first: int, placed: Sequence[int], start: int
) -> Struct:
    missing = [0] * (AXES - len(shape))
    return Struct(
        "nn_copy",
        {
            "shape": sides_of(shape),
            "from": [*missing, *taken],
            "to": [*missing, *placed],
            "first_from": first,
            "first_to": start,
        },
    )


def sides_of(shape: Sequence[int]) -> list[int]:
    """`shape` with leading sides of 1."""
    if len(shape) > AXES:
        raise lacking(f"an array of {len(shape)} axes")
    return [1] * (AXES - len(shape)) + list(shape)


def steps_of(shape: Sequence[int]) -> list[int]:
    """The distance of neighbours along each axis of an array of `shape`."""
    return [prod(shape[axis + 1 :]) for axis in range(len(shape))]
