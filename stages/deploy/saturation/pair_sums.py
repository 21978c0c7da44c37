"""The pair sums of one layer: which are beyond 16 bits, and what that makes of its output."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.saturation.layers import Bytes, Layer, Window

LOWEST, HIGHEST = -(2**15), 2**15 - 1
# A sum is beyond 16 bits only if a0 * |w0| + a1 * |w1| is, and no weight is larger than 128.
LEAST_TOGETHER = HIGHEST // 128

Integers = NDArray[np.int64]


class PairSums(NamedTuple):
    """`total` sums of one layer, of which so many are beyond 16 bits; and how many steps, at most,
    a pair was off by: the largest difference between the sum and what 16 bits keep of it."""

    total: int
    saturated: int
    furthest: int


class Beyond(NamedTuple):
    """Sums of `output_channel` that are beyond 16 bits, at flat `places` of its output map."""

    output_channel: int
    places: NDArray[np.intp]
    sums: Integers

    @property
    def excess(self) -> Integers:
        """What is lost of each."""
        kept: Integers = self.sums - np.clip(self.sums, LOWEST, HIGHEST)
        return kept


def pair_sums(layer: Layer, activations: Bytes) -> PairSums:
    """All pair sums of `layer` for `activations`, its 8-bit input."""
    if layer.depthwise:
        return PairSums(0, 0, 0)
    planes = Planes(layer, activations)
    pairs = -(-layer.ordered.shape[1] // 2)
    found = list(beyond(layer, planes))
    return PairSums(
        total=planes.places * len(layer.weights) * pairs,
        saturated=sum(len(one.places) for one in found),
        furthest=max((int(np.abs(one.excess).max()) for one in found), default=0),
    )


def accumulated(layer: Layer, activations: Bytes, saturating: bool) -> Integers:
    """[places, out]: the sum of all products, less those of the zero point, as a layer adds them;
    `places` are those of the output map of the first sample, then of the next."""
    planes = Planes(layer, activations)
    weights = layer.ordered.astype(np.float64)  # whole numbers, exact up to 2 ** 53
    sums = np.empty((planes.places, len(weights)), np.int64)
    for group, channels in enumerate(_channels(layer)):
        columns = [planes.plane(group, one) for one in range(weights.shape[1])]
        products = np.stack(columns, axis=1).astype(np.float64) @ weights[channels].T
        sums[:, channels] = products.astype(np.int64)
    if saturating and not layer.depthwise:
        for one in beyond(layer, planes):
            sums[one.places, one.output_channel] -= one.excess
    sums -= layer.zero_point * layer.ordered.sum(axis=1, dtype=np.int64)
    return sums


class Planes:
    """The input of a layer as its products see it: for each product of an output channel's sum,
    the activation at every place of the output map."""

    def __init__(self, layer: Layer, activations: Bytes) -> None:
        self.channels = layer.weights.shape[1]
        self.window = layer.window
        if self.window is None:
            flat = activations.reshape(-1, activations.shape[-1])
            self.maps = flat.T
            self.outputs: tuple[int, ...] = (len(flat),)
            self.offsets: list[tuple[int, ...]] = [()]
            return
        sides = layer.weights.shape[2:]
        self.offsets = list(product(*(range(side) for side in sides)))
        half = len(self.window.pads) // 2
        before, after = self.window.pads[:half], self.window.pads[half:]
        around = [(0, 0), (0, 0), *zip(before, after, strict=True)]
        padded = np.pad(activations, around, constant_values=layer.zero_point)
        self.maps = np.moveaxis(padded, 1, 0)  # [channel, n, ...]
        maps = _output_sides(padded.shape[2:], sides, self.window)
        self.outputs = (len(activations), *maps)

    @property
    def places(self) -> int:
        return int(np.prod(self.outputs))

    def largest(self, groups: int) -> NDArray[np.int64]:
        """[groups, products]: the largest activation that each product sees, or an upper bound."""
        each = self.maps.reshape(groups, self.channels, -1).max(axis=2).astype(np.int64)
        return np.tile(each, (1, len(self.offsets)))

    def plane(self, group: int, index: int) -> Bytes:
        """[places]: the activations of the product `index` in the sums of `group`."""
        offset, channel = divmod(index, self.channels)
        found: Bytes = self.maps[group * self.channels + channel]
        if self.window is None:
            return found
        offsets, window = self.offsets[offset], self.window
        steps = zip(offsets, window.dilations, window.strides, self.outputs[1:], strict=True)
        cuts = [slice(at * far, at * far + (n - 1) * step + 1, step) for at, far, step, n in steps]
        return found[(slice(None), *cuts)].reshape(-1)


def _output_sides(inputs: Sequence[int], kernel: Sequence[int], window: Window) -> Iterator[int]:
    for length, side, far, step in zip(
        inputs, kernel, window.dilations, window.strides, strict=True
    ):
        yield (length - far * (side - 1) - 1) // step + 1


def beyond(layer: Layer, planes: Planes) -> Iterator[Beyond]:
    """Every sum that is beyond 16 bits. Only pairs whose weights could do it, with the largest
    activations that were seen, are looked at, and only at places where both are large enough."""
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
    same_sign = mine[:, 0::2] * mine[:, 1::2] > 0  # else one product alone, which is never enough
    suspects = same_sign & (reach > HIGHEST)
    for pair in np.flatnonzero(suspects.any(axis=0)):
        first, second = planes.plane(group, 2 * pair), planes.plane(group, 2 * pair + 1)
        together = first.astype(np.int16) + second
        places = np.flatnonzero(together > LEAST_TOGETHER)
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
