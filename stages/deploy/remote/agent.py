"""The program that works on a device for one connection: it is sent over ssh and run by the Python
there, with nothing but the standard library, and leaves nothing running.

It reads a request, a line of JSON, from its input, and answers with lines of JSON. Files that a
program needs are kept by their digest in one folder, so that what was sent once is not sent again,
also after a connection that broke. A program runs in a folder of its own, which is removed after
it; when the connection ends, so does the program."""

import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from typing import Any, BinaryIO

MARK = "AIWF-AGENT 1"
MOST_LINE = 4_000_000  # bytes of a request
MOST_STORED = 2_000_000_000  # bytes of stored files
CHUNK = 1 << 20


def main() -> None:
    """Answer the request on the input."""
    print_line(MARK)
    source = sys.stdin.buffer
    try:
        request = json.loads(source.readline(MOST_LINE))
        home = place()
        sweep(home)
        if request["do"] == "probe":
            reply(probe(home))
        elif request["do"] == "clear":
            shutil.rmtree(home, ignore_errors=True)
            reply({"cleared": True})
        else:
            run(request, home, source)
    except Exception as error:
        reply({"problem": f"{type(error).__name__}: {error}"})


def reply(answer: "dict[str, Any]") -> None:
    """Print `answer` as a line."""
    print_line(json.dumps(answer))


def print_line(text: str) -> None:
    """Write `text` and a line's end to the connection."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def place() -> str:
    """The folder of the agent's files, which nobody else may read."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    home = os.path.join(cache, "aiwf-device")
    for folder in ("files", "runs"):
        os.makedirs(os.path.join(home, folder), mode=0o700, exist_ok=True)
    os.chmod(home, 0o700)
    return home


def probe(home: str) -> "dict[str, Any]":
    """What the device is."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "free_mb": shutil.disk_usage(home).free // 1_000_000,
    }


def processor() -> str:
    """The processor's name, empty if the system does not say it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            lines = [line.partition(":") for line in file]
    except OSError:
        return platform.processor()
    values = {key.strip(): value.strip() for key, _, value in lines}
    return values.get("model name") or values.get("Model") or values.get("Hardware") or ""


def sweep(home: str) -> None:
    """Remove what connections that broke have left behind, and the files that were used longest
    ago beyond MOST_STORED bytes."""
    runs, files = os.path.join(home, "runs"), os.path.join(home, "files")
    for name in os.listdir(runs):
        if not alive(name.partition("-")[0]):
            shutil.rmtree(os.path.join(runs, name), ignore_errors=True)
    stored = []
    for name in os.listdir(files):
        path = os.path.join(files, name)
        if "." in name and not alive(name.rpartition(".")[2]):
            os.unlink(path)
        elif "." not in name:
            found = os.stat(path)
            stored.append((found.st_mtime, found.st_size, path))
    size = 0
    for _, length, path in sorted(stored, reverse=True):
        size += length
        if size > MOST_STORED:
            os.unlink(path)


def alive(process: str) -> bool:
    """Whether the process with this number is running."""
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True


def run(request: "dict[str, Any]", home: str, source: BinaryIO) -> None:
    """Run the program that `request` describes on its files, of which those that are missing here
    are received first."""
    files = os.path.join(home, "files")
    wanted = {}
    for name, (digest, size) in request["files"].items():
        check_name(name, digest)
        wanted[digest] = size
    missing = [digest for digest in sorted(wanted) if digest_of(files, digest) != digest]
    reply({"missing": missing})
    for digest in missing:
        receive(source, files, digest, wanted[digest])
    folder = tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=os.path.join(home, "runs"))
    try:
        for name, (digest, _) in request["files"].items():
            path = os.path.join(folder, *name.split("/"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copyfile(os.path.join(files, digest), path)
            os.utime(os.path.join(files, digest))
        found = finished(request, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    reply(found)


def check_name(name: str, digest: str) -> None:
    """Raise ValueError unless `name` stays below a folder and `digest` is a sha256."""
    parts = name.split("/")
    if not name or "\\" in name or "\0" in name or {"", ".", ".."} & set(parts):
        raise ValueError(f"no name of a file: {name!r}")
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise ValueError(f"no digest: {digest!r}")


def digest_of(files: str, name: str) -> str:
    """The digest of the file that is kept under `name`; empty if there is none."""
    found = hashlib.sha256()
    try:
        with open(os.path.join(files, name), "rb") as file:
            while True:
                part = file.read(CHUNK)
                if not part:
                    return found.hexdigest()
                found.update(part)
    except OSError:
        return ""


def receive(source: BinaryIO, files: str, digest: str, size: int) -> None:
    """Read `size` bytes, and keep them if they have this `digest`."""
    draft = os.path.join(files, f"{digest}.{os.getpid()}")
    found, remaining = hashlib.sha256(), size
    try:
        with open(draft, "wb") as file:
            while remaining:
                part = source.read(min(CHUNK, remaining))
                if not part:
                    raise EOFError("the connection ended while a file was sent")
                found.update(part)
                file.write(part)
                remaining -= len(part)
        if found.hexdigest() != digest:
            raise ValueError("a file arrived damaged")
        os.replace(draft, os.path.join(files, digest))
    finally:
        if os.path.exists(draft):
            os.unlink(draft)


def finished(request: "dict[str, Any]", folder: str) -> "dict[str, Any]":
    """Run the program, bounded in time and output, and return what it printed. It ends with the
    connection."""
    arguments = [text.replace("{folder}", folder) for text in request["arguments"]]
    out, err = os.path.join(folder, ".out"), os.path.join(folder, ".err")
    with open(out, "wb") as stdout, open(err, "wb") as stderr:
        program = subprocess.Popen(
            [sys.executable, "-I", "-B", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    threading.Thread(target=end_with_input, args=(program,), daemon=True).start()
    most, ends, why = request["most_output"], time.monotonic() + request["seconds"], ""
    while program.poll() is None:
        if time.monotonic() > ends:
            why = f"it took more than {request['seconds']:g} seconds"
        elif max(os.path.getsize(out), os.path.getsize(err)) > most:
            why = f"it printed more than {most} bytes"
        if why:
            end(program)
            program.wait()
        time.sleep(0.05)
    return {
        "code": program.returncode,
        "out": first_bytes(out, most),
        "err": last_bytes(err),
        "why": why,
    }


def end_with_input(program: "subprocess.Popen[bytes]") -> None:
    """End `program` when the connection ends: nothing more is sent before."""
    os.read(0, 1)  # a blocked thread must not hold the lock of sys.stdin at the end
    end(program)


def end(program: "subprocess.Popen[bytes]") -> None:
    """Kill `program` and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


def first_bytes(path: str, most: int) -> str:
    """The first `most` bytes of a file, as text."""
    with open(path, "rb") as file:
        return file.read(most).decode("utf-8", "replace")


def last_bytes(path: str) -> str:
    """The last bytes of a file, as text."""
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 4000))
        return file.read(4000).decode("utf-8", "replace")


if __name__ == "__main__":
    main()
