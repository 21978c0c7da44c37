"""Pruning: chooses the channels of a network that matter least, and cuts them out of its weights;
or sets the smallest weights of each layer to zero, which changes no shape.

Every group of channels (models/channel_groups.py) keeps the same share of its channels, the largest
with which the network has lost the share of multiply-adds that is asked for."""

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.config.distillation import Prune
from stages.models.channel_groups import ChannelGroups, channel_groups
from stages.models.family import Family
from stages.models.network import assemble
from stages.models.weights import Array
from stages.train.distillation.reconstruction import (
    MULTIPLE,
    Group,
    readers_of,
    reconstructed,
    second_moments,
    with_widths,
)

STEPS = 200  # shares of channels that are tried


class PruningCost(NamedTuple):
    """A network before and after it is cut: multiply-adds for one window, parameters, and how many
    channels each group keeps, by the name of its first weight."""

    multiply_adds: tuple[int, int]
    parameters: tuple[int, int]
    widths: dict[str, tuple[int, int]]


class Pruned(NamedTuple):
    """The weights of a pruned network, and by what its channels or weights were chosen: l1 where
    the layers cannot be reconstructed."""

    arrays: dict[str, Array]
    by: str


def pruned_arrays(
    family: Family, arrays: Mapping[str, Array], prune: Prune, windows: Array
) -> Pruned:
    """The weights `arrays` of a network of `family` without the channels that `prune` removes.
    `windows`: of training samples, [n, channels, height, width]."""
    channels = channel_groups_of(family, arrays, windows.shape[1:])
    if prune.by == "reconstruction":
        readers = {name for group in channels.groups for name in readers_of(group, arrays)}
        network = assemble(family.name, arrays)
        moments = second_moments(network, sorted(readers), windows)
        pruned = reconstructed(channels, arrays, prune.share, moments)
        if pruned is not None:
            return Pruned(pruned, prune.by)
    by = "l1" if prune.by == "reconstruction" else prune.by
    return Pruned(prune_network(channels, arrays, prune.model_copy(update={"by": by})), by)


def channel_groups_of(
    family: Family, arrays: Mapping[str, Array], window_shape: Sequence[int]
) -> ChannelGroups:
    """The channel groups of the network of `family` with the weights `arrays`."""
    return channel_groups(assemble(family.name, arrays), window_shape)


def prune_network(
    channels: ChannelGroups, arrays: Mapping[str, Array], prune: Prune
) -> dict[str, Array]:
    """The weights `arrays` of the network with `channels`, without those that `prune` removes."""
    if prune.unstructured:
        smaller = {name: without_smallest(arrays[name], prune.share) for name in channels.positions}
        return {**arrays, **smaller}
    counts = _counts(channels, arrays, prune.share)
    pruned = dict(arrays)
    for group, count in zip(channels.groups, counts, strict=True):
        remaining = np.sort(np.argsort(-importance(group, arrays, prune.by), kind="stable")[:count])
        for name, axis in group:
            pruned[name] = np.take(pruned[name], remaining, axis=axis)
    return pruned


def without_smallest(weights: Array, share: float) -> Array:
    """`weights` with `share` of them, the smallest by absolute value, set to zero (Han et al.,
    Learning both Weights and Connections for Efficient Neural Networks, arXiv 1506.02626)."""
    order = np.argsort(np.abs(weights), axis=None, kind="stable")
    sparse = weights.copy()
    sparse.reshape(-1)[order[: round(share * weights.size)]] = 0
    return sparse


def compressed_bytes(arrays: Mapping[str, Array]) -> int:
    """The bytes of `arrays` after zlib, as a zip file would hold them: where weights are zero, that
    is all that becomes smaller."""
    return sum(len(zlib.compress(array.tobytes())) for array in arrays.values())


def importance(group: Group, arrays: Mapping[str, Array], by: str) -> NDArray[np.float64]:
    """How much each channel of `group` matters, [channels]: the sum over the convolutions that
    produce it, each relative to its mean channel. "l1": of absolute weights (Li et al., Pruning
    Filters for Efficient ConvNets, arXiv 1608.08710); "fpgm": of the distances to all other
    channels, which are small for one that others can replace (He et al., Filter Pruning via
    Geometric Median, arXiv 1811.00250)."""
    total = np.zeros(_width(group, arrays))
    for name, axis in group:
        weight = arrays[name]
        if weight.ndim == 4 and axis == 0:
            filters = weight.reshape(len(weight), -1).astype(np.float64)
            values = np.abs(filters).sum(axis=1) if by == "l1" else _distances(filters)
            total += values / max(values.mean(), np.finfo(np.float64).tiny)
    return total


def pruning_cost(
    channels: ChannelGroups, arrays: Mapping[str, Array], pruned: Mapping[str, Array]
) -> PruningCost:
    """What was cut from the weights `arrays` to become `pruned`."""
    both = [{name: array.shape for name, array in each.items()} for each in (arrays, pruned)]
    before, after = (channels.multiply_adds(shapes) for shapes in both)
    sizes = [sum(array.size for array in each.values()) for each in (arrays, pruned)]
    widths = {
        group[0].name: (_width(group, arrays), _width(group, pruned)) for group in channels.groups
    }
    return PruningCost((before, after), (sizes[0], sizes[1]), widths)


def _counts(channels: ChannelGroups, arrays: Mapping[str, Array], share: float) -> list[int]:
    """How many channels each group keeps, so that at least `share` of the multiply-adds is
    removed, or as many as can be."""
    widths = [_width(group, arrays) for group in channels.groups]
    shapes = {name: array.shape for name, array in arrays.items()}
    most = (1 - share) * channels.multiply_adds(shapes)
    counts = widths
    for step in range(STEPS, 0, -1):
        counts = [_rounded(width * step / STEPS, width) for width in widths]
        narrowed = with_widths(shapes, dict(zip(channels.groups, counts, strict=True)))
        if channels.multiply_adds(narrowed) <= most:
            break
    return counts


def _rounded(count: float, width: int) -> int:
    """`count` of `width` channels as a multiple of MULTIPLE, or of half of it in a narrow group; at
    least one multiple."""
    multiple = MULTIPLE if width >= 4 * MULTIPLE else MULTIPLE // 2
    return min(width, max(multiple, round(count / multiple) * multiple))


def _width(group: Group, arrays: Mapping[str, Array]) -> int:
    name, axis = group[0]
    return int(arrays[name].shape[axis])


def _distances(filters: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of each filter's Euclidean distances to all others: [filters]. `filters`: [filters,
    weights]."""
    squares = (filters**2).sum(axis=1)
    products = filters @ filters.T
    between = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * products, 0))
    distances: NDArray[np.float64] = between.sum(axis=1)
    return distances
