"""A detector whose boxes can be worked out by hand, in each form that `aiwf import` reads."""

from itertools import count

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from stages.deploy.imported import imported
from stages.deploy.onnx_detector import StatedBoxes
from stages.deploy.pack import write_whole
from stages.deploy.stated_preprocessing import stated
from tests.runtime.painting import saved

SIDE, CELL = 64, 16
CELLS = SIDE // CELL
LABELS = ("red", "blue")
OPTIONS = {"labels": LABELS, "size": SIDE, "mean": (0,) * 3, "std": (1,) * 3, "logits": False}
CORNERS = StatedBoxes("corners", "pixels")
CENTRES = StatedBoxes("centres", "pixels")
FORMS = {
    "apart": CORNERS,
    "apart, shares": StatedBoxes("corners", "shares"),
    "side by side": CENTRES,
    "rows last": CENTRES,
    "with an object": CENTRES,
    "logits": CENTRES,
}


def detector(form: str, cell: int = CELL) -> onnx.ModelProto:
    """Cells of `cell` pixels in a picture of 64: each a box of its own size around it, with the
    mean of its red and of its blue as scores; in one of FORMS."""
    nodes, constants, numbers = [], [], count()

    def constant(values, kind=np.float32):
        constants.append(numpy_helper.from_array(np.asarray(values, kind), f"c{next(numbers)}"))
        return constants[-1].name

    def node(kind, *inputs, **attributes):
        nodes.append(helper.make_node(kind, inputs, [f"v{next(numbers)}"], **attributes))
        return nodes[-1].output[0]

    kernel = np.zeros((2, 3, cell, cell), np.float32)
    kernel[0, 0], kernel[1, 2] = 1 / cell**2, 1 / cell**2
    cells = node("Conv", "image", constant(kernel), strides=[cell, cell])
    scores = node("Reshape", cells, constant([0, 2, (SIDE // cell) ** 2], np.int64))
    scores = node("Clip", node("Transpose", scores, perm=[0, 2, 1]), constant(0), constant(1))
    if form == "logits":
        least = node("Clip", scores, constant(1e-4), constant(1 - 1e-4))
        scores = node("Log", node("Div", least, node("Sub", constant(1), least)))
    boxes = node("Add", node("Mul", node("Slice", scores, *(constant([k], np.int64) for k in
                 (0, 1, 2))), constant(0)), constant(placed(form, cell)))  # fmt: skip
    outputs = {"boxes": boxes, "scores": scores}
    if form in ("side by side", "rows last", "with an object", "logits"):
        parts = [boxes, scores]
        if form == "with an object":
            parts = [boxes, node("Add", node("Mul", scores, constant([[0, 0]])), constant(0.5))]
            half = node("Slice", parts[1], *(constant([k], np.int64) for k in (0, 1, 2)))
            parts = [boxes, half, scores]
        joined = node("Concat", *parts, axis=2)
        outputs = {
            "all": node("Transpose", joined, perm=[0, 2, 1]) if form == "rows last" else joined
        }
    nodes += [helper.make_node("Identity", [value], [name]) for name, value in outputs.items()]
    picture = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])
    found = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "a", "b"]) for name in outputs
    ]
    graph = helper.make_graph(nodes, "cells", [picture], found, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def placed(form: str, cell: int) -> np.ndarray:
    """The boxes of the cells, [1, cells, 4], in the form that FORMS states."""
    y, x = np.mgrid[0 : SIDE // cell, 0 : SIDE // cell].reshape(2, -1) * cell
    corners = np.stack([x, y, x + cell, y + cell], axis=1)[None].astype(np.float32)
    if FORMS[form].form == "centres":
        corners = np.stack([x + cell / 2, y + cell / 2, *np.full((2, len(x)), cell)], axis=1)[None]
    return corners / SIDE if FORMS[form].unit == "shares" else corners


def photo(width=SIDE, height=SIDE, cell=(1, 2), colour=(255, 0, 0)):
    """A black picture with one cell, (column, row), in `colour`."""
    pixels = np.zeros((height, width, 3), np.uint8)
    x, y = cell
    pixels[y * CELL : (y + 1) * CELL, x * CELL : (x + 1) * CELL] = colour
    return saved(Image.fromarray(pixels))


def packed(model, folder, boxes, **options):
    """Import `model` into the new `folder`, and return the folder."""
    result = imported(model, stated(model, {**OPTIONS, "boxes": boxes, **options}), "cells")
    write_whole(folder, result.files)
    return folder
