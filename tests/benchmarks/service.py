"""The overhead of the service: `python -m tests.benchmarks.service PACKAGE [PHOTOS]`.

Measures answers per second of processor time (of the service and its workers, not of the client)
with 8, 32 and 64 connections that send the next request as soon as they are answered, compared with
predicting in this process; and the latency of `/health` under this load and 200 silent connections,
compared with a bare uvicorn application under the same load."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from PIL import Image

from stages.runtime.predictor import Predictor
from stages.runtime.server import cores
from tests.runtime.loopback import listening
from tests.runtime.painting import saved

CONNECTIONS = (8, 32, 64)
SECONDS = 8.0
BASE_SECONDS = 4.0
SILENT = 200
JPEG_BYTES = 50_000
BARE = """
import sys, uvicorn
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"15")]
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b'{"status":"ok"}'})
print("http://127.0.0.1:" + sys.argv[1] + "/predict", file=sys.stderr, flush=True)
uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="error", lifespan="off")
"""
CLIENT = """
import asyncio, json, sys, time
port, connections, seconds, silent, folder = sys.argv[1:]
port, connections, seconds, silent = int(port), int(connections), float(seconds), int(silent)
import pathlib
bodies = [path.read_bytes() for path in sorted(pathlib.Path(folder).iterdir())]
times, statuses, health, open_ones = [], {}, [], []

async def exchange(streams, request):
    reader, writer = streams
    writer.write(request)
    top = await reader.readuntil(b"\\r\\n\\r\\n")
    size = int(top.lower().split(b"content-length:")[1].split(b"\\r\\n")[0])
    await reader.readexactly(size)
    return int(top[9:12])

async def ask(number, ends):
    streams = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < ends:
        body = bodies[number % len(bodies)]
        number += 1
        lines = ["POST /predict HTTP/1.1", "Host: x", "Content-Type: image/jpeg"]
        head = "\\r\\n".join([*lines, f"Content-Length: {len(body)}"]) + "\\r\\n\\r\\n"
        started = time.perf_counter()
        status = await exchange(streams, head.encode() + body)
        statuses[status] = statuses.get(status, 0) + 1
        if status == 200:
            times.append(time.perf_counter() - started)

