"""Notes how far a session of tests has come, for `tests/session.py`, which holds it to its end."""

import json
import os
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

# Test modules may import Ray before training sets these, and Ray reads them when it is imported.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", token_hex(32))

RECORD = "AIWF_TEST_RECORD"  # the file that is written; unset: none


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note how many tests there are to run."""
    _note(selected=len(session.items))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(ids: list[str]) -> None:
    """Note how many tests there are, if several processes run them; each has the same list."""
    _note(selected=len(ids))


def pytest_runtest_logstart(nodeid: str) -> None:
    """Note the test that begins: the last one, if the process ends in it."""
    _note(begun=nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what came of a test: of its call, or of what went wrong before or after it."""
    if report.when == "call" or not report.passed:
        skipped = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        _note(test=report.nodeid, outcome=report.outcome, reason=skipped)


def pytest_runtest_logfinish(nodeid: str) -> None:
    """Note that a test has come to its end."""
    _note(ended=nodeid)


def pytest_sessionfinish(exitstatus: int) -> None:
    """Note that the session has come to its end."""
    _note(finished=int(exitstatus))


def _note(**facts: Any) -> None:
    """Add a line to the record; it is on disk before the next test begins."""
    path = os.environ.get(RECORD)
    if path and "PYTEST_XDIST_WORKER" not in os.environ:  # their controller hears of all
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")
