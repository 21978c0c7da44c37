"""The process of the live service, and the one that watches over it.

The watching process has the socket that listens, and nothing else to do: while the service is
started again after it was killed, connections wait in the socket's line and none is refused."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

from stages.privacy import claim
from stages.publish.places import live_folder
from stages.publish.service import LiveService, guarded
from stages.runtime.server import GRACE, answer_on, listening_at
from stages.runtime.service_process import command_of
from stages.settings import Settings

PAUSES = (0.0, 0.5, 2.0, 5.0)  # seconds before the next start, after so many short lives
SHORT_LIFE = 5.0  # seconds


def serve_live(settings: Settings, host: str, port: int, pipelines: tuple[str, ...] = ()) -> None:
    """Answer with what is live of `pipelines`, or of all, until SIGTERM or Ctrl-C. A service that
    was killed is started again. Raises InfrastructureError if the port is taken."""
    claim(settings.root)
    for name in pipelines:
        live_folder(name, settings)  # refuses what is no name
    listening = listening_at(host, port)
    _print(f"Answering at http://{host}:{listening.getsockname()[1]}/")
    Watcher(listening, host, pipelines).run()


class Watcher:
    """Starts the service, and starts it again when it has ended."""

    def __init__(self, listening: socket.socket, host: str, pipelines: tuple[str, ...]) -> None:
        self._listening = listening
        self._arguments = [listening.fileno(), host, list(pipelines)]
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()

    def run(self) -> None:
        """Watch until SIGTERM or Ctrl-C; the service then has some seconds for its last answers."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        short = 0
        while not self._stopping.wait(PAUSES[min(short, len(PAUSES) - 1)]):
            began = time.monotonic()
            code = self._run_service()
            short = short + 1 if time.monotonic() - began < SHORT_LIFE else 0
            if not self._stopping.is_set():
                _print(f"The service ended ({code}), and is started again.")

    def _run_service(self) -> int:
        """Run the service until it ends; its exit code."""
        reading, writing = os.pipe()  # its end tells the service that this process is gone
        passed = (self._listening.fileno(), reading)
        with subprocess.Popen(
            command_of(__name__, *self._arguments, reading),
            pass_fds=passed,
            process_group=0,  # Ctrl-C is for this process, which ends it
        ) as self._process:
            os.close(reading)
            try:
                if self._stopping.is_set():
                    self._process.terminate()
                return self._process.wait()
            finally:
                os.close(writing)

    def _stop(self, number: int, frame: object) -> None:
        self._stopping.set()
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            threading.Timer(4 * GRACE, process.kill).start()


def main(listening: int, host: str, pipelines: list[str], parent: int) -> None:
    """The service itself, on the socket with the number `listening`."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    settings = Settings()
    service = LiveService(settings, tuple(pipelines))
    hosts = () if host in ("0.0.0.0", "::") else (host,)  # noqa: S104 - no name of a host
    app, table = guarded(service, settings, hosts)
    answer_on(socket.socket(fileno=listening), app, table)


def _end_with(parent: int) -> None:
    """End this process when the one that watches over it is gone."""
    with suppress(OSError):
        os.read(parent, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the command's output
