"""Which tests run a line: measured with coverage, kept, and measured again where files changed.

As a pytest plugin (`-p tests.mutants.line_coverage`) this file tells coverage which test runs, or
which shared fixture is set up: what such a fixture runs counts for all tests that use it.
Processes that a test starts are measured as well, under the test's name."""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import coverage
import pytest

NOW = "AIWF_TEST_NOW"  # the running test's name, for the processes that it starts
RESULTS = "AIWF_TEST_RESULTS"  # the file that is written at the end of a session
OPTIONS = ["-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=line"]  # of pytest
SHARED = "shared fixture "  # begins the name of what a fixture of a wider scope runs
TABLE = "tests_of_lines.json"
_results: dict[str, dict[str, Any]] = {}
_shared: dict[str, float] = {}  # seconds of the shared fixtures that the running test has set up


def _switch(context: str) -> None:
    current = coverage.Coverage.current()
    if current is not None:
        current.switch_context(context)
    os.environ[NOW] = context


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure under the test's name."""
    _shared.clear()
    _switch(item.nodeid)
    try:
        return (yield)
    finally:
        _switch("")


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
    """Measure a shared fixture under a name of its own, and how long it takes by itself."""
    before, began, inner = os.environ.get(NOW, ""), time.monotonic(), sum(_shared.values())
    if fixturedef.scope == "function":
        return (yield)
    name = f"{SHARED}{fixturedef.argname} of {fixturedef.baseid}"
    _switch(name)
    try:
        return (yield)
    finally:
        _shared[name] = time.monotonic() - began - (sum(_shared.values()) - inner)
        _switch(before)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Pass on with a test's report what it has set up and which fixtures it uses."""
    item.user_properties += [("shared", _shared), ("fixtures", getattr(item, "fixturenames", []))]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a test's seconds, those of fixtures for others left out, and whether it passed."""
    properties: dict[str, Any] = dict(report.user_properties)
    result = _results.setdefault(report.nodeid, {"seconds": 0.0, "passed": False})
    result["seconds"] += report.duration
    if report.when == "call":
        result.update(passed=report.passed, shared=dict(properties["shared"]))
        result.update(fixtures=list(properties["fixtures"]))
        result["seconds"] -= sum(properties["shared"].values())
    elif not report.passed:
        result["passed"] = False


def pytest_sessionfinish() -> None:
    """Write what was noted; of several processes the controller, which hears of all tests."""
    if RESULTS in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:
        Path(os.environ[RESULTS]).write_text(json.dumps(_results))


def function_of(nodeid: str) -> str:
    """The test function of a test: its id without parameters."""
    return nodeid.partition("[")[0]


