"""A server of the studio in a process of its own, which a test can kill."""

import subprocess
import sys

from stages.settings import Settings
from stages.studio.child import environment

SERVE = (
    "import sys; from stages.settings import Settings; from stages.studio.app import serve;"
    "serve(Settings(), int(sys.argv[1]), len(sys.argv) > 2)"
)


class Server:
    """A server of the studio, which is started again at the same port. `lan`: for other
    devices, too."""

    def __init__(self, settings: Settings, lan: bool = False) -> None:
        self.settings, self.port, self.lan = settings, 0, lan
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(self.port), *["--lan"] * self.lan],
            env=environment(self.settings),
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        self.address = line.split()[-1]
        self.port = int(self.address.partition("/?")[0].rpartition(":")[2])

    def page(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of the page at `path`, with the token, under the name `host`."""
        place, _, token = self.address.partition("/?")
        return f"{place.replace('127.0.0.1', host)}{path}{'&' if '?' in path else '?'}{token}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
