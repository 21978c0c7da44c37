"""Writes a plan as C: model.h, model.c and the kernels that it calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.deploy.c_source import templates
from stages.deploy.c_source.lowering import Argument, Operation, Plan, Struct
from stages.deploy.c_source.memory import Layout, layout
from stages.runtime.errors import ConfigError

TEMPLATES = Path(templates.__path__[0])
TYPES = {"float32": "float", "int8": "int8_t", "uint8": "uint8_t", "int32": "int32_t"}
LINE = 96  # characters of an array's line


@dataclass(frozen=True)
class ModelSource:
    """C files by name, and what the network takes of a device: bytes of its weights and its arena
    of activations, and multiplications for one window."""

    files: Mapping[str, bytes]
    weight_bytes: int
    arena_bytes: int
    multiplications: int


def model_source(plan: Plan, labels: Sequence[str], title: str, most_weights: int) -> ModelSource:
    """The C files of `plan`. `labels`: in the order of the outputs. `title`: for comments.
    `most_weights`: bytes.

    Raises ConfigError if the weights are larger."""
    arena = layout(plan)
    arrays = _Arrays()
    calls = [_call(operation, arena, arrays) for operation in plan.operations]
    if arrays.bytes > most_weights:
        raise ConfigError(
            f"The network's weights take {arrays.bytes / 1e6:.1f} MB as C source, at most "
            f"{most_weights / 1e6:.0f} MB are taken.",
            "Choose a small family in train.families, as small_image, small_audio or a searched "
            "one, or put int8 first in deploy.ladder.",
        )
    facts = {
        "title": title,
        "inputs": plan.input.size,
        "input_shape": " x ".join(map(str, plan.input.shape[1:])),
        "outputs": plan.output.size,
        "arena": arena.size,
        "weights": arrays.bytes,
        "labels": len(labels),
        "label_lines": "\n".join(f"    {quoted(label)}," for label in labels),
        "arrays": arrays.text,
        "calls": "\n".join(calls),
        "input_offset": arena.offsets[plan.input.buffer],
        "output_offset": arena.offsets[plan.output.buffer],
    }
    names = ["kernels.h", "window.h", "kernels_f32.c", "model.h", "model.c"]
    if any(operation.kernel.endswith("u8") for operation in plan.operations):
        names.append("kernels_u8.c")
    files = {name: filled(name, facts) for name in names}
    return ModelSource(files, arrays.bytes, arena.size, plan.multiplications)


def filled(name: str, facts: Mapping[str, Any]) -> bytes:
    """The template of the file `name` with `facts` in place of its $names."""
    text = (TEMPLATES / f"{name}.tmpl").read_text(encoding="utf-8")
    return Template(text).substitute(facts).encode()


def quoted(text: str) -> str:
    """`text` as a C string, in which all but ASCII letters, digits and harmless signs stand as
    octal codes of UTF-8."""
    plain = (chr(code) if _harmless(code) else f"\\{code:03o}" for code in text.encode())
    return f'"{"".join(plain)}"'


def _harmless(code: int) -> bool:
    return (chr(code).isalnum() and code < 128) or chr(code) in " _-.,:;()+=#%&'"


def number(value: float) -> str:
    """A float32 number as C writes it, with all its digits."""
    value = float(np.float32(value))
    if abs(value) == inf:
        return "INFINITY" if value > 0 else "-INFINITY"
    text = f"{value:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def array(name: str, values: NDArray[Any]) -> str:
    """`values` as the definition of a constant array."""
    flat = values.reshape(-1)
    texts = map(number, flat) if values.dtype == np.float32 else map(str, flat.tolist())
    lines, line = [], ""
    for text in texts:
        if len(line) + len(text) > LINE:
            lines.append(line.rstrip())
            line = ""
        line += f"{text}, "
    body = "\n    ".join([*lines, line.rstrip()])
    kind = TYPES[values.dtype.name]
    return f"static const {kind} {name}[{len(flat)}] = {{\n    {body}\n}};\n"


class _Arrays:
    """The constant arrays of a model; equal ones stand there once."""

    def __init__(self) -> None:
        self.bytes = 0
        self._texts: dict[str, str] = {}
        self._names: dict[tuple[str, bytes], str] = {}

    @property
    def text(self) -> str:
        return "\n".join(self._texts.values())

    def add(self, values: NDArray[Any]) -> str:
        """Its name."""
        key = (values.dtype.name, values.tobytes())
        if key not in self._names:
            name = self._names[key] = f"w{len(self._names)}"
            self._texts[name] = array(name, values)
            self.bytes += values.nbytes
        return self._names[key]

    def record(self, record: Struct) -> str:
        """A pointer to a constant struct."""
        fields = ", ".join(f".{name} = {_field(value)}" for name, value in record.fields.items())
        text = f"{record.struct} {{{fields}}}"
        key = (record.struct, text.encode())
        if key not in self._names:
            name = self._names[key] = f"s{len(self._names)}"
            self._texts[name] = f"static const struct {record.struct} {name} = {{{fields}}};\n"
        return f"&{self._names[key]}"


def _field(value: int | Sequence[int]) -> str:
    return str(value) if isinstance(value, int) else f"{{{', '.join(map(str, value))}}}"


def _call(operation: Operation, arena: Layout, arrays: _Arrays) -> str:
    written, read = _kinds(operation.kernel)
    operands = [
        _place(read, arena, operand) if isinstance(operand, str) else arrays.add(operand)
        for operand in operation.operands
    ]
    arguments = [_argument(argument, arrays) for argument in operation.arguments]
    output = _place(written, arena, operation.output)
    return f"    {operation.kernel}({', '.join([*operands, output, *arguments])});"


def _kinds(kernel: str) -> tuple[str, str]:
    """The kinds of numbers that a kernel writes and reads."""
    kind = "U8" if kernel.endswith("_u8") else "F32"
    return {"quantize_u8": ("U8", "F32"), "dequantize_f32": ("F32", "U8")}.get(kernel, (kind, kind))


def _place(kind: str, arena: Layout, buffer: str) -> str:
    return f"{kind}({arena.offsets[buffer]})"


def _argument(argument: Argument, arrays: _Arrays) -> str:
    if isinstance(argument, Struct):
        return arrays.record(argument)
    return str(argument) if isinstance(argument, int) else number(argument)
