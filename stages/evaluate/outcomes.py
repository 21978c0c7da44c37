"""What came of one sample, for people: what is true, what was answered, whether that is right."""

from typing import NamedTuple


class SampleOutcome(NamedTuple):
    """`true`, `answered`: labels in words; of boxes each label with its number, such as 'cat 2'.
    `score`: of the answered label; None for boxes."""

    right: bool
    true: str
    answered: str
    score: float | None = None
