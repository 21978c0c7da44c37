"""The boxes that a package answered, as they are kept with an input: where a person begins when the
right boxes are drawn."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from stages.runtime.errors import ConfigError

MOST = 100  # boxes of one input
LARGEST = 1e6  # pixels

BoxFields = list[Any]  # label, left, top, right, bottom, as JSON has them


def boxes_of(answer: Mapping[str, Any]) -> list[BoxFields]:
    """The first MOST boxes of what a package answered, without their scores and those that are
    too small to be seen, and so to be put right."""
    found = (_fields([each["label"], *each["box"]]) for each in answer.get("boxes", [])[:MOST])
    return [each for each in found if _is_visible(each)]


def boxes_in(text: str, labels: Sequence[str]) -> list[BoxFields]:
    """The boxes in the JSON `text` that somebody sent, [[label, left, top, right, bottom], ...]; ''
    means none, and those below a pixel are left out. Raises ConfigError for what is none, or has
    other labels than `labels`."""
    try:
        found = json.loads(text or "[]")
        is_good = isinstance(found, list) and len(found) <= MOST
        if is_good and all(_is_box(each, labels) for each in found):
            return [each for each in map(_fields, found) if _is_visible(each)]
    except (ValueError, RecursionError, OverflowError):
        pass
    raise ConfigError(
        "These are no boxes of this package.",
        f"Send [[label, left, top, right, bottom], ...], {MOST} at most, or leave them out.",
    )


def _is_box(found: Any, labels: Sequence[str]) -> bool:
    return (
        isinstance(found, list)
        and len(found) == 5
        and found[0] in labels
        and all(type(edge) in (int, float) and isfinite(edge) for edge in found[1:])
        and 0 <= found[1] < found[3] <= LARGEST
        and 0 <= found[2] < found[4] <= LARGEST
    )


def _is_visible(found: Sequence[Any]) -> bool:
    """Whether a box is a pixel wide and high, as those are that a person may draw."""
    return bool(found[1] + 1 <= found[3] and found[2] + 1 <= found[4])


def _fields(found: Sequence[Any]) -> BoxFields:
    return [found[0], *(round(float(edge), 1) for edge in found[1:])]
