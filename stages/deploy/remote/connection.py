"""A connection to a device by the system's ssh, for one request to the program agent.py.

ssh decides by its own configuration and agent which key it shows and which host it trusts: it is
never asked to trust one, and no key passes through here. What comes back is bounded in bytes and
time, and not trusted."""

import json
import re
import shlex
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as resources
from typing import IO, Any, NamedTuple, NoReturn

from stages.artifacts import digest_of
from stages.deploy.remote import agent
from stages.runtime import neutral
from stages.runtime.errors import ConfigError, Damaged, DataError, InfrastructureError

SSH = "ssh"
OPTIONS = (
    *("-T", "-a", "-x", "-oBatchMode=yes", "-oConnectTimeout=10", "-oConnectionAttempts=1"),
    *("-oServerAliveInterval=5", "-oServerAliveCountMax=3", "-oClearAllForwardings=yes"),
)
USER, HOST = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}"
ADDRESS = re.compile(rf"(?:{USER}@)?{HOST}")
PYTHON = re.compile(r"[A-Za-z0-9_./~+-]{1,400}")
# Its source is as long as the first line of the input says.
START = (
    "import sys; s = sys.stdin.buffer; "
    "exec(compile(s.read(int(s.readline())), 'agent', 'exec'), {'__name__': '__main__'})"
)
MOST_ANSWER = 8_000_000  # bytes of a line from the device
MOST_BEFORE = 64  # lines that the device's shell may print first
GRACE = 60  # seconds beside those that a program may take: to connect, to send files
SLOWEST = 200_000  # bytes a second at which files are sent


class DeviceLost(InfrastructureError):
    """The device cannot be reached, or vanished in the middle."""


@dataclass(frozen=True)
class RemoteDevice:
    """A device by the `name` that a person gave it. `address`: user@host, or what ssh's own
    configuration calls it. `port`: 0 for what ssh's configuration says. `python`: the interpreter
    there, which has the engine's library. `profile`: the device profile that describes it, or ''.

    Raises ConfigError for an address, port or interpreter that cannot be meant."""

    name: str
    address: str
    port: int = 0
    python: str = "python3"
    profile: str = ""

    def __post_init__(self) -> None:
        where = f"device {neutral.line(self.name)[:60]}"
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", self.name):
            raise ConfigError(
                f"A {where} cannot be added.", "A name is of small letters, digits, _ and -."
            )
        if not ADDRESS.fullmatch(self.address):
            raise ConfigError(
                f"{where}: '{neutral.line(self.address)[:80]}' is no address.",
                "Write user@host, or the name of a Host in ~/.ssh/config.",
            )
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"{where}: there is no port {self.port}.", "Give 1 to 65535.")
        if not PYTHON.fullmatch(self.python) or self.python.startswith("-"):
            raise ConfigError(
                f"{where}: '{neutral.line(self.python)[:80]}' is no interpreter.",
                "Give the path of a Python there, such as /home/pi/venv/bin/python.",
            )

    @property
    def command(self) -> list[str]:
        """What starts the agent there: ssh joins the last word into a line for a shell."""
        port = ["-p", str(self.port)] if self.port else []
        remote = f"exec {_path(self.python)} -I -u -c {shlex.quote(START)}"
        return [SSH, *OPTIONS, *port, "--", self.address, remote]


