"""Finds near duplicates: pictures that were re-saved, resized or made slightly brighter.

Candidates are pairs whose perceptual hashes differ in a few bits at most. In some data sets (solar
cells, digits) most pairs are candidates, so each is then compared as a small grey picture, twice:
as it is, and high-pass filtered, where different pictures of one kind differ. All sums are of whole
numbers below 2**53, so they are exact and equal on every machine. Cropped or rotated copies are not
found."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

MOST_BITS = 10  # of 64
LEAST_WHOLE = 0.995  # correlations; measured on solar cells, digits and clothes
LEAST_DETAIL = 0.96
SOFT = 15  # side of the box filter, in pixels of 64
BLOCK = 1024
FEW = 20  # a group up to this size is never overlapping

Pairs = NDArray[np.int64]  # (pairs, 2): indices, the smaller one first


def near_pairs(fingerprints: Sequence[NDArray[np.uint8]]) -> Pairs:
    """The pairs of near duplicates, by the pictures' fingerprints (uint8 [64, 64])."""
    found = [np.empty((0, 2), np.int64)]
    whole = np.array(fingerprints, np.uint8).reshape(len(fingerprints), 64, 64)
    for pairs in _candidates(hashes_of(whole)):
        for start in range(0, len(pairs), BLOCK):
            some = pairs[start : start + BLOCK]
            found.append(some[_same(whole[some[:, 0]], whole[some[:, 1]])])
    return np.concatenate(found)


def hashes_of(fingerprints: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A perceptual hash of 64 bits for each fingerprint: whether each of the 8 by 8 lowest
    frequencies is above their median (C. Zauner, Implementation and Benchmarking of Perceptual
    Image Hash Functions, 2010, section 3.1; here of 32 by 32 pixels, in whole numbers)."""
    count = len(fingerprints)
    small = fingerprints.reshape(count, 32, 2, 32, 2).astype(np.float64).sum((2, 4))
    places = np.arange(8)[:, None] * (2 * np.arange(32) + 1)
    waves = np.rint(4096 * np.cos(np.pi * places / 64))
    low = (waves @ small @ waves.T).reshape(count, 64)
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64).ravel()


def groups_of(count: int, pairs: Pairs) -> list[int]:
    """For each of `count` samples the smallest index in its group; `pairs` join samples to groups
    (connected components)."""
    heads = list(range(count))

    def head(index: int) -> int:
        while heads[index] != index:
            heads[index] = heads[heads[index]]
            index = heads[index]
        return index

    for first, other in pairs.tolist():
        low, high = sorted((head(first), head(other)))
        heads[high] = low
    return [head(index) for index in range(count)]


def without_crowds(count: int, pairs: Pairs) -> tuple[Pairs, set[int]]:
    """The pairs without those of overlarge groups, and the indices of the samples in such groups:
    more than a quarter of all samples.

    If so many samples are similar, as from a fixed camera, similarity does not mean a copy, and a
    group of that size could not be split."""
    heads = groups_of(count, pairs)
    large = {head for head, size in Counter(heads).items() if size > max(FEW, count / 4)}
    crowded = {index for index, head in enumerate(heads) if head in large}
    outside = [pair for pair in pairs.tolist() if pair[0] not in crowded]
    return np.array(outside, np.int64).reshape(-1, 2), crowded


def _candidates(hashes: NDArray[np.uint64]) -> Iterator[Pairs]:
    for start in range(0, len(hashes), BLOCK):
        block = hashes[start : start + BLOCK, None]
        near = np.bitwise_count(block ^ hashes[None, start:]) <= MOST_BITS
        rows, columns = np.nonzero(np.triu(near, 1))
        yield np.stack([rows + start, columns + start], axis=1)


def _same(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.bool_]:
    similar = _correlation(first.astype(np.float64), second.astype(np.float64)) >= LEAST_WHOLE
    detailed = _correlation(_detail(first[similar]), _detail(second[similar])) >= LEAST_DETAIL
    similar[similar] = detailed
    return similar


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of each pair of pictures, [n, 64, 64] each; 0 if one of them is of one
    colour."""
    area = first[0].size if len(first) else 1
    sums = first.sum((1, 2)), second.sum((1, 2))
    shared = area * np.einsum("nij,nij->n", first, second) - sums[0] * sums[1]
    own = area * np.einsum("nij,nij->n", first, first) - sums[0] ** 2
    other = area * np.einsum("nij,nij->n", second, second) - sums[1] ** 2
    size = np.sqrt(own) * np.sqrt(other)
    return np.where(size > 0, shared / np.maximum(size, 1), 0.0)


def _detail(fingerprints: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The fingerprints high-pass filtered: each pixel less the mean of the box around it, times the
    box's side, in whole numbers."""
    edge = SOFT // 2
    padded = np.pad(
        fingerprints.astype(np.int64), ((0, 0), (edge, edge), (edge, edge)), mode="edge"
    )
    for axis in (1, 2):
        sums = np.cumsum(padded, axis=axis)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis)
        length = sums.shape[axis]
        padded = sums.take(range(SOFT, length), axis) - sums.take(range(length - SOFT), axis)
    return ((fingerprints.astype(np.int64) * SOFT**2 - padded) // SOFT).astype(np.float64)
