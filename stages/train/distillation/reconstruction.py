"""Pruning by reconstruction: removes the channels that the layers behind them can best do without,
and changes the weights of these layers so that their outputs stay as they were, by least squares.

A layer that reads the channels x with the weights W gives W x. Without some of them the weights
that come nearest follow from the second moments of x on training samples alone (He, Zhang, Sun
2017, Channel Pruning for Accelerating Very Deep Neural Networks, arXiv 1707.06168). The channel
whose removal costs least, with the others making up for it, follows from their inverse (Hassibi and
Stork 1992, Optimal Brain Surgeon); it is removed, and so on. What a channel costs for each
multiply-add that it saves is compared between groups, so each group loses as many as it can spare.

Read are channels by convolutions of 1 x 1 and by linear layers; groups that other layers read, as
of 3 x 3, stay whole."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.models.channel_groups import ChannelGroups, Dimension
from stages.models.weights import Array

Floats = NDArray[np.float64]
Group = tuple[Dimension, ...]
Shapes = dict[str, tuple[int, ...]]
BATCH = 8  # windows at a time
POSITIONS = 64  # of each window that are counted, spread evenly over the map
DAMPING = 1e-3  # of the mean second moment, added to each: channels may be linear in others
LEAST_SHARE = 0.25  # of its channels that a group keeps
MULTIPLE = 8  # of channels that a group keeps
TINY = 1e-12
HALVINGS = 40  # of the interval in which the price of a multiply-add is searched


class Elimination(NamedTuple):
    """The channels of a group in the order in which they are removed, and for each what its removal
    adds to the relative squared error of the layers that read it."""

    order: list[int]
    errors: list[float]


def reconstructed(
    channels: ChannelGroups,
    arrays: Mapping[str, Array],
    share: float,
    moments: Mapping[str, Floats],
) -> dict[str, Array] | None:
    """The weights `arrays` without `share` of the multiply-adds; None if that cannot be reached.
    `moments`: as `second_moments` gives them."""
    groups = {group: readers_of(group, arrays) for group in channels.groups}
    removable = {
        group: eliminated([(moments[name], _matrix(arrays[name])) for name in readers])
        for group, readers in groups.items()
        if readers and all(name in moments for name in readers)
    }
    counts = _counts(channels, arrays, share, removable)
    if counts is None:
        return None
    pruned = dict(arrays)
    for group, count in counts.items():
        width = len(removable[group].order)
        remaining = np.sort(removable[group].order[width - count :])
        for name in groups[group]:
            pruned[name] = _refitted(pruned[name], moments[name], remaining)
        for name, axis in group:
            if pruned[name].shape[axis] == width:
                pruned[name] = np.take(pruned[name], remaining, axis=axis)
    return pruned


def readers_of(group: Group, arrays: Mapping[str, Array]) -> list[str]:
    """The names of the weights that read the channels of `group`; none if one of them is neither of
    a convolution of 1 x 1 nor of a linear layer."""
    found = []
    for name, axis in group:
        shape = arrays[name].shape
        if len(shape) == 4 and axis == 1:
            if shape[2:] != (1, 1):
                return []
            found.append(name)
        elif len(shape) == 2 and axis == 0:
            found.append(name)
    return found


def second_moments(network: Any, names: Sequence[str], windows: Array) -> dict[str, Floats]:
    """The mean of x x^T, [channels, channels], over what each layer with a weight of `names` reads
    when `network` answers `windows` [n, ...]."""
    import paddle

    layers = {f"{name}.weight": layer for name, layer in network.named_sublayers()}
    sums: dict[str, Floats] = {}
    rows = dict.fromkeys(names, 0)

    def hook(name: str) -> Any:
        def add(layer: Any, inputs: Any) -> None:
            values = _positions(inputs[0])
            total = (values.T @ values).astype(np.float64)
            sums[name] = sums[name] + total if name in sums else total
            rows[name] += len(values)

        return add

    hooks = [layers[name].register_forward_pre_hook(hook(name)) for name in names]
    network.eval()
    try:
        with paddle.no_grad():
            for start in range(0, len(windows), BATCH):
                batch = windows[start : start + BATCH].astype(np.float32)
                network(paddle.to_tensor(batch))
    finally:
        for each in hooks:
            each.remove()
    return {name: sums[name] / rows[name] for name in names if name in sums}


def eliminated(readers: Sequence[tuple[Floats, Floats]]) -> Elimination:
    """The order in which channels are removed, MULTIPLE of them at a time. `readers`: for each
    layer that reads them the second moments [channels, channels] and the weights [outputs,
    channels]."""
    inverses: list[Floats] = [
        np.linalg.inv(_damped(moments)).astype(np.float64) for moments, _ in readers
    ]
    powers = [max(float(np.sum(matrix @ m * matrix)), TINY) for m, matrix in readers]
    # A layer counts by the share of its output that is lost.
    weights: list[Floats] = [
        matrix / power**0.5 for (_, matrix), power in zip(readers, powers, strict=True)
    ]
    alive, order, errors = np.arange(len(inverses[0])), list[int](), list[float]()
    while len(alive):
        cost = sum(
            (matrix**2).sum(axis=0) / np.maximum(np.diagonal(inverse), TINY)
            for inverse, matrix in zip(inverses, weights, strict=True)
        )
        drawn = np.argsort(cost, kind="stable")[:MULTIPLE]
        layers = [_without(*layer, drawn) for layer in zip(inverses, weights, strict=True)]
        inverses, weights = [each.inverse for each in layers], [each.weights for each in layers]
        order += alive[drawn].tolist()
        errors += [sum(each.lost for each in layers) / len(drawn)] * len(drawn)
        alive = np.delete(alive, drawn)
    return Elimination(order, errors)


class _Layer(NamedTuple):
    """A layer without some channels: the inverse second moments of the others, its weights, and the
    squared error of its outputs."""

    inverse: Floats
    weights: Floats
    lost: float


def _without(inverse: Floats, weights: Floats, drawn: NDArray[np.int64]) -> _Layer:
    """A layer without the channels `drawn`, for which the others make up."""
    remaining = np.delete(np.arange(len(inverse)), drawn)
    block = np.linalg.inv(inverse[np.ix_(drawn, drawn)])
    moved = weights[:, drawn] @ block
    across = inverse[np.ix_(drawn, remaining)]
    return _Layer(
        inverse[np.ix_(remaining, remaining)] - across.T @ block @ across,
        weights[:, remaining] - moved @ across,
        float(np.sum(moved * weights[:, drawn])),
    )


def _counts(
    channels: ChannelGroups,
    arrays: Mapping[str, Array],
    share: float,
    removable: Mapping[Group, Elimination],
) -> dict[Group, int] | None:
    """How many channels each group keeps, at the lowest price of a multiply-add at which at least
    `share` of them is saved; None if no price does."""
    shapes = {name: array.shape for name, array in arrays.items()}
    before = channels.multiply_adds(shapes)
    prices = {}
    for group, (order, errors) in removable.items():
        saved = before - channels.multiply_adds(with_widths(shapes, {group: len(order) - 1}))
        prices[group] = np.maximum.accumulate(errors) / max(saved, 1)

    def counts_at(price: float) -> dict[Group, int]:
        return {
            group: _rounded(int((each > price).sum()), len(each)) for group, each in prices.items()
        }

    def enough(price: float) -> bool:
        after = channels.multiply_adds(with_widths(shapes, counts_at(price)))
        return after <= (1 - share) * before

    every = np.concatenate([each[each > 0] for each in prices.values()] or [np.zeros(0)])
    if not len(every) or not enough(float(every.max())):
        return None
    low, high = np.log(every.min()), np.log(every.max())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(float(np.exp(middle))) else (middle, high)
    return counts_at(float(np.exp(high)) if enough(float(np.exp(high))) else float(every.max()))


def _rounded(count: int, width: int) -> int:
    """`count` of `width` channels as a multiple of MULTIPLE, at least LEAST_SHARE of them."""
    least = max(MULTIPLE, round(LEAST_SHARE * width / MULTIPLE) * MULTIPLE)
    return min(width, max(least, -(-count // MULTIPLE) * MULTIPLE))


def with_widths(shapes: Mapping[str, tuple[int, ...]], counts: Mapping[Group, int]) -> Shapes:
    """`shapes` of weights after each group was cut to its count."""
    narrowed = {name: list(shape) for name, shape in shapes.items()}
    for group, count in counts.items():
        for name, axis in group:
            narrowed[name][axis] = count
    return {name: tuple(shape) for name, shape in narrowed.items()}


def _refitted(weight: Array, moments: Floats, remaining: NDArray[np.int64]) -> Array:
    """`weight` for the channels `remaining` alone, nearest to what it gave for all."""
    matrix, damped = _matrix(weight), _damped(moments)
    inner = damped[np.ix_(remaining, remaining)]
    refitted = np.linalg.solve(inner, damped[remaining] @ matrix.T).T
    if weight.ndim == 2:
        return refitted.T.astype(np.float32)
    return refitted[:, :, None, None].astype(np.float32)


def _matrix(weight: Array) -> Floats:
    """The weight of a convolution of 1 x 1, [out, in, 1, 1], or of a linear layer, [in, out], as
    [out, in]."""
    matrix = weight.T if weight.ndim == 2 else weight[:, :, 0, 0]
    return matrix.astype(np.float64)


def _damped(moments: Floats) -> Floats:
    damped: Floats = moments + DAMPING * np.trace(moments) / len(moments) * np.eye(len(moments))
    return damped


def _positions(values: Any) -> Array:
    """At most POSITIONS of each map of `values` [n, channels, height, width], or the vectors of
    [n, channels]: [rows, channels]."""
    if len(values.shape) == 2:
        vectors: Array = values.numpy()
        return vectors
    values_at: Array = values.flatten(2).numpy()
    places = np.unique(np.linspace(0, values_at.shape[2] - 1, POSITIONS).round().astype(int))
    return values_at[:, :, places].transpose(0, 2, 1).reshape(-1, values_at.shape[1])
