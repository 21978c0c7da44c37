"""Where each published array of YAMNet belongs in our layers."""

import re

NAME = re.compile(r"/model/layer(\d+)/(fused|depthwise_conv|pointwise_conv)/conv/Conv\.(\w+)")
PARTS = {"depthwise_conv": "depthwise", "pointwise_conv": "pointwise"}


def place(name: str) -> str | None:
    """The name in our trunk of the published array `name`; None for AudioSet's classifier."""
    if name.startswith("/model/classifier/"):
        return None
    found = NAME.fullmatch(name)
    if found is None:
        raise KeyError(name)
    layer, part, value = found.groups()
    within = "stem" if part == "fused" else f"{PARTS[part]}.{int(layer) - 2}"
    return f"{within}.0.{value}"
