"""95 % intervals in closed form that keep their coverage with few samples and near 0 and 1.

Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22,
209-212."""

import numpy as np

from stages.artifacts import Measure

Z = 1.959963984540054  # the normal deviate that leaves 2.5 % on each side


def wilson(successes: float, n: float) -> tuple[float, float]:
    """The score interval of a proportion; [0, 1] where nothing was counted."""
    if n <= 0:
        return 0.0, 1.0
    share = successes / n
    centre = share + Z * Z / (2 * n)
    half = Z * np.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    low, high = (centre - half) / scale, (centre + half) / scale
    # at the ends the bound equals the share, which rounding would miss
    return (
        0.0 if successes <= 0 else float(max(low, 0.0)),
        1.0 if successes >= n else float(min(high, 1.0)),
    )


def proportion(successes: int, n: int) -> Measure:
    """`successes` of `n` with Wilson's interval; 0 in [0, 1] where nothing was counted."""
    low, high = wilson(successes, n)
    return Measure(value=successes / n if n else 0.0, low=low, high=high, n=n)


def f1(hits: int, misses: int, false: int) -> Measure:
    """F1 of one label from its true positives, false negatives and false positives.

    Of all samples that have the label or are given it, the share J of hits is a proportion,
    and F1 = 2J / (1 + J) rises with J; so J's Wilson interval gives F1's (the "indirect Wilson
    interval" of Lam, Gopal and Qian 2023, arXiv:2309.14621). `n` is the number of those samples."""
    return f1_of(proportion(hits, hits + misses + false))


def f1_of(joint: Measure) -> Measure:
    """F1 from `joint`, the share of hits among all that have the label or are given it."""
    value, low, high = (2 * j / (1 + j) for j in (joint.value, joint.low, joint.high))
    return Measure(value=value, low=low, high=high, n=joint.n)


def student(freedom: int) -> float:
    """The deviate of Student's distribution that leaves 2.5 % on each side, accurate to 1 %.

    From 3 degrees of freedom on by the expansion of Fisher and Cornish (1960, Technometrics 2)."""
    if freedom < 3:
        return (12.7062, 4.3027)[freedom - 1]
    z, v = Z, freedom
    first = (z**3 + z) / (4 * v)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    return float(z + first + second + third)