class Finished(NamedTuple):
    """What a program printed on the device, and the code that it ended with. `why`: the bound that
    it broke, or ''."""

    code: int
    out: str
    err: str
    why: str

    @property
    def message(self) -> str:
        """Why it failed, in a line: the bound that it broke, or the end of what it complained."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        return self.why or neutral.line(" / ".join(lines[-3:]) or f"it ended with {self.code}")


def probe(device: RemoteDevice) -> dict[str, Any]:
    """What the device is: python, machine, system, processor, cores, free_mb. Raises DeviceLost."""
    with _Connection(device, {"do": "probe"}, GRACE) as connection:
        found = connection.answer()
    kinds = {name: int if name in ("cores", "free_mb") else str for name in PROBED}
    if any(not isinstance(found.get(name), kind) for name, kind in kinds.items()):
        raise _odd(device, "it does not say what it is")
    return {name: neutral.line(found[name])[:200] for name in PROBED}


PROBED = ("python", "machine", "system", "processor", "cores", "free_mb")


def clear(device: RemoteDevice) -> None:
    """Remove every file of ours from the device. Raises DeviceLost."""
    with _Connection(device, {"do": "clear"}, GRACE) as connection:
        connection.answer()


def run_there(
    device: RemoteDevice,
    files: Mapping[str, bytes],
    arguments: Sequence[str],
    seconds: float,
    most_output: int = 1_000_000,
) -> Finished:
    """Run Python with `arguments` on the device, in a folder of its own with `files`, which are
    sent unless they are there. `{folder}` in an argument stands for that folder. It is ended after
    `seconds`, or when it has printed `most_output` bytes.

    Raises DeviceLost if the device vanishes; its files stay there for the next time."""
    contents = {digest_of(data): data for data in files.values()}
    request = {
        "do": "run",
        "files": {name: [digest_of(data), len(data)] for name, data in files.items()},
        "arguments": list(arguments),
        "seconds": seconds,
        "most_output": most_output,
    }
    patience = GRACE + seconds + sum(map(len, contents.values())) / SLOWEST
    with _Connection(device, request, patience) as connection:
        missing = connection.answer().get("missing")
        if not isinstance(missing, list) or not set(map(str, missing)) <= set(contents):
            raise _odd(device, "it asks for files that it was not offered")
        for digest in missing:
            connection.send(contents[digest])
        found = connection.answer()
    try:
        return Finished(
            int(found["code"]), str(found["out"]), str(found["err"])[-4000:], str(found["why"])
        )
    except (KeyError, TypeError, ValueError):
        raise _odd(device, "it does not say how the program ended") from None


def figures_of(device: RemoteDevice, done: Finished, names: tuple[str, ...]) -> dict[str, float]:
    """The numbers `names` in the last line that a measuring program printed on `device`. Raises
    DataError if they are not there."""
    try:
        found: dict[str, Any] = json.loads(done.out.splitlines()[-1])
        numbers = {name: float(found[name]) for name in names}
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        numbers = {}
    if not numbers or not all(0 <= number < 1e9 for number in numbers.values()):
        raise DataError(
            f"Device {device.name}: the measuring program there printed no figures.",
            "Let its Python print nothing of its own.",
        )
    return numbers


class _Connection:
    """One request to the agent. Everything in it ends after `patience` seconds."""

    def __init__(self, device: RemoteDevice, request: Mapping[str, Any], patience: float) -> None:
        self._device = device
        source = (resources(agent.__package__) / "agent.py").read_bytes()
        line = json.dumps(request).encode() + b"\n"
        if len(line) > agent.MOST_LINE:
            raise ConfigError("The package has too many files for a device.", "Report this.")
        self._first = b"%d\n%b%b" % (len(source), source, line)
        self._patience, self._late, self._heard = patience, False, b""

    def __enter__(self) -> "_Connection":
        try:
            self._ssh = subprocess.Popen(
                self._device.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError:
            raise ConfigError(
                "There is no ssh here.", "Install it (on Debian and Ubuntu: openssh-client)."
            ) from None
        self._complaints = threading.Thread(target=self._hear, daemon=True)
        self._complaints.start()
        self._timer = threading.Timer(self._patience, self._expire)
        self._timer.start()
        try:
            self.send(self._first)
            self._await_mark()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._ssh.kill()
        self._ssh.wait()
        self._complaints.join(5)
        for stream in (self._ssh.stdin, self._ssh.stdout):
            _close(stream)

    def send(self, data: bytes) -> None:
        """Raises DeviceLost."""
        stream: IO[bytes] = self._ssh.stdin  # type: ignore[assignment]
        try:
            stream.write(data)
            stream.flush()
        except OSError:
            self._lost()

    def answer(self) -> dict[str, Any]:
        """The agent's next answer. Raises DeviceLost, also with the problem that it had."""
        line = self._line()
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise _odd(self._device, "what it answers is no JSON")
        if "problem" in found:
            problem = neutral.line(found["problem"])[:300]
            raise DeviceLost(
                f"Device {self._device.name}: {problem}.",
                "Check its memory and disk, and that its clock and Python are sound.",
            )
        return found

    def _await_mark(self) -> None:
        """Skip what the device's shell prints before the agent begins."""
        for _ in range(MOST_BEFORE):
            if self._line().strip() == agent.MARK.encode():
                return
        raise _odd(self._device, "its shell prints text and the agent does not start")

    def _line(self) -> bytes:
        stream: IO[bytes] = self._ssh.stdout  # type: ignore[assignment]
        line = stream.readline(MOST_ANSWER)
        if not line.endswith(b"\n"):
            if len(line) >= MOST_ANSWER:
                raise _odd(self._device, "it answers without end")
            self._lost()
        return line

    def _hear(self) -> None:
        """Keep the end of what ssh complains."""
        stream: IO[bytes] = self._ssh.stderr  # type: ignore[assignment]
        while part := stream.read1(4096):  # type: ignore[attr-defined]
            self._heard = (self._heard + part)[-4000:]
        stream.close()

    def _expire(self) -> None:
        self._late = True
        self._ssh.kill()

    def _lost(self) -> NoReturn:
        """Raise the error that says why the connection is gone."""
        try:
            self._ssh.wait(5)
        except subprocess.TimeoutExpired:
            self._ssh.kill()
        self._complaints.join(5)
        heard = self._heard.decode("utf-8", "replace")
        if self._late:
            heard = f"no answer within {self._patience:.0f} seconds"
        raise DeviceLost(*_reason(self._device, heard, self._ssh.returncode))