class LineCoverage:
    """The test functions that run each line of `rooms` (folders of `root`), and their seconds:
    those of a function by itself, and those of each shared fixture that it needs. `lines`: how
    many lines a function runs.

    `table` has a record for each test file: digests of what it was measured with, the seconds of
    its functions that passed, and which of them run which line."""

    def __init__(self, root: Path, rooms: list[str], folder: Path) -> None:
        self.root, self.rooms, self.folder = root, rooms, folder
        path = folder / TABLE
        self.table: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        self.seconds: dict[str, float] = {}
        self.needs: dict[str, dict[str, float]] = {}
        self.by_line: dict[str, dict[int, set[str]]] = {}
        self.lines: Counter[str] = Counter()

    def measure(self, tests: list[str], processes: int) -> None:
        """Run the test files below `tests` whose record is missing or out of date; read all."""
        places = [self.root / name for name in tests]
        files = sorted({file for place in places for file in _test_files(place)})
        names = [str(file.relative_to(self.root)) for file in files]
        stale = [name for name in names if not self._holds(name)]
        if stale:
            print(f"measuring which lines {len(stale)} test files run ...", flush=True)
            self._run(stale, processes)
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / TABLE).write_text(json.dumps(self.table))
        by_line: dict[str, Any] = defaultdict(lambda: defaultdict(set))
        for name in names:
            self.seconds |= self.table[name]["seconds"]
            self.needs |= self.table[name]["needs"]
            for source, lines in self.table[name]["lines"].items():
                for line, functions in lines.items():
                    by_line[source][int(line)].update(functions)
                    self.lines.update(functions)
        self.by_line = by_line

    def mentioning(self, names: Iterable[str]) -> set[str]:
        """The test functions that run a line which mentions one of `names`."""
        found: set[str] = set()
        pattern = re.compile(rf"\b(?:{'|'.join(names)})\b")
        for source, lines in self.by_line.items():
            text = (self.root / source).read_text().splitlines()
            for number, functions in lines.items():
                # a test may run a longer text under this file's name
                if any(pattern.search(line) for line in text[number - 1 : number]):
                    found |= functions
        return found

    def _holds(self, name: str) -> bool:
        record = self.table.get(name)
        if record is None or record["key"] != self._key(name):
            return False
        if not set(self.rooms) <= set(record["rooms"]):
            return False
        return all(self._digest(source) == digest for source, digest in record["sources"].items())

    def _key(self, name: str) -> str:
        """The digest of a test file and of the helpers beside it and at the top of the tests."""
        folder, top = (self.root / name).parent, (self.root / name.split("/")[0])
        helpers = {*folder.glob("*.py"), *top.glob("*.py")} - {*_test_files(top)}
        digests = [self._digest(str(path.relative_to(self.root))) for path in sorted(helpers)]
        return sha256("".join([self._digest(name), *digests]).encode()).hexdigest()

    def _digest(self, name: str) -> str:
        path = self.root / name
        return sha256(path.read_bytes()).hexdigest() if path.exists() else ""

    def _run(self, files: list[str], processes: int) -> None:
        """Run test files with coverage in every process, and keep a record of each file."""
        scratch = self.folder / "measuring"
        scratch.mkdir(parents=True, exist_ok=True)
        for old in scratch.iterdir():
            old.unlink()
        settings, results = scratch / "coveragerc", scratch / "results.json"
        include = ", ".join(f"{self.root}/{room}/*" for room in self.rooms)
        settings.write_text(
            f"[run]\nparallel = true\ndata_file = {scratch}/data\ninclude = {include}\n"
            f"context = ${{{NOW}-}}\ndisable_warnings = no-data-collected\n"
        )
        command = [sys.executable, "-m", "pytest", *OPTIONS, "-p", "tests.mutants.line_coverage"]
        command += files
        command += ["-n", str(processes), "--dist", "loadfile"] if processes > 1 else []
        environment = {**os.environ, RESULTS: str(results), NOW: ""}
        environment["COVERAGE_PROCESS_START"] = str(settings)
        environment.pop("PYTEST_XDIST_WORKER", None)  # of a session whose test began this one
        subprocess.run(command, cwd=self.root, env=environment, check=False)
        data = coverage.Coverage(config_file=str(settings))
        data.combine()
        self._record(files, json.loads(results.read_text()), data.get_data())

    def _record(self, files: list[str], results: dict[str, Any], data: Any) -> None:
        for name in files:
            record = {"key": self._key(name), "rooms": self.rooms, "sources": {}, "lines": {}}
            seconds, needs = _seconds(results, name), _needs(results, name)
            self.table[name] = {**record, "seconds": seconds, "needs": needs}
        tests_of = {context: _tests_of(context, results) for context in data.measured_contexts()}
        for path in filter(lambda name: name.endswith(".py"), data.measured_files()):
            source = str(Path(path).relative_to(self.root))
            digest = self._digest(source)
            for line, contexts in data.contexts_by_lineno(path).items():
                for function in set().union(*(tests_of[context] for context in contexts)):
                    record = self.table[function.partition("::")[0]]
                    record["sources"][source] = digest
                    if function in record["seconds"]:
                        lines = record["lines"].setdefault(source, {})
                        lines.setdefault(str(line), []).append(function)


def _test_files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.rglob("test_*.py"))


def _seconds(results: dict[str, Any], file: str) -> dict[str, float]:
    """Seconds of the functions of `file` of which every case passed."""
    seconds: dict[str, float] = defaultdict(float)
    mine = {name: result for name, result in results.items() if name.startswith(f"{file}::")}
    for name, result in mine.items():
        seconds[function_of(name)] += result["seconds"]
    failed = {function_of(name) for name, result in mine.items() if not result["passed"]}
    return {name: round(value, 3) for name, value in seconds.items() if name not in failed}


def _needs(results: dict[str, Any], file: str) -> dict[str, dict[str, float]]:
    """The seconds of each shared fixture that a function of `file` needs."""
    seconds: dict[str, float] = {}
    for result in results.values():
        seconds |= result.get("shared", {})
    needs: dict[str, dict[str, float]] = defaultdict(dict)
    for shared, value in seconds.items():
        for function in _tests_of(shared, results):
            if function.startswith(f"{file}::"):
                needs[function][shared] = round(value, 3)
    return needs


def _tests_of(context: str, results: dict[str, Any]) -> set[str]:
    """The test functions for which what ran under the name `context` counts."""
    if not context.startswith(SHARED):
        return {function_of(context)} if context in results else set()
    fixture, _, place = context.removeprefix(SHARED).partition(" of ")
    users = (name for name, result in results.items() if fixture in result.get("fixtures", ()))
    return {function_of(name) for name in users if name.startswith(place)}
