"""Thumbnails of the samples that illustrate similar labels and a shift on the report."""

from collections.abc import Callable
from contextlib import suppress

from stages.evaluate.labels.out_of_distribution import OutOfDistribution
from stages.evaluate.labels.shift import Shift
from stages.evaluate.labels.similar import SimilarLabels, SimilarSample
from stages.media import Modality
from stages.runtime.errors import BadSample, Damaged

SIDE = 240  # of a thumbnail, in pixels; it is shown smaller, and can be enlarged

Fetch = Callable[[str], bytes]
Shown = list[tuple[SimilarSample, str]]


def similar_thumbnails(
    pair: SimilarLabels, tested: Callable[[int], bytes], held_out: Fetch | None, modality: Modality
) -> list[Shown]:
    """The samples of each label of `pair` with their thumbnails, without those that are gone.
    `tested`: a test sample's bytes by row; `held_out`: a training sample's bytes by digest."""
    sides: list[Shown] = []
    for samples in pair.samples:
        shown: Shown = []
        for sample in samples:
            with suppress(KeyError, Damaged, BadSample, OSError):
                data = (
                    tested(sample.row)
                    if sample.row >= 0
                    else (held_out or str.encode)(sample.digest)
                )
                shown.append((sample, modality.preview(data, SIDE)))
        sides.append(shown)
    return sides


def out_of_distribution_thumbnails(
    shift: Shift | None, modality: Modality
) -> list[tuple[OutOfDistribution, str, str]]:
    """The test samples least like training, each with thumbnails of it and of the nearest training
    sample; without those that are gone."""
    shown: list[tuple[OutOfDistribution, str, str]] = []
    if shift is None:
        return shown
    for sample in shift.out_of_distribution:
        with suppress(KeyError, Damaged, BadSample, OSError):
            ours, near = (
                modality.preview(shift.fetch(each), SIDE) for each in (sample.digest, sample.near)
            )
            shown.append((sample, ours, near))
    return shown
