"""Networks whose answers can be worked out by hand, as packages: spots of colour, two tones."""

import io
import math
import wave

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw

from tests.runtime.painting import saved

SPOTS = {
    "name": "spots",
    "task": "object_detection",
    "modality": "pictures",
    "noun": "photo",
    "types": ["image/"],
    "answers": "boxes",
    "draws": True,
    "labels": ["red", "blue"],
    "before": [
        {"step": "decode_picture", "args": {}},
        {"step": "resize", "args": {"size": 64}},
        {"step": "normalise", "args": {"mean": [0, 0, 0], "std": [1, 1, 1]}},
        {"step": "to_channels_first", "args": {}},
    ],
    "after": [
        {"step": "decode_boxes", "args": {"size": 64, "strides": [16]}},
        {"step": "suppress", "args": {"overlap": 0.5, "least": 0.02, "most": 100}},
        {"step": "to_pixels", "args": {}},
    ],
    "backend": "onnxruntime",
    "format": "onnx",
    "model": "model.onnx",
    "numeric": "float32",
    "input_shape": [3, 64, 64],
    "threshold": 0.5,
}
RATE, HOP, FRAMES = 8000, 80, 50
TONES = {
    **SPOTS,
    "name": "tones",
    "task": "sound_classification",
    "modality": "sounds",
    "noun": "clip",
    "types": ["audio/"],
    "answers": "labels",
    "draws": False,
    "labels": ["low", "high"],
    "before": [
        {"step": "decode_sound", "args": {"rate": RATE}},
        {
            "step": "log_mel",
            "args": {"rate": RATE, "window": 256, "hop": HOP, "bands": 16, "low": 0, "high": 4000},
        },
        {"step": "windows", "args": {"frames": FRAMES, "overlap": 0, "hop_seconds": HOP / RATE}},
    ],
    "after": [{"step": "mean_of_windows", "args": {}}, {"step": "softmax", "args": {}}],
    "input_shape": [1, 16, FRAMES],
}


def spots_network() -> bytes:
    """(N, 3, H, W) to logits and distances of the cells of 16 pixels: +6 where a cell has the one
    colour of its label, -6 where it is black; every box is half a cell to each side."""
    kernel = 12 * np.array([[1, -1, -1], [-1, -1, 1]], np.float32).reshape(2, 3, 1, 1)
    constants = {
        "kernel": kernel,
        "bias": np.full(2, -6, np.float32),
        "none": np.zeros((4, 3, 1, 1), np.float32),
        "half": np.full(4, 0.5, np.float32),
        "shape_2": np.array([0, 2, -1]),
        "shape_4": np.array([0, 4, -1]),
    }
    nodes = [
        helper.make_node(
            "AveragePool", ["image"], ["cells"], kernel_shape=[16, 16], strides=[16, 16]
        ),
        helper.make_node("Conv", ["cells", "kernel", "bias"], ["seen"]),
        helper.make_node("Reshape", ["seen", "shape_2"], ["flat"]),
        helper.make_node("Transpose", ["flat"], ["logits"], perm=[0, 2, 1]),
        helper.make_node("Conv", ["cells", "none", "half"], ["sides"]),
        helper.make_node("Reshape", ["sides", "shape_4"], ["flat_sides"]),
        helper.make_node("Transpose", ["flat_sides"], ["distances"], perm=[0, 2, 1]),
    ]
    outputs = {"logits": ["n", "p", 2], "distances": ["n", "p", 4]}
    return network(nodes, ["n", 3, "h", "w"], outputs, constants)


def tones_network() -> bytes:
    """(N, 1, 16, frames) in decibel to two logits: the mean of the lower half of the bands, and of
    the upper."""
    half = np.repeat(np.eye(2), 8, axis=0).astype(np.float32) / 64
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["bands"], axes=[1, 3], keepdims=0),
        helper.make_node("MatMul", ["bands", "half"], ["logits"]),
    ]
    return network(nodes, ["n", 1, 16, "f"], {"logits": ["n", 2]}, {"half": half})


def network(nodes, shape, outputs, constants) -> bytes:
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    results = [helper.make_tensor_value_info(*result) for result in _floats(outputs)]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "by_hand", [image], results, weights)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def _floats(outputs):
    return [(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]


def scene(*spots, size=(128, 64)) -> bytes:
    """A black PNG with `spots` (colour, box)."""
    image = Image.new("RGB", size)
    pen = ImageDraw.Draw(image)
    for colour, (left, top, right, bottom) in spots:
        pen.rectangle((left, top, right - 1, bottom - 1), fill=colour)
    return saved(image)


def tune(*tones, rate=RATE, seconds=1.0) -> bytes:
    """A WAV file of `tones` in Hz, one after the other."""
    count = int(rate * seconds)
    parts = [
        [int(12000 * math.sin(2 * math.pi * hertz * k / rate)) for k in range(count)]
        for hertz in tones
    ]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.array(parts, "<i2").tobytes())
    return out.getvalue()