async def probe(ends):
    while time.perf_counter() < ends:
        started = time.perf_counter()
        streams = await asyncio.open_connection("127.0.0.1", port)
        await exchange(streams, b"GET /health HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        health.append(time.perf_counter() - started)
        streams[1].close()
        await asyncio.sleep(0.01)

async def say_nothing(ends):
    while time.perf_counter() < ends:
        try:
            reader, _ = await asyncio.open_connection("127.0.0.1", port)
            open_ones.append(reader)
            await reader.read()
        except OSError:
            await asyncio.sleep(0.05)

async def main():
    ends = time.perf_counter() + seconds
    quiet = [asyncio.create_task(say_nothing(ends)) for _ in range(silent)]
    probes = [probe(ends)] if silent else []
    await asyncio.gather(*(ask(n, ends) for n in range(connections)), *probes)
    for task in quiet:
        task.cancel()

asyncio.run(main())
print(json.dumps({"times": times, "statuses": statuses, "health": health}))
"""


def main(arguments: Sequence[str]) -> None:
    """Print the tables."""
    package = Path(arguments[0])
    with TemporaryDirectory(prefix="aiwf service ") as scratch:
        photos = Path(arguments[1]) if len(arguments) > 1 else _photos(Path(scratch) / "photos")
        samples = [path.read_bytes() for path in sorted(photos.iterdir())]
        mean = sum(map(len, samples)) / len(samples)
        print(f"{len(samples)} photos of {mean / 1000:.0f} kB, {cores()} cores")
        with listening(package, Path(scratch) / "log", threads=0) as service:
            print(f"memory (PSS): {_memory(service.tree)}")
            _load(service.port, CONNECTIONS[0], 0, photos)  # warm-up of workers and libraries
            print(f"{'connections':>11} {'in process':>10} {'service':>8} {'ratio':>6}"
                  f" {'p50':>8} {'p99':>8} {'HTTP':>8}  answers/CPU s, statuses")  # fmt: skip
            for connections in CONNECTIONS:
                _row(package, samples, service, connections, photos)
            print(f"memory (PSS): {_memory(service.tree)}")
            loaded = _load(service.port, CONNECTIONS[-1], SILENT, photos)
        with _bare(Path(scratch)) as port:
            bare = _load(port, CONNECTIONS[-1], SILENT, photos)
        print(f"/health beside {CONNECTIONS[-1]} connections and {SILENT} silent ones:")
        for name, found in (("service", loaded), ("bare uvicorn", bare)):
            print(f"{name:>13}: p50 {_at(found['health'], 50)}, p99 {_at(found['health'], 99)},"
                  f" {len(found['health'])} times")  # fmt: skip


def _row(package, samples, service, connections, photos) -> None:
    """Measure the service between two halves of the baseline, as the machine's load may change."""
    first = _base(package, samples)
    before = _processor_seconds(service.tree)
    found = _load(service.port, connections, 0, photos)
    after = _processor_seconds(service.tree)
    spent, http = sum(after) - sum(before), after[0] - before[0]
    base = (first + _base(package, samples)) / 2
    rate = len(found["times"]) / spent
    print(f"{connections:11d} {base:10.1f} {rate:8.1f} {rate / base:6.2f}"
          f" {_at(found['times'], 50)} {_at(found['times'], 99)}"
          f" {1000 * http / len(found['times']):5.2f} ms  {found['statuses']}")  # fmt: skip


def _base(package: Path, samples: list[bytes]) -> float:
    """Answers per CPU second without the service, with as many processes at once as the service has
    workers, since busy cores slow each other down."""
    arguments = [sys.executable, "-m", "tests.benchmarks.service", "--base", str(package)]
    with TemporaryDirectory() as folder:
        for number, sample in enumerate(samples):
            (Path(folder) / f"{number:03d}").write_bytes(sample)
        running = [
            subprocess.Popen([*arguments, folder], stdout=subprocess.PIPE) for _ in range(cores())
        ]
        rates = [float(process.communicate()[0]) for process in running]
    return sum(rates) / len(rates)


def _answer_here(package: Path, photos: Path) -> None:
    """Print answers per CPU second of this process."""
    samples = [path.read_bytes() for path in sorted(photos.iterdir())]
    with Predictor.open(package) as predictor:
        predictor.predict(samples[0])
        count, started, cpu_started = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - started < BASE_SECONDS:
            predictor.predict(samples[count % len(samples)])
            count += 1
        print(count / (time.process_time() - cpu_started))


def _load(port: int, connections: int, silent: int, photos: Path):
    arguments = [
        sys.executable,
        "-c",
        CLIENT,
        *map(str, (port, connections, SECONDS, silent, photos)),
    ]
    return json.loads(subprocess.run(arguments, stdout=subprocess.PIPE, check=True).stdout)


@contextmanager
def _bare(scratch: Path):
    """The port of a bare uvicorn application, which answers everything immediately."""
    from stages.local.health import free_port

    port, log = free_port(23_000 + os.getpid() % 5_000), scratch / "bare"
    with log.open("w") as stream:
        process = subprocess.Popen([sys.executable, "-c", BARE, str(port)], stderr=stream)
    try:
        time.sleep(3)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _processor_seconds(tree: psutil.Process) -> list[float]:
    """The processor time of the HTTP process and of each worker."""
    times = [process.cpu_times() for process in (tree, *tree.children(recursive=True))]
    return [spent.user + spent.system for spent in times]


def _memory(tree: psutil.Process) -> str:
    sizes = [process.memory_full_info().pss for process in (tree, *tree.children(recursive=True))]
    return f"{sum(sizes) / 1e6:.0f} MB: " + " + ".join(f"{size / 1e6:.0f}" for size in sizes)


def _at(seconds: list[float], percent: int) -> str:
    return f"{1000 * float(np.percentile(seconds, percent)):5.0f} ms"


def _photos(folder: Path) -> Path:
    """Sixteen JPEGs of 640 x 480 with about JPEG_BYTES each."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(16):
        rough = rng.integers(0, 255, (60, 80, 3), np.uint8)
        image = Image.fromarray(rough).resize((640, 480), Image.Resampling.BICUBIC)
        data = min(
            (saved(image, "JPEG", quality=quality) for quality in range(30, 100, 3)),
            key=lambda data: abs(len(data) - JPEG_BYTES),
        )
        (folder / f"{number:02d}.jpg").write_bytes(data)
    return folder


if __name__ == "__main__":
    if sys.argv[1] == "--base":
        _answer_here(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(sys.argv[1:])
