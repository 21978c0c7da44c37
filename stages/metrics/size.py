"""How many samples a statement needs: the smallest number whose Wilson interval is good enough."""

from collections.abc import Callable

from stages.metrics.intervals import wilson

MOST = 1_000_000  # beyond this the answer is "cannot be told by counting"


def samples_to_narrow(share: float, margin: float = 0.05) -> int:
    """Samples for which the interval of `share` is no wider than twice `margin`."""
    return _smallest(lambda n: _width(share, n) <= 2 * margin)


def samples_to_decide(share: float, gate: float) -> int | None:
    """Samples for which the interval of `share` leaves `gate` on one side.

    None where the two are so close that no number of samples would tell them apart."""
    needed = _smallest(lambda n: not _within(share, n, gate))
    return needed if needed < MOST else None


def _width(share: float, n: int) -> float:
    low, high = wilson(share * n, n)
    return high - low


def _within(share: float, n: int, gate: float) -> bool:
    low, high = wilson(share * n, n)
    return low < gate <= high if share >= gate else low <= gate <= high


def _smallest(good: Callable[[int], bool]) -> int:
    """The smallest n for which `good` holds; it stays so once it does. By halving."""
    low, high = 1, MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle + 1, high)
    return low
