"""Counts the pair sums of one layer that do not fit into 16 bits, and computes its output with
them."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.saturation.layers import Bytes, Layer, Window

LOWEST, HIGHEST = -(2**15), 2**15 - 1
# A sum can only exceed 16 bits if a0 * |w0| + a1 * |w1| does, and no weight is larger than 128.
LEAST_ACTIVATION_SUM = HIGHEST // 128

Integers = NDArray[np.int64]


class PairSums(NamedTuple):
    """The pair sums of one layer: how many there are, how many `saturated`, and by how much a sum
    exceeds the 16 bits at most (`furthest`)."""

    total: int
    saturated: int
    furthest: int


class Beyond(NamedTuple):
    """Sums of `output_channel` that exceed 16 bits, at flat indexes `places` of its output map."""

    output_channel: int
    places: NDArray[np.intp]
    sums: Integers

    @property
    def excess(self) -> Integers:
        """By how much each sum exceeds the 16 bits; negative below the lowest number."""
        excess: Integers = self.sums - np.clip(self.sums, LOWEST, HIGHEST)
        return excess


def pair_sums(layer: Layer, activations: Bytes) -> PairSums:
    """Count the pair sums of `layer` for its 8-bit input `activations`."""
    if layer.depthwise:
        return PairSums(0, 0, 0)
    planes = Planes(layer, activations)
    pairs = -(-layer.ordered.shape[1] // 2)
    found = list(beyond(layer, planes))
    return PairSums(
        total=planes.places * len(layer.weights) * pairs,
        saturated=sum(len(pair.places) for pair in found),
        furthest=max((int(np.abs(pair.excess).max()) for pair in found), default=0),
    )


def accumulated(layer: Layer, activations: Bytes, saturating: bool) -> Integers:
    """The accumulators of `layer`, int64 [places, out]: the sums of all products, less those of the
    zero point. `places` runs over the output map of the first sample, then of the next.
    `saturating`: clip each pair sum to 16 bits, as processors without VNNI do."""
    planes = Planes(layer, activations)
    weights = layer.ordered.astype(np.float64)  # integers are exact up to 2 ** 53
    sums = np.empty((planes.places, len(weights)), np.int64)
    for group, channels in enumerate(_channels(layer)):
        columns = [planes.plane(group, index) for index in range(weights.shape[1])]
        products = np.stack(columns, axis=1).astype(np.float64) @ weights[channels].T
        sums[:, channels] = products.astype(np.int64)
    if saturating and not layer.depthwise:
        for pair in beyond(layer, planes):
            sums[pair.places, pair.output_channel] -= pair.excess
    sums -= layer.zero_point * layer.ordered.sum(axis=1, dtype=np.int64)
    return sums


class Planes:
    """The input of a layer, arranged by products: for each product in an output channel's sum, the
    activation at every place of the output map."""

    def __init__(self, layer: Layer, activations: Bytes) -> None:
        self.channels = layer.weights.shape[1]
        self.window = layer.window
        if self.window is None:
            flat = activations.reshape(-1, activations.shape[-1])
            self.by_channel = flat.T
            self.outputs: tuple[int, ...] = (len(flat),)
            self.offsets: list[tuple[int, ...]] = [()]
            return
        sides = layer.weights.shape[2:]
        self.offsets = list(product(*(range(side) for side in sides)))
        half = len(self.window.pads) // 2
        before, after = self.window.pads[:half], self.window.pads[half:]
        around = [(0, 0), (0, 0), *zip(before, after, strict=True)]
        padded = np.pad(activations, around, constant_values=layer.zero_point)
        self.by_channel = np.moveaxis(padded, 1, 0)  # [channel, n, ...]
        output_sides = _output_sides(padded.shape[2:], sides, self.window)
        self.outputs = (len(activations), *output_sides)

    @property
    def places(self) -> int:
        """The number of the output's positions."""
        return int(np.prod(self.outputs))

    def largest(self, groups: int) -> NDArray[np.int64]:
        """The largest activation in each product, or an upper bound of it, [groups, products]."""
        each = self.by_channel.reshape(groups, self.channels, -1).max(axis=2).astype(np.int64)
        return np.tile(each, (1, len(self.offsets)))

    def plane(self, group: int, index: int) -> Bytes:
        """The activations of product `index` in the sums of `group`, uint8 [places]."""
        offset, channel = divmod(index, self.channels)
        found: Bytes = self.by_channel[group * self.channels + channel]
        if self.window is None:
            return found
        offsets, window = self.offsets[offset], self.window
        steps = zip(offsets, window.dilations, window.strides, self.outputs[1:], strict=True)
        slices = [
            slice(at * far, at * far + (n - 1) * step + 1, step) for at, far, step, n in steps
        ]
        return found[(slice(None), *slices)].reshape(-1)


def _output_sides(inputs: Sequence[int], kernel: Sequence[int], window: Window) -> Iterator[int]:
    for length, side, far, step in zip(
        inputs, kernel, window.dilations, window.strides, strict=True
    ):
        yield (length - far * (side - 1) - 1) // step + 1


def beyond(layer: Layer, planes: Planes) -> Iterator[Beyond]:
    """Yield every pair sum that exceeds 16 bits. For speed, only pairs whose weights could reach
    that with the largest activations are computed, and only where both activations are large
    enough."""
    weights = layer.ordered.astype(np.int64)
    if weights.shape[1] % 2:
        weights = np.pad(weights, ((0, 0), (0, 1)))
    largest = planes.largest(layer.groups)
    if largest.shape[1] < weights.shape[1]:
        largest = np.pad(largest, ((0, 0), (0, 1)))
    for group, channels in enumerate(_channels(layer)):
        yield from _beyond(weights, channels, largest[group], group, planes)


def _beyond(
    weights: Integers, channels: range, largest: Integers, group: int, planes: Planes
) -> Iterator[Beyond]:
    mine = weights[channels]
    reach = np.abs(mine) * largest
    reach = reach[:, 0::2] + reach[:, 1::2]
    same_sign = mine[:, 0::2] * mine[:, 1::2] > 0  # one product alone never exceeds 16 bits
    suspects = same_sign & (reach > HIGHEST)
    for pair in np.flatnonzero(suspects.any(axis=0)):
        first, second = planes.plane(group, 2 * pair), planes.plane(group, 2 * pair + 1)
        activation_sums = first.astype(np.int16) + second
        places = np.flatnonzero(activation_sums > LEAST_ACTIVATION_SUM)
        if not len(places):
            continue
        a, b = first[places].astype(np.int64), second[places].astype(np.int64)
        for channel in np.flatnonzero(suspects[:, pair]):
            sums = a * mine[channel, 2 * pair] + b * mine[channel, 2 * pair + 1]
            out = np.flatnonzero((sums > HIGHEST) | (sums < LOWEST))
            if len(out):
                yield Beyond(channels[channel], places[out], sums[out])


def _channels(layer: Layer) -> list[range]:
    """The output channels of each group."""
    each = len(layer.weights) // layer.groups
    return [range(group * each, (group + 1) * each) for group in range(layer.groups)]
