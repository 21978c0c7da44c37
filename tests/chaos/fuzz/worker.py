"""Feeds one kind of hostile inputs: `python -m tests.chaos.fuzz.worker KIND SEED START END`.

Prints a line of JSON before each input and one with its outcome, so that the reader knows which
input hangs or kills the process. To repeat one fault, set START and END to its number and the
next."""

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil

from stages.runtime.errors import WorkflowError
from tests.chaos.fuzz import folders, media, packages, requests

Feed = Callable[[Any], object]


class Kind(NamedTuple):
    """A kind of input. `make` draws an input; `feed` processes it as the product does, and raises
    if that fails. `share`: its weight among the kinds."""

    share: int
    make: Callable[[np.random.Generator], Any]
    feed: Feed | None


KINDS = {
    "YAML": Kind(15, folders.pipeline, folders.parse),
    "annotated folders": Kind(15, folders.annotated, folders.read),
    "zips": Kind(10, folders.archive, folders.take),
    "packages": Kind(12, packages.package, packages.open_and_predict),
    "packages as zips": Kind(5, packages.packed, packages.unpack_and_predict),
    "requests": Kind(13, requests.request, None),  # of a server, which begins with the first
    "pictures": Kind(18, media.picture, media.inspect),
    "sounds": Kind(12, media.sound, media.listen_to),
}


def drawn(kind: str, seed: int, number: int) -> Any:
    """Input `number` of `kind`; equal for equal arguments."""
    return KINDS[kind].make(np.random.default_rng([seed, list(KINDS).index(kind), number]))


@contextmanager
def feeding(kind: str) -> Iterator[tuple[Feed, Callable[[], list[Any]]]]:
    """The function that feeds `kind`, and a function that lists the working processes."""
    feed = KINDS[kind].feed
    if feed is not None:
        yield feed, lambda: [psutil.Process()]
        return
    with requests.Server() as server:
        yield partial(_refused_by_status, server), server.processes


def _refused_by_status(server: requests.Server, pieces: requests.Pieces) -> None:
    status = server.status_of(pieces)
    if not 200 <= status < 400:
        raise WorkflowError(f"status {status}", "")


def outcome(feed: Feed, data: Any) -> tuple[str, str]:
    """'answered', 'refused' or 'traceback', and the message."""
    try:
        feed(data)
    except WorkflowError as error:
        return "refused", str(error)
    except Exception:
        return "traceback", traceback.format_exc()
    return "answered", ""


def main(kind: str, seed: int, start: int, end: int) -> None:
    with feeding(kind) as (feed, processes):
        for number in range(start, end):
            print(json.dumps({"begun": number}), flush=True)
            data = drawn(kind, seed, number)
            _forget_peaks(processes())
            print(json.dumps({"fed": number}), flush=True)
            came, message = outcome(feed, data)
            peak = _peak(processes())
            print(json.dumps({"outcome": came, "said": message[-3000:], "peak": peak}), flush=True)


def _forget_peaks(processes: list[Any]) -> None:
    for process in processes:
        try:
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")
        except OSError:
            continue


def _peak(processes: list[Any]) -> int:
    """The peak memory of all `processes` since `_forget_peaks`, in bytes."""
    total = 0
    for process in processes:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            continue
        lines = (line.split() for line in status.splitlines())
        total += next((int(fields[1]) * 1024 for fields in lines if fields[0] == "VmHWM:"), 0)
    return total


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
