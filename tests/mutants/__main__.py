"""Prints how many small changes to the code the quick tests notice: `make mutants`, or

    python -m tests.mutants --count 300 --seed 0 --rooms train metrics deploy --survivors FILE

Each change (mutant) is made in a copy of the tree and meets only tests that run its line: those of
its own room first, then those that run the fewest lines. It is killed if a test fails or the time
is over. Each room gets the same number of mutants. Which ones are drawn depends on the seed and on
each mutant's own text alone, so that code added elsewhere changes few of them. Mutants that behave
like the code (a block size, say) are listed like all survivors.

Kept tools do not fit: mutmut 3 changes undecorated functions alone, so no constant and no field,
and it changes messages, too; cosmic-ray runs one command of tests for every mutant."""

import argparse
import os
import re
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from stages.metrics import proportion
from tests.mutants.changes import Mutant, drawn, mutants_of
from tests.mutants.forked import Runs
from tests.mutants.line_coverage import OPTIONS, LineCoverage, function_of

ROOMS = ["train", "metrics", "deploy"]
ROOT = Path(__file__).parents[2]
NOT_COPIED = (".git", ".venv", ".aiwf", ".hypothesis", ".*_cache", "__pycache__")
MOST_TESTS, MOST_SECONDS = (
    100,
    120.0,
)  # test functions that a mutant meets; seconds they took before
MEMORY = 16 * 2**30  # bytes of a process: a mutant may ask for any number


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant that met `tests` test functions: `killer` is the test that failed, or
    how the process ended, and empty if the mutant survived."""

    mutant: Mutant
    killer: str
    tests: int

    def __str__(self) -> str:
        return f"{self.mutant}  ({self.tests or 'no'} tests)"


def tests_for(mutant: Mutant, coverage: LineCoverage) -> tuple[list[str], float]:
    """The test functions that `mutant` meets, in their order, and the seconds that they should
    take; none if no test runs its line."""
    runs, own = coverage.by_line.get(mutant.path, {}), f"/{mutant.room.rpartition('/')[2]}/"
    found = {test for line in mutant.place.lines for test in runs.get(line, ())}
    if mutant.place.names is not None:
        found = coverage.mentioning(mutant.place.names) if mutant.place.names else set()
        found = found or set().union(*runs.values())
        found = found or {test for test in coverage.seconds if own in test}  # at import alone
    needs = {test: coverage.needs.get(test, {}) for test in found}
    total, chosen, ready = 0.0, list[str](), set[str]()
    order = {test: (own not in test, coverage.lines[test], test) for test in found}
    for test in sorted(found, key=order.__getitem__)[:MOST_TESTS]:
        new = {name: value for name, value in needs[test].items() if name not in ready}
        seconds = coverage.seconds[test] + sum(new.values())
        if not chosen or total + seconds <= MOST_SECONDS:
            total += seconds
            chosen.append(test)
            ready |= set(new)
    return chosen, total


def outcome(mutant: Mutant, tests: list[str], runs: Runs, seconds: float) -> Outcome:
    """Make the change in the tree of `runs`, run `tests` there, and take the change back."""
    if not tests:
        return Outcome(mutant, "", 0)
    path = runs.tree / mutant.path
    source = path.read_bytes()
    try:
        path.write_bytes(mutant.applied(source))
        _forget(path)
        code, text = runs.run([*OPTIONS, "-x", *tests], 60 + 10 * seconds)
    finally:
        path.write_bytes(source)
        _forget(path)
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", text, re.MULTILINE)
    killer = failed[1] if failed else f"exit code {code}"
    return Outcome(mutant, killer if code else "", len(tests))


def _forget(path: Path) -> None:
    """Delete a file's bytecode: it would hold for another text of equal length and second."""
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def outcomes_of(
    mutants: list[Mutant], coverage: LineCoverage, every: list[Runs]
) -> Iterator[Outcome]:
    """Try each mutant, as many at once as there are Runs; yields in the order of `mutants`."""
    free: SimpleQueue[Runs] = SimpleQueue()
    for runs in every:
        free.put(runs)

    def attempt(mutant: Mutant) -> Outcome:
        tests, seconds = tests_for(mutant, coverage)
        runs = free.get()
        try:
            return outcome(mutant, tests, runs, seconds)
        finally:
            free.put(runs)

    with ThreadPoolExecutor(len(every)) as pool:
        yield from pool.map(attempt, mutants)