def _reason(device: RemoteDevice, heard: str, code: int | None) -> tuple[str, str]:
    """What is wrong by what ssh complained, and what to do."""
    lines = [neutral.line(line) for line in heard.splitlines() if line.strip()]
    last = " / ".join(lines[-2:])[:300].rstrip(".")
    where = f"Device {device.name} ({device.address})"
    by_hand = f"ssh {f'-p {device.port} ' if device.port else ''}{device.address}"
    if "Host key verification failed" in heard or "HOST IDENTIFICATION HAS CHANGED" in heard:
        return (
            f"{where}: ssh does not trust its host key.",
            f"Run `{by_hand}` once, compare the fingerprint with the device's own, and accept it "
            "there. If it was trusted before and has changed, find out why first.",
        )
    if "Permission denied" in heard:
        return (
            f"{where}: it accepts none of ssh's keys.",
            f"Let `{by_hand}` work without a password: a key in ssh-agent or ~/.ssh/config.",
        )
    if code in (126, 127):
        return (
            f"{where}: {device.python} does not start there: {last}.",
            "Say where its Python is: aiwf device add ... --python /path/to/python.",
        )
    if code not in (255, None, -9):
        return f"{where}: {last or f'the connection ended with {code}'}.", f"Try `{by_hand}`."
    return (
        f"{where}: the connection is lost{': ' if last else ''}{last}.",
        f"Check that it is on and that `{by_hand}` works; then do it again: what was sent is "
        "still there.",
    )


def _odd(device: RemoteDevice, what: str) -> Damaged:
    return Damaged(
        f"Device {device.name} ({device.address}) does not answer as it should: {what}.",
        "Let the shell there print nothing when it is not interactive, and try again.",
    )


def _path(python: str) -> str:
    """`python` for a shell: only a leading ~ keeps its meaning."""
    if python.startswith("~/"):
        return f'"$HOME"/{shlex.quote(python[2:])}'
    return shlex.quote(python)


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream:
            stream.close()
    except OSError:
        return
