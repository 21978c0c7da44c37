"""Runs training in a child process, because the process that drives Ray may end with Ray.

Ray ends a driver whose cluster is gone without an exception that could be caught, and the system
may kill a process that is short of memory. A command or an Airflow task has to outlive that and
report it. So it starts the driver as a child and reads its messages from a pipe."""

import base64
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import stages
from stages import parts
from stages.artifacts import Dataset, Model, Ref
from stages.config import TrainSlice
from stages.opening import open_store, resources_of
from stages.runner.job.run_messages import MARK, ForwardingRun, plain, replay
from stages.runtime.errors import InfrastructureError
from stages.runtime.registry import Registry
from stages.settings import Settings
from stages.store import Store
from stages.tracking import Run
from stages.train import train
from stages.train.distributed.cluster import TOKEN, end_rest, ended
from stages.train.distributed.ray_processes import end, of_session

LEAVING = 30.0  # seconds for a driver to stop Ray and end
BROKEN = 5.0  # seconds if Ray is gone already
CHECK_INTERVAL = 1.0  # seconds between two checks of Ray's processes
REMEDY = (
    "Run again: it goes on from where this one was. If it ends again, free some memory, lower "
    "AIWF_THREADS, or look at the cluster that AIWF_RAY names."
)


def train_in_process(
    dataset: Dataset, config: TrainSlice, *, store: Store, run: Run, settings: Settings
) -> Model:
    """Train in a child process and return the Model.

    Raises what `train` raises, and InfrastructureError if the child ends without a result."""
    request = {
        "dataset": dataset.ref.id,
        "config": config.model_dump(mode="json"),
        "parts": {name: board.places for name, board in _boards()},
    }
    with _started(settings) as driver, _stopping(run):
        driver.send(request)
        for line in driver.replies:
            if not line.endswith("\n"):  # it was killed while it wrote this line
                break
            match json.loads(line.removeprefix(MARK)):
                case ["ready"]:
                    driver.ready = True
                case ["model", id]:
                    model: Model = store.load(Ref("model", id))
                    return model
                case ["raised", error, text]:
                    raise _error(error, text)
                case _:
                    replay(line, run, store)
        code = driver.process.wait()
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    raise InfrastructureError(
        f"The process that trains was ended {how}: its Ray or its memory may be gone.",
        REMEDY,
    )


@contextmanager
def _stopping(run: Run) -> Iterator[None]:
    """Record a stop at once: Airflow kills a task some seconds after it asked it to stop, and Ray
    may take longer to end."""
    try:
        yield
    except KeyboardInterrupt:
        run.stopped()
        raise


@dataclass
class Driver:
    """The child process that trains.

    `process` leads a session of its own, `replies` is the pipe that it writes to, and `ready` says
    whether it has begun to train."""

    process: "subprocess.Popen[bytes]"
    replies: IO[str]
    ready: bool = False

    def send(self, request: dict[str, Any]) -> None:
        """Send what is to be trained. If the child has ended already, its replies just end."""
        assert self.process.stdin is not None  # noqa: S101
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()

    def interrupt(self) -> None:
        """Ask the child to stop Ray and end; kill it if it has not started Ray yet."""
        self.process.send_signal(signal.SIGINT if self.ready else signal.SIGKILL)

    def wait(self) -> None:
        """Wait until the child has ended; kill it if it takes too long or on a second Ctrl-C."""
        rest = threading.Thread(target=lambda: deque(self.replies, maxlen=0), daemon=True)
        rest.start()  # the child could not write to a full pipe
        try:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(LEAVING)
        finally:
            self.process.kill()
            self.process.wait()
            end(of_session(self.process.pid))  # Ray's processes outlive a killed driver
            rest.join(LEAVING)


@contextmanager
def _started(settings: Settings) -> Iterator[Driver]:
    """Give a driver. When the block ends, the driver and its Ray have ended."""
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as replies:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "stages.runner.training_process", str(writing)],
            stdin=subprocess.PIPE,
            env=_environment(settings),
            pass_fds=[writing],
            start_new_session=True,  # Ctrl-C reaches this process only, which forwards it once
        )
        os.close(writing)
        driver = Driver(process, replies)
        try:
            yield driver
        except BaseException:
            driver.interrupt()
            raise
        finally:
            driver.wait()
            with suppress(OSError):
                process.stdin.close()  # type: ignore[union-attr]


def _environment(settings: Settings) -> dict[str, str]:
    """This process's environment with `settings` as variables and `stages` on PYTHONPATH."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    values |= {name: values[name].get_secret_value() for name in Settings.secrets()}
    values["workspace"] = settings.root
    home = str(Path(stages.__file__).parents[1])
    path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)
    own = {f"AIWF_{name.upper()}": str(value) for name, value in values.items()}
    token = TOKEN if settings.ray == "local" else {}
    return {**os.environ, **own, **token, "PYTHONPATH": path}


def _error(pickled: str, text: str) -> Exception:
    """The exception of the child, with its traceback as a note."""
    error: Exception = pickle.loads(base64.b64decode(pickled))  # noqa: S301 of our own process
    if text:
        error.add_note(text)
    return error


def main(descriptor: str) -> None:
    """In the child: train as standard input says, reply through the pipe `descriptor`."""
    os.set_inheritable(int(descriptor), False)  # children must not keep the pipe open
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may ignore it
    lock, pipe = threading.Lock(), os.fdopen(int(descriptor), "w", encoding="utf-8")
    send = partial(_send, pipe, lock)
    with os.fdopen(os.dup(0), "rb") as sent:
        request = json.loads(sent.readline())
    for watch in (_leave_with_parent, partial(_leave_with_ray, send)):
        threading.Thread(target=watch, daemon=True).start()
    for name, board in _boards():
        board.places.update(request["parts"][name])
    send("ready")
    settings = Settings.taken()
    store = open_store(settings)
    try:
        model = train(
            store.load(Ref("dataset", request["dataset"])),
            TrainSlice.model_validate(request["config"]),
            store=store,
            run=ForwardingRun(None, send),
            resources=resources_of(settings),
        )
    except Exception as error:
        send("raised", _pickled(error), traceback.format_exc())
    else:
        send("model", model.ref.id)


def _boards() -> list[tuple[str, Registry]]:
    """The tables of parts by name. The child also needs parts that this process has added."""
    return [(name, board) for name, board in vars(parts).items() if isinstance(board, Registry)]


def _send(pipe: IO[str], lock: threading.Lock, *message: Any) -> None:
    with lock:
        pipe.write(f"{MARK}{json.dumps(message, default=plain)}\n")
        pipe.flush()


def _pickled(error: Exception) -> str:
    try:
        data = pickle.dumps(error)
        pickle.loads(data)  # noqa: S301 some can be pickled and not unpickled
    except Exception:  # a library's exception may raise anything here
        data = pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return base64.b64encode(data).decode()


def _leave_with_parent() -> None:
    """End this process when standard input ends, since the parent is gone then."""
    while os.read(0, 1):
        pass
    _leave(LEAVING / 2)


def _leave_with_ray(send: Callable[..., None]) -> None:
    """End this process when Ray's processes have ended during training.

    Calls that wait for them might never return."""
    while not ended():
        time.sleep(CHECK_INTERVAL)
    problem = "Ray ended while it was in use: its processes on this machine are gone."
    send("raised", _pickled(InfrastructureError(problem, REMEDY)), "")
    end_rest()
    _leave(BROKEN)


def _leave(patience: float) -> None:
    """End this process as Ctrl-C would, which stops Ray; at once after `patience` seconds."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(patience)
    os._exit(1)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(*sys.argv[1:])
