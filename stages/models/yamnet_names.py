"""Where each published array of YAMNet belongs in our layers."""

import re

NAME = re.compile(r"/model/layer(\d+)/(fused|depthwise_conv|pointwise_conv)/conv/Conv\.(\w+)")
PARTS = ("depthwise_conv", "pointwise_conv")
FIRST = 2  # the number of the first pair of them


def place(name: str) -> str | None:
    """The name in our backbone of the published array `name`; None for AudioSet's classifier."""
    if name.startswith("/model/classifier/"):
        return None
    found = NAME.fullmatch(name)
    if found is None:
        raise KeyError(name)
    layer, part, value = found.groups()
    if part == "fused":
        return f"stem.0.{value}"
    return f"convolutions.{2 * (int(layer) - FIRST) + PARTS.index(part)}.0.{value}"
