"""Finds samples that look as if taken one after another: frames of a video, clips of one speaker,
shots of one object. They are no independent evidence, and belong into one group."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import PurePath

FEWEST = 3  # samples of a burst
SECONDS = 10.0  # between two samples of a burst
STREAMS = 3  # of names that count, within a label: more than a person's two cameras
SHARE = 0.1  # of all samples: fewer in bursts are not worth a question
LEAST = 6  # samples in bursts

TIME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?:[T _.-]|at)*"
    r"(\d\d)[-_.:h]?(\d\d)[-_.:m]?(\d\d)"
)
COUNTER = re.compile(r"(.*?)(\d{1,9})$")
FRAME = re.compile(r"frame|video|burst|seq", re.IGNORECASE)

Stream = tuple[str, str]  # folder and beginning of a name that counts


def in_bursts(
    files: Sequence[str], labels: Sequence[str], near_duplicates: Sequence[int]
) -> set[int]:
    """The indices of samples that look like parts of bursts: by the times in the names of `files`,
    by names that count, or as near duplicates (samples with one number in `near_duplicates`).

    None if they are too few to matter."""
    named = {index for run in runs_by_name(files, labels) for index in run}
    found = named | {*_by_content(near_duplicates)}
    return found if len(found) >= max(LEAST, SHARE * len(files)) else set()


def runs_by_name(files: Sequence[str], labels: Sequence[str]) -> list[list[int]]:
    """The bursts that names tell, each the indices of its samples: times in the names of `files`
    that follow each other, and names that count. A sample may be in several."""
    return [*_by_time(files), *_by_counter(files, labels)]


def _by_content(near_duplicates: Sequence[int]) -> Iterator[int]:
    sizes = Counter(near_duplicates)
    return (index for index, head in enumerate(near_duplicates) if sizes[head] >= FEWEST)


def _by_time(files: Sequence[str]) -> Iterator[list[int]]:
    """Runs of samples of one folder with times that follow each other within SECONDS."""
    timed: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for index, file in enumerate(files):
        moment = _time_of(PurePath(file).stem)
        if moment is not None:
            timed[str(PurePath(file).parent)].append((moment, index))
    for moments in timed.values():
        yield from _runs(sorted(moments), SECONDS)


def _time_of(name: str) -> float | None:
    """The time that `name` has, in seconds; None if it has none that exists."""
    found = TIME.search(name)
    if found is None:
        return None
    try:
        return (datetime(*map(int, found.groups())) - datetime(1900, 1, 1)).total_seconds()  # type: ignore[arg-type]
    except ValueError:
        return None


def _by_counter(files: Sequence[str], labels: Sequence[str]) -> Iterator[list[int]]:
    """Runs of samples whose names count within one of several streams of their label
    ('0_anna_12'), or that are called frames and count."""
    streams: dict[str, dict[Stream, list[tuple[float, int]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for index, (file, label) in enumerate(zip(files, labels, strict=True)):
        path = PurePath(file)
        counted = COUNTER.match(path.stem)
        if counted and counted.group(1) and not TIME.search(path.stem):
            stream = (str(path.parent), counted.group(1))
            streams[label][stream].append((float(counted.group(2)), index))
    for of_label in streams.values():
        runs = {stream: list(_runs(sorted(some), 1.0)) for stream, some in of_label.items()}
        several = sum(bool(run) for run in runs.values()) >= STREAMS
        for (_, beginning), run in runs.items():
            if several or FRAME.search(beginning):
                yield from run


def _runs(places: Sequence[tuple[float, int]], gap: float) -> Iterator[list[int]]:
    """The indices of each run of at least FEWEST sorted `places` that are at most `gap` apart."""
    runs: list[list[int]] = [[index for _, index in places[:1]]]
    for (before, _), (after, index) in pairwise(places):
        if after - before > gap:
            runs.append([])
        runs[-1].append(index)
    return (run for run in runs if len(run) >= FEWEST)
