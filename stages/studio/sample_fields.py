"""What a change of a sample may say: which fields there are, and which values they can have."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from stages.etl.readers import CONTROLS
from stages.runtime.errors import DataError
from stages.studio.journal import Change, Fields

MOST_CHANGES = 5000  # of one action
MOST_BOXES = 2000  # of one picture
LONGEST_LABEL = 200
SPLITS = ("", "train", "validation", "test")
PERSON = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,60}")
ACTION = re.compile(r"[A-Za-z0-9-]{8,64}")


def check_fields(fields: Mapping[str, Any]) -> None:
    """Raise DataError unless `fields` can be those of a sample."""
    checks: dict[str, Callable[[Any], bool]] = {
        "label": is_label,
        "boxes": _are_boxes,
        "split": lambda value: value in SPLITS,
        "excluded": lambda value: isinstance(value, bool),
        "reviewed": lambda value: isinstance(value, bool),
    }
    for key, value in fields.items():
        if key not in checks or not checks[key](value):
            shown = json.dumps(value, ensure_ascii=False)[:80]
            raise DataError(f"'{key}' cannot be {shown}.", "Load the page again.")


def is_label(value: Any) -> bool:
    """Whether `value` can be a label, or '' for none."""
    return (
        isinstance(value, str)
        and value == value.strip()
        and len(value) <= LONGEST_LABEL
        and not CONTROLS.search(value)
        and value.isprintable()
    )


def checked(change: Change) -> Change:
    """`change` with numbers in one form. Raises DataError for a value that cannot be."""
    check_fields(change.before)
    check_fields(change.after)
    return Change(change.file, _plain(change.before), _plain(change.after))


def _plain(fields: Fields) -> Fields:
    if "boxes" not in fields:
        return fields
    boxes = [[box[0], *(round(float(edge), 4) for edge in box[1:])] for box in fields["boxes"]]
    return {**fields, "boxes": boxes}


def _are_boxes(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_BOXES
        and all(
            isinstance(box, list)
            and len(box) == 5
            and is_label(box[0])
            and box[0]
            and all(_is_edge(edge) for edge in box[1:])
            and box[1] + 1 <= box[3]
            and box[2] + 1 <= box[4]
            for box in value
        )
    )


def _is_edge(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and isfinite(value) and 0 <= value < 1e6


def check_count(changes: Sequence[Change]) -> None:
    """Raise DataError unless so many changes may be one action."""
    if not 0 < len(changes) <= MOST_CHANGES:
        raise DataError(f"{len(changes)} changes at once.", f"Send 1 to {MOST_CHANGES}.")


def check_action(action: str, who: str) -> None:
    """Raise DataError unless `action` can be an action's id, and `who` a person's name."""
    if not (isinstance(action, str) and ACTION.fullmatch(action)):
        raise DataError("An action needs an id.", "Load the page again.")
    if not (isinstance(who, str) and PERSON.fullmatch(who) and who.isprintable()):
        raise DataError("A name is a line of 60 letters at most.", "Write another name.")
