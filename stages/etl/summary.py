"""Says what was understood of raw data: the same lines in the terminal, in a schedule's log and on
pages."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from stages.etl.readers.choices import Choices
from stages.etl.readers.rows import Reading, Row, few, label_counts
from stages.etl.readers.split_names import is_about_splits, is_column_of_splits, split_named
from stages.runtime.errors import DataError
from stages.runtime.neutral import line

ORDER = ("train", "validation", "test")
MOST_LABELS = 60  # listed with their counts
MOST_FOLDERS = 3  # named for a reason to leave files out


def summary_of(reading: Reading) -> tuple[str, ...]:
    """Lines that say which layout, which labels and how many of each, whose splits, and what was
    left out and why."""
    return (
        f"layout: {reading.layout}",
        *(line(note) for note in reading.notes),
        _labels(reading.rows),
        _splits(reading.rows),
        *_groups(reading.rows),
        *_untested(reading.rows),
        *_single(reading.rows),
        *_quarantined(reading.rows),
        *_excluded(reading),
    )


def check_trainable(rows: Sequence[Row]) -> None:
    """Raise DataError if there are no samples, or for labels that are only in the test split:
    nothing could be learned of them. No label has to be in validation."""
    if not rows:
        raise DataError("The annotations name no sample.", "Annotate some, and export them again.")
    everywhere = label_counts(rows)
    tested = label_counts(row for row in rows if row.split == "test")
    lacking = sorted(label for label, count in tested.items() if count == everywhere[label])
    if lacking:
        each = len(lacking) == 1
        raise DataError(
            f"{'Label' if each else 'Labels'} {few(lacking)} {'is' if each else 'are'} only in the "
            f"split test ({', '.join(f'{tested[label]} there' for label in lacking[:3])}), so that "
            "nothing can be learned of them.",
            "Add samples of them to the split train, leave them out with --leave-out, or let the "
            "etl stage assign the splits with --splits ours.",
        )


def check_splits_used(reading: Reading, choices: Choices) -> None:
    """Raise DataError for files and columns that are called as if they assigned splits or folds,
    and that are not read, unless `choices` say whose splits are meant."""
    if choices.splits or any(row.split or row.group for row in reading.rows):
        return
    names = [name for names in reading.excluded.values() for name in names]
    is_table = reading.layout == "csv"  # beside train.csv there is often a test.csv without labels
    unused = sorted(
        name
        for name in names
        if is_about_splits(name) and not (is_table and split_named(PurePosixPath(name).stem))
    )
    columns = {key for row in reading.rows[:1] for key in row.extra}
    unused += [f"the column {key}" for key in sorted(columns) if is_column_of_splits(key)]
    if unused:
        raise DataError(
            f"{few(unused)} may assign samples to splits or folds, but cannot be read as such with "
            f"the layout {reading.layout}.",
            "Write the splits as folders, as lists train.txt and test.txt of files, or as a column "
            "split of a labels.csv; or add the data with --splits ours: then etl assigns them.",
        )


def _labels(rows: Sequence[Row]) -> str:
    counts = sorted(label_counts(rows).items())
    what = "boxes" if any(row.boxes for row in rows) else "samples"
    shown = ", ".join(f"{line(label)} {count:,}" for label, count in counts[:MOST_LABELS])
    remaining = counts[MOST_LABELS:]
    if remaining:
        total = sum(count for _, count in remaining)
        shown += f", and {len(remaining):,} more labels with {total:,}"
    empty = sum(not row.label and not row.boxes and not row.problem for row in rows)
    negatives = (
        f"; {_files(empty)} without {what if what == 'boxes' else 'a label'}" if empty else ""
    )
    return f"labels: {len(counts):,}, by {what}: {shown or 'none'}{negatives}"


def _splits(rows: Sequence[Row]) -> str:
    counts = Counter(row.split for row in rows)
    named = ", ".join(f"{split} {counts[split]:,}" for split in ORDER if counts[split])
    if not named:
        return "splits: ours; the data name none, so etl assigns train, validation and test"
    missing = [split for split in ORDER[1:] if not counts[split]]
    ours = f"; {' and '.join(missing)} ours, taken from train" if missing else ""
    rest = f"; {counts['']:,} in none, assigned by etl" if counts[""] else ""
    return f"splits: yours: {named}{rest}{ours}"


def _groups(rows: Sequence[Row]) -> list[str]:
    groups = Counter(row.group for row in rows if row.group)
    if not groups:
        return []
    names = ", ".join(f"{line(name)} {count:,}" for name, count in sorted(groups.items())[:3])
    rest = f" and {len(groups) - 3:,} more" if len(groups) > 3 else ""
    return [f"groups: {len(groups):,}, each stays in one split: {names}{rest}"]


def _untested(rows: Sequence[Row]) -> list[str]:
    """The labels of which the user's test split has no sample: the report cannot measure them."""
    tested = label_counts(row for row in rows if row.split == "test")
    untested = sorted(label for label in label_counts(rows) if label not in tested)
    if not any(row.split == "test" for row in rows) or not untested:
        return []
    return [f"not in your split test, so the report cannot measure them: {line(few(untested))}"]


def _single(rows: Sequence[Row]) -> list[str]:
    labels = {row.label for row in rows} - {""}
    return ["one label only: classification needs two"] if len(labels) == 1 else []


def _quarantined(rows: Sequence[Row]) -> list[str]:
    wrong = [row.problem for row in rows if row.problem]
    if not wrong:
        return []
    what = "annotation" if len(wrong) == 1 else "annotations"
    return [f"{len(wrong):,} {what} will be quarantined: {line(few(wrong))}"]


def _excluded(reading: Reading) -> list[str]:
    """A line for each reason to leave files out, with the folders they are in and some names."""
    lines = []
    for reason, names in reading.excluded.items():
        folders = Counter(PurePosixPath(name).parts[0] for name in names if "/" in name)
        places = [f"{name}/ {count:,}" for name, count in folders.most_common(MOST_FOLDERS)]
        where = f" ({', '.join(places)})" if len(names) > 3 and places else ""
        lines.append(f"left out: {_files(len(names))}: {reason}{line(where)}: {line(few(names))}")
    return lines or ["left out: nothing"]


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"
