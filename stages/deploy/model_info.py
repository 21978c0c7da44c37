"""Labels and preprocessing inside an ONNX file, under the names of OpenVINO's Model API, so that
other tools can use the file of a package alone.

Model API reads the entries of `metadata_props` whose key begins with model_info (its
load_parameters_from_onnx). What it has no name for stands under `steps`, as in package.json."""

import json
from collections.abc import Mapping
from typing import Any

PREFIX = "model_info"
RESIZE_TYPES = {
    "stretch": "standard",
    "letterbox": "fit_to_window_letterbox",
    "crop": "crop",
}
LEVELS = 255  # `normalise` scales pixels to 0..1 first, Model API does not


def with_model_info(network: bytes, description: Mapping[str, Any]) -> bytes:
    """The ONNX file `network` with the labels and steps of `description`, a package.json. Equal
    input gives equal bytes."""
    import onnx

    model = onnx.load_model_from_string(network)
    remaining = [entry for entry in model.metadata_props if not entry.key.startswith(f"{PREFIX} ")]
    entries = {entry.key: entry.value for entry in remaining}
    entries |= {f"{PREFIX} {key}": text for key, text in model_info(description).items()}
    del model.metadata_props[:]
    for key in sorted(entries):
        model.metadata_props.add(key=key, value=entries[key])
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def model_info(description: Mapping[str, Any]) -> dict[str, str]:
    """The entries for a package with this `description`, without the prefix."""
    before = {step["step"]: step.get("args", {}) for step in description["before"]}
    steps = {name: description[name] for name in ("before", "after")}
    found = {
        "labels": " ".join("_".join(label.split()) for label in description["labels"]),
        "steps": json.dumps(steps, sort_keys=True),
    }
    if description.get("answers", "labels") == "labels" and "decode_picture" in before:
        found |= {"model_type": "Classification", "multilabel": "False"}
        found |= {"output_raw_scores": "True" if "softmax" in _after(description) else "False"}
    if description.get("threshold") is not None:
        found |= {"confidence_threshold": f"{description['threshold']:.6g}"}
    if "normalise" in before:
        arguments = before["normalise"]
        found |= {
            "mean_values": _numbers(arguments["mean"]),
            "scale_values": _numbers(arguments["std"]),
            "reverse_input_channels": "False",  # pictures are RGB
        }
    if "resize" in before:
        fit = before["resize"].get("fit", "stretch")
        found |= {"resize_type": RESIZE_TYPES[fit]}
        if fit == "letterbox":
            found |= {"pad_value": str(before["resize"].get("fill", 128))}
    return found


def _after(description: Mapping[str, Any]) -> set[str]:
    return {step["step"] for step in description["after"]}


def _numbers(values: list[float]) -> str:
    """Numbers of 0..1 as those of 0..255, separated by spaces."""
    return " ".join(f"{LEVELS * value:.6g}" for value in values)
