"""What changed from one revision to another: samples that were added, removed, renamed, replaced by
other content, annotated anew or moved to another split."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.etl.readers import Row
from stages.etl.readers.rows import label_counts

SORTS = ("added", "removed", "relabelled", "moved", "replaced", "renamed")


class SampleInRevision(NamedTuple):
    """A sample of a revision: its row, and the sha256 of its file."""

    row: Row
    digest: str


class SampleChange(NamedTuple):
    """One sample that changed; `before` is None if it was added, `after` if it was removed."""

    before: SampleInRevision | None
    after: SampleInRevision | None

    @property
    def file(self) -> str:
        """Its name, that of the later revision if there is one."""
        sample = self.after or self.before
        return sample.row.file if sample else ""


class RevisionChanges(NamedTuple):
    """The changes by their sort, one of SORTS; a sample may be in several. Where folders name
    labels or splits, a sample that was annotated anew has another name, too: that is no renaming.
    `labels`: for each label how many samples, or boxes, it has before and after."""

    by_sort: Mapping[str, Sequence[SampleChange]]
    labels: Mapping[str, tuple[int, int]]


def changes_between(
    before: Sequence[SampleInRevision], after: Sequence[SampleInRevision]
) -> RevisionChanges:
    """The changes from `before` to `after`. A sample is known by its name; one that has another
    name is known by its content, if only one sample has that content on each side."""
    first = {sample.row.file: sample for sample in before}
    second = {sample.row.file: sample for sample in after}
    renamed = _renamed(
        [sample for file, sample in first.items() if file not in second],
        [sample for file, sample in second.items() if file not in first],
    )
    gone = {pair.before.row.file for pair in renamed if pair.before}
    new = {pair.after.row.file for pair in renamed if pair.after}
    both = [SampleChange(first[file], second[file]) for file in first if file in second]
    pairs = sorted([*both, *renamed], key=lambda change: change.file)
    by_sort = {
        "added": [
            SampleChange(None, sample)
            for file, sample in sorted(second.items())
            if file not in first and file not in new
        ],
        "removed": [
            SampleChange(sample, None)
            for file, sample in sorted(first.items())
            if file not in second and file not in gone
        ],
        "relabelled": [pair for pair in pairs if _is_relabelled(pair)],
        "moved": [pair for pair in pairs if _split(pair.before) != _split(pair.after)],
        "replaced": [pair for pair in both if _digest(pair.before) != _digest(pair.after)],
        "renamed": [
            pair
            for pair in renamed
            if not _is_relabelled(pair) and _split(pair.before) == _split(pair.after)
        ],
    }
    counts = [label_counts(sample.row for sample in side) for side in (before, after)]
    labels = {
        label: (counts[0][label], counts[1][label]) for label in sorted({*counts[0], *counts[1]})
    }
    return RevisionChanges(by_sort, labels)


def _renamed(
    gone: Sequence[SampleInRevision], new: Sequence[SampleInRevision]
) -> list[SampleChange]:
    """The pairs of a sample that is gone and a new one with the same content."""
    found = []
    by_content = [_single(side) for side in (gone, new)]
    for digest, sample in by_content[0].items():
        if digest in by_content[1]:
            found.append(SampleChange(sample, by_content[1][digest]))
    return sorted(found, key=lambda change: change.file)


def _single(samples: Sequence[SampleInRevision]) -> dict[str, SampleInRevision]:
    """The samples whose content no other one of them has, by their digest."""
    counts: dict[str, list[SampleInRevision]] = {}
    for sample in samples:
        counts.setdefault(sample.digest, []).append(sample)
    return {digest: same[0] for digest, same in counts.items() if len(same) == 1}


def _is_relabelled(change: SampleChange) -> bool:
    if change.before is None or change.after is None:
        return False
    rows = (change.before.row, change.after.row)
    return rows[0].label != rows[1].label or sorted(rows[0].boxes) != sorted(rows[1].boxes)


def _split(sample: SampleInRevision | None) -> str:
    return sample.row.split if sample else ""


def _digest(sample: SampleInRevision | None) -> str:
    return sample.digest if sample else ""
