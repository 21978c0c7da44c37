"""Where each published tensor of an EfficientNet-Lite belongs in our layers."""

import re

UNITS = {
    "_conv_stem": "stem.convolution",
    "_bn0": "stem.norm",
    "_conv_head": "top.convolution",
    "_bn1": "top.norm",
}
BLOCK_UNITS = {
    "_expand_conv": "expand.convolution",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.convolution",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.convolution",
    "_bn2": "project.norm",
}
VALUES = {"weight": "weight", "bias": "bias", "running_mean": "_mean", "running_var": "_variance"}
BLOCKS_TO_16 = 11
NAME = re.compile(r"(?:_blocks\.(\d+)\.)?(\w+)\.(\w+)")


def place(name: str) -> str | None:
    """The name in our backbone of the published tensor `name`; None for ImageNet's classifier and
    counters."""
    found = NAME.fullmatch(name)
    if found is None:
        raise KeyError(name)
    block, unit, value = found.groups()
    if unit == "_fc" or value == "num_batches_tracked":
        return None
    if block is None:
        return f"{UNITS[unit]}.{VALUES[value]}"
    return f"blocks.{block}.{BLOCK_UNITS[unit]}.{VALUES[value]}"


def place_up_to_stride_16(name: str) -> str | None:
    """As `place`, for a backbone of Lite0 that ends before stride 32."""
    found = place(name)
    block = NAME.fullmatch(name)
    behind = block is not None and block[1] is not None and int(block[1]) >= BLOCKS_TO_16
    return None if behind or (found or "").startswith("top.") else found
