"""Runs of pytest that share one start: a process imports the slow libraries, and forks for each.

`python -m tests.mutants.forked` reads requests from its input, a line of JSON each, and answers
with the exit code of the run. Only libraries are imported before, nothing that a mutant changes."""

import atexit
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.session import OWNER, ended_by_force

REWRITTEN = "ignore::pytest.PytestAssertRewriteWarning"  # of plugins that are imported before
LIBRARIES = (
    *("hypothesis", "numpy", "onnx", "onnxruntime", "pandas", "PIL.Image", "pydantic"),
    *("pytest", "scipy.stats", "sklearn.metrics", "yaml"),
)


class Runs:
    """Runs of pytest in the folder `tree`, one after the other."""

    def __init__(self, tree: Path, root: Path) -> None:
        self.tree = tree
        self.printed = tree.parent / f"printed-{tree.name}"
        command = [sys.executable, "-m", "tests.mutants.forked"]
        self.process = subprocess.Popen(
            command,
            cwd=tree,
            env={**os.environ, "PYTHONPATH": f"{tree}:{root}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, arguments: list[str], seconds: float) -> tuple[int, str]:
        """The exit code of pytest with `arguments` (-9 if the time is over), and what it printed.
        What it has started and left behind is ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        owner = f"mutants-{os.getpid()}-{self.tree.name}-{time.monotonic_ns()}"
        temporary = f"--basetemp={self.tree.parent}/tests-{self.tree.name}"
        request = {
            "arguments": ["-W", REWRITTEN, temporary, *arguments],
            "seconds": seconds,
            "owner": owner,
        }
        print(json.dumps({**request, "printed": str(self.printed)}), file=self.process.stdin)
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        ended_by_force(owner, patience=5)
        return code, self.printed.read_text(errors="replace")

    def end(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def _forked(request: dict[str, Any]) -> int:
    child = os.fork()
    if not child:
        _child(request)
    end = time.monotonic() + request["seconds"]
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGKILL


def _child(request: dict[str, Any]) -> None:
    """Run pytest, and end this process with its exit code."""
    import pytest

    os.setsid()
    os.environ[OWNER] = request["owner"]
    printed = os.open(request["printed"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, standard in ((nothing, 0), (printed, 1), (printed, 2)):
        os.dup2(ours, standard)
    code = 3
    try:
        code = int(pytest.main(request["arguments"]))
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    for name in LIBRARIES:
        import_module(name)
    for line in sys.stdin:
        print(_forked(json.loads(line)), file=answers, flush=True)


if __name__ == "__main__":
    main()