def share(outcomes: list[Outcome]) -> str:
    """How many of `outcomes` are kills, with a 95 % interval."""
    kills = sum(bool(each.killer) for each in outcomes)
    killed = proportion(kills, len(outcomes))
    value, low, high = (f"{100 * part:.1f}" for part in (killed.value, killed.low, killed.high))
    return f"{kills} of {len(outcomes)} killed, {value} % ({low} to {high})"


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="mutants, over all rooms")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rooms", nargs="+", default=ROOMS)
    parser.add_argument("--tests", nargs="+", default=["tests"], help="folders or files of tests")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--survivors", type=Path, help="a file that lists the survivors")
    parser.add_argument("--folder", type=Path, help="where line coverage is kept; .aiwf/mutants")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    return parser.parse_args(arguments)


def main(argv: list[str]) -> int:
    """Draw mutants, try them, and print the shares that were killed and the survivors."""
    arguments = options(argv)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    rooms = [f"stages/{room}" for room in arguments.rooms]
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as scratch:
        trees = [Path(scratch) / str(number) for number in range(arguments.processes)]
        for tree in trees:
            shutil.copytree(arguments.root, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))
        folder = arguments.folder or arguments.root / ".aiwf" / "mutants"
        measured = sorted({f"stages/{room}" for room in ROOMS} | set(rooms))
        coverage = LineCoverage(trees[0], measured, folder.resolve())
        coverage.measure(arguments.tests, arguments.processes)
        mutants = drawn_from(trees[0], rooms, arguments.count, arguments.seed)
        every = [Runs(tree, ROOT) for tree in trees]
        check(every[0], coverage)
        outcomes = []
        for each in outcomes_of(mutants, coverage, every):
            outcomes.append(each)
            print(f"{'killed' if each.killer else 'SURVIVED'} {each} {each.killer}", flush=True)
        failures = failing(outcomes, every[0])
        for runs in every:
            runs.end()
    return report(outcomes, rooms, arguments.survivors, failures)


def drawn_from(tree: Path, rooms: list[str], count: int, seed: int) -> list[Mutant]:
    """`count` mutants, as many of each room."""
    mutants = []
    for place, room in enumerate(rooms):
        of_room = [
            mutant
            for path in sorted((tree / room).rglob("*.py"))
            for mutant in mutants_of(str(path.relative_to(tree)), path.read_bytes())
        ]
        share_of_room = len(range(place, count, len(rooms)))
        mutants += drawn(of_room, share_of_room, seed)
        print(f"{room}: {share_of_room} of {len(of_room)} mutants", flush=True)
    return mutants


def check(runs: Runs, coverage: LineCoverage) -> None:
    """Raise SystemExit if not even the quickest test passes on the code as it is."""
    quickest = min(coverage.seconds, key=coverage.seconds.__getitem__)
    code, text = runs.run([*OPTIONS, quickest], 600)
    if code:
        raise SystemExit(f"{quickest} does not pass without a change (exit code {code}):\n{text}")


def failing(outcomes: list[Outcome], runs: Runs) -> str:
    """What is printed if tests that killed mutants fail in the tree as it is, or else nothing."""
    killers = {each.killer for each in outcomes if "::" in each.killer}
    if not killers:
        return ""
    tests = sorted({function_of(name) for name in killers})
    code, text = runs.run([*OPTIONS, *tests], 3600)
    return text if code else ""


def report(outcomes: list[Outcome], rooms: list[str], listed: Path | None, failures: str) -> int:
    """Print the survivors and the shares; 1 if tests fail on the code as it is (`failures`)."""
    survivors = [each for each in outcomes if not each.killer]
    print("", "survivors:", *survivors, "", sep="\n")
    for room in rooms:
        print(f"{room}: {share([each for each in outcomes if each.mutant.room == room])}")
    print(f"all: {share(outcomes)}")
    if listed:
        listed.write_text("".join(f"{each}\n" for each in survivors))
    if failures:
        print("These figures are not valid: tests fail without any change.", failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
