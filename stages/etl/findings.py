"""Describes outcomes of expectations: findings, reasons, the record of the validation."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from stages.artifacts import Finding
from stages.etl.checks import Outcome
from stages.etl.readers import NAMES, few
from stages.etl.table import Line, labels_in, labels_of

MOST_ROWS = 1000  # offending files named in the record
MOST_REASONS = 12  # kinds of reasons in a sentence
NUMBER = re.compile(r"\d[\d,.]*")
EXAMPLES = 6  # files that illustrate a finding about labels
SIMILAR = "look"  # the column that look-alikes have in common


def finding_of(outcome: Outcome, lines: Sequence[Line]) -> Finding:
    """The finding of the failed `outcome` about `lines`."""
    bad = _offenders(outcome)
    return Finding(
        check=str(outcome.meta.get("check", outcome.expectation["type"])),
        severity="critical" if outcome.severity == "critical" else "warning",
        count=len(bad) or 1,
        message=_message(outcome, bad, lines),
        samples=tuple(_files(bad)[:12]),
    )


def offenders_of(outcome: Outcome) -> list[list[str]]:
    """The files that break the expectation of `outcome`; look-alikes in one list, others alone. Of
    a finding about labels, which is no fault of its files, only some."""
    column = outcome.meta.get("together")
    if column != SIMILAR:
        return [[file] for file in _files(outcome.bad)[: EXAMPLES if column else None]]
    similar: dict[Any, list[Line]] = defaultdict(list)
    for line in outcome.bad:
        similar[line[SIMILAR]].append(line)
    return [_files(lines) for lines in similar.values()]


def reason_of(outcome: Outcome, line: Line) -> str:
    """The reason why `line` is quarantined."""
    template = outcome.meta.get("reason")
    return str(template).format(**line) if template else f"It fails {_plain(outcome)}."


def remedy_of(outcome: Outcome) -> str:
    """What the user can do about a failed expectation."""
    return str(outcome.meta.get("remedy", "Correct these samples, or change etl.expectations."))


def record_of(outcomes: Sequence[Outcome]) -> bytes:
    """The content of validation.json: each expectation, whether it was met, and the files that
    break it."""
    records = [
        {
            "check": outcome.meta.get("check", outcome.expectation["type"]),
            "type": outcome.expectation["type"],
            "kwargs": dict(outcome.expectation["kwargs"]),
            "severity": outcome.severity,
            "success": outcome.success,
            "result": dict(outcome.facts),
            "files": _files(_offenders(outcome))[:MOST_ROWS],
        }
        for outcome in outcomes
    ]
    return (json.dumps(records, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _offenders(outcome: Outcome) -> list[Line]:
    column = outcome.meta.get("together")  # lines with equal values are listed together
    return sorted(outcome.bad, key=lambda line: line[column]) if column else list(outcome.bad)


def _files(lines: Sequence[Line]) -> list[str]:
    return list(dict.fromkeys(line["file"] for line in lines))


def _message(outcome: Outcome, bad: Sequence[Line], lines: Sequence[Line]) -> str:
    files = _files(bad)
    template = outcome.meta.get("say")
    if not template:
        names = f" for {len(files)} samples: {few(files)}" if bad else ""
        observed = (
            f" (observed: {outcome.facts['observed_value']})"
            if "observed_value" in outcome.facts
            else ""
        )
        return f"{_plain(outcome)} fails{names}{observed}"
    return str(template).format(**_placeholders(outcome, bad, lines))


def _placeholders(outcome: Outcome, bad: Sequence[Line], lines: Sequence[Line]) -> dict[str, Any]:
    """The placeholders that a check's sentence may use."""
    files, all_labels = _files(bad), labels_in(lines)
    values = [line.get(str(outcome.expectation["kwargs"].get("column"))) for line in bad]
    labels = sorted({line["label"] for line in bad}) if bad else all_labels
    return {
        "files": f"{len(files)} file{'' if len(files) == 1 else 's'}",
        "boxes": _boxes(len(bad)),
        "names": few(files),
        "labels": few(labels) if labels else "none",
        "observed": outcome.facts.get("observed_value", 0),
        "missing": few(_missing(outcome, lines)),
        "label_counts": _label_counts(labels, bad),
        "sum": _boxes(sum(value for value in values if isinstance(value, int))),
        "reasons": few([str(value) for value in values]),
        "counted": _counted(bad),
        "min_value": outcome.expectation["kwargs"].get("min_value"),
        "max_value": outcome.expectation["kwargs"].get("max_value"),
    }


def _missing(outcome: Outcome, lines: Sequence[Line]) -> list[str]:
    """The values that an expectation asks for and no annotation of `lines` has: labels, splits."""
    kwargs = outcome.expectation["kwargs"]
    if kwargs.get("column") == "split":
        found = {line["split"] for line in lines if labels_of(line)}
    else:
        found = {*labels_in(lines)}
    return sorted({*kwargs.get("value_set", ())} - found)


def _counted(lines: Sequence[Line]) -> str:
    """How many of `lines` have each problem, one of the files, and what to do; the most frequent
    first. Problems that differ in numbers alone are counted together."""
    by_reason: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_reason[NUMBER.sub("0", _reason(line))].append(line)
    groups = sorted(by_reason.values(), key=len, reverse=True)
    shown = [
        f"{len(group)} such as '{group[0]['file']}': {_reason(group[0]).rstrip('.')}"
        for group in groups[:MOST_REASONS]
    ]
    remaining = sum(map(len, groups[MOST_REASONS:]))
    return "; ".join(shown) + (f"; and {remaining} for other reasons" if remaining else "")


def _reason(line: Line) -> str:
    return f"{line.get('problem') or ''} {line.get('remedy') or ''}".strip()


def _boxes(count: int) -> str:
    return f"{count} box{'' if count == 1 else 'es'}"


def _label_counts(labels: Sequence[str], lines: Sequence[Line]) -> str:
    counts = {line["label"]: line.get("label_samples", 0) for line in lines}
    shown = [f"label '{label}' has {counts.get(label, 0)} samples" for label in labels[: 2 * NAMES]]
    remaining = len(labels) - len(shown)
    return ", ".join(shown) + (f" and {remaining} more labels have too few" if remaining else "")


def _plain(outcome: Outcome) -> str:
    kwargs = ", ".join(f"{key}={value!r}" for key, value in outcome.expectation["kwargs"].items())
    return f"{outcome.expectation['type']}({kwargs})"
