"""The number of samples that a statement needs: the least whose Wilson interval is good enough."""

from collections.abc import Callable

from stages.metrics.intervals import wilson

MOST = 1_000_000  # more samples than these are not proposed


def samples_to_narrow(share: float, margin: float = 0.05) -> int:
    """The number of samples with which the interval of `share` is at most twice `margin` wide."""
    return _smallest(lambda n: _width(share, n) <= 2 * margin)


def samples_to_decide(share: float, gate: float) -> int | None:
    """The number of samples with which the interval of `share` does not contain `gate`.

    None if the two are so close that MOST samples would not suffice."""
    needed = _smallest(lambda n: not _within(share, n, gate))
    return needed if needed < MOST else None


def _width(share: float, n: int) -> float:
    low, high = wilson(share * n, n)
    return high - low


def _within(share: float, n: int, gate: float) -> bool:
    low, high = wilson(share * n, n)
    return low < gate <= high if share >= gate else low <= gate <= high


def _smallest(good: Callable[[int], bool]) -> int:
    """The smallest n for which `good` holds, by bisection; it has to hold for all larger n."""
    low, high = 1, MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle + 1, high)
    return low
