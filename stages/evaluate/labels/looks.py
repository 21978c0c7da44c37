"""The samples beside what is said of look-alike labels and of a shift, as a page shows them."""

from collections.abc import Callable
from contextlib import suppress

from stages.evaluate.labels.alike import Alike, Look
from stages.evaluate.labels.foreign import Foreign
from stages.evaluate.labels.shift import Shift
from stages.media import Modality
from stages.runtime.errors import BadSample, Damaged

SIDE = 168  # of a thumbnail, in pixels

Fetch = Callable[[str], bytes]
Shown = list[tuple[Look, str]]


def sides_of(
    pair: Alike, tested: Callable[[int], bytes], held_out: Fetch | None, modality: Modality
) -> list[Shown]:
    """The samples of each label of `pair`, of the test by row and of training by digest, as far as
    they are still there."""
    sides: list[Shown] = []
    for looks in pair.looks:
        shown: Shown = []
        for one in looks:
            with suppress(KeyError, Damaged, BadSample, OSError):
                data = tested(one.row) if one.row >= 0 else (held_out or str.encode)(one.digest)
                shown.append((one, modality.preview(data, SIDE)))
        sides.append(shown)
    return sides


def strange_of(shift: Shift | None, modality: Modality) -> list[tuple[Foreign, str, str]]:
    """The test samples least like training, each with the training sample nearest to it."""
    shown: list[tuple[Foreign, str, str]] = []
    if shift is None:
        return shown
    for one in shift.foreign:
        with suppress(KeyError, Damaged, BadSample, OSError):
            ours, near = (
                modality.preview(shift.fetch(each), SIDE) for each in (one.digest, one.near)
            )
            shown.append((one, ours, near))
    return shown
