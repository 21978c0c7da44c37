"""The live service as processes of its own, as `aiwf serve --live` starts them."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import psutil

from stages.studio.child import environment

GUARD = 240  # seconds after which a test that hangs is given up
SERVE = (
    "import sys; from stages.settings import Settings;"
    "from stages.publish.service_process import serve_live;"
    "serve_live(Settings(), '127.0.0.1', 0, tuple(sys.argv[1:]))"
)


class LiveProcess:
    """The watching process and what it started, at `place`."""

    def __init__(self, process, log):
        self.process, self._log = process, log
        self.place = self._found(r"http://127\.0\.0\.1:\d+")

    def _found(self, pattern):
        ends = time.monotonic() + GUARD
        while not (found := re.search(pattern, self._log.read_text())):
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < ends
            time.sleep(0.05)
        return found.group(0)

    def get(self, path, **options):
        return httpx.get(f"{self.place}{path}", timeout=GUARD, **options)

    def predict(self, pipeline, data):
        headers = {"content-type": "image/png"}
        return httpx.post(
            f"{self.place}/{pipeline}/predict", content=data, headers=headers, timeout=GUARD
        )

    def until(self, pipeline, package):
        """Wait until `package` answers; how many seconds that took."""
        began = time.monotonic()
        while True:
            live = {each["pipeline"]: each["package"] for each in self.get("/").json()["live"]}
            if live.get(pipeline) == package:
                return time.monotonic() - began
            assert time.monotonic() - began < GUARD, (live, self._log.read_text())
            time.sleep(0.05)

    def server(self):
        """The process that serves."""
        (server,) = psutil.Process(self.process.pid).children()
        return server

    def workers(self):
        """The ids of the processes that answer samples."""
        return [child.pid for child in self.server().children()]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(GUARD)


@contextmanager
def live_service(settings, log, *pipelines):
    """The running service of `settings`; it and all that it started end with the block."""
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, *pipelines],
            stderr=stream,
            env={**environment(settings), "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    try:
        yield LiveProcess(process, log)
    finally:
        tree = [psutil.Process(process.pid)] if process.poll() is None else []
        tree += [child for each in list(tree) for child in each.children(recursive=True)]
        for each in tree:
            try:
                each.kill()
            except psutil.NoSuchProcess:
                continue
        process.wait(GUARD)
